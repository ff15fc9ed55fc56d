/** A cluster as a compute target, on a real API server with the permissions of Dais only. Pods are tested in `kubernetes-target.full.test.ts` of the server. */
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { silentLog } from '#lib/log.ts';
import { startControlPlane, type ControlPlane } from '../../../../../../conformance/kubernetes/control-plane.ts';
import { testClient } from '../../../../../../conformance/kubernetes/test-client.ts';
import type { ComputeTarget } from '../model/target.ts';
import { clusterConnection } from './cluster-connection.ts';
import { openKubernetesTarget } from './kubernetes-target.ts';
import { CLUSTER_PERMISSIONS, SETUP_PERMISSIONS, TASK_PERMISSIONS, type PermissionRule } from './plan/permissions.ts';

const GROUP = 'rbac.authorization.k8s.io';
const ALL = [...CLUSTER_PERMISSIONS, ...TASK_PERMISSIONS, ...SETUP_PERMISSIONS];

let controlPlane: ControlPlane;
let admin: ClusterClient;
let kubeconfig: string;
const opened: ComputeTarget[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane();
  admin = await testClient(controlPlane.kubeconfig);
  kubeconfig = await controlPlane.certificates.kubeconfig('dais', controlPlane.url);
  const bindings = { group: GROUP, version: 'v1', resource: 'clusterrolebindings' };
  await admin.create(bindings, {
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'dais' },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'dais' },
    subjects: [{ apiGroup: GROUP, kind: 'User', name: 'dais' }],
  });
}, 300_000);
afterEach(async () => void (await Promise.all(opened.splice(0).map(async (target) => await target.close()))));
afterAll(async () => {
  admin?.close();
  await controlPlane?.stop();
});

async function permit(rules: readonly PermissionRule[]): Promise<void> {
  const role = { group: GROUP, version: 'v1', resource: 'clusterroles', name: 'dais' };
  const metadata = { name: 'dais' };
  await admin.apply(role, { apiVersion: `${GROUP}/v1`, kind: 'ClusterRole', metadata, rules }, { force: true });
  // The authorizer of the API server follows its own watch.
  await new Promise<void>((resolve) => void systemClock.after(300, resolve));
}

interface Options {
  readonly installation?: string;
  readonly kubeconfig?: () => string;
  readonly programs?: readonly string[];
}

function open({ installation = 'one', programs = [], ...options }: Options = {}): ComputeTarget {
  const read = options.kubeconfig ?? (() => kubeconfig);
  const target = openKubernetesTarget({
    uid: '00000000-0000-4000-8000-000000000000',
    connect: async () =>
      await clusterConnection({
        target: 'lab',
        kubeconfig: async () => await Promise.resolve(read()),
        context: undefined,
        programs,
        service: { host: undefined, port: undefined },
      }),
    namespacePrefix: 'dais-',
    pods: {
      installation,
      agent: { image: 'localhost/agent:1', url: 'http://192.0.2.7:7070', transfer: 'proxied' },
      baseImage: 'localhost/base:1',
      userNamespaces: false,
      imageVolumes: false,
    },
    maxTasks: 7,
    network: async () => await Promise.resolve({ dais: [{ cidr: '192.0.2.7/32', ports: [7070] }], objectStore: [] }),
    objects: {
      put: never,
      get: never,
      list: never,
      delete: never,
      putBytes: never,
      getBytes: never,
    },
    seal: { seal: never, open: never },
    sessionKey: Buffer.alloc(32),
    environment: {},
    clock: systemClock,
    random: Math.random,
    log: silentLog,
  });
  opened.push(target);
  return target;
}

function never(): never {
  throw new Error('no test here runs a task');
}

const signal = new AbortController().signal;
const project = (name: string, quota: Readonly<Record<string, number>> = {}) => ({ id: `id of ${name}`, name, quota });
const probe = async (target: ComputeTarget) => await target.probe({ pods: false, signal });

test('a probe reports the version, and names each missing permission with the rule to add', async () => {
  await permit(ALL);
  const report = await probe(open());
  expect(report).toMatchObject({
    version: expect.stringMatching(/^1\.\d+\.\d+/),
    problems: [],
    features: [],
    nodes: 0,
  });
  expect(report.warnings).toEqual(['The cluster has no nodes now. Steps wait until an autoscaler adds one.']);
  await permit(ALL.map((rule) => (rule.resources.includes('jobs') ? { ...rule, verbs: ['get', 'list'] } : rule)));
  expect((await probe(open())).problems).toEqual([
    'Dais may not watch, create, patch, delete jobs in namespace `dais-probe-00000000`. Add the rule {apiGroups: ["batch"], resources: ["jobs"], ' +
      'verbs: ["watch", "create", "patch", "delete"]} to its Role there or its ClusterRole.',
  ]);
  await permit(ALL.filter((rule) => !rule.resources.includes('nodes')));
  expect((await probe(open())).problems).toEqual([
    'Dais may not get, list, watch nodes in the cluster. Add the rule {apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"]} to its ClusterRole.',
  ]);
  await permit(ALL);
});

test('an engine without a permission is not opened, and says which rule to add', { timeout: 30_000 }, async () => {
  await permit(ALL.filter((rule) => !rule.resources.includes('pods')));
  const begun = performance.now();
  await expect(open().project(project('blind'))).rejects.toMatchObject({
    code: 'target_unavailable',
    message: expect.stringContaining(
      'Add the rule {apiGroups: [""], resources: ["pods"], verbs: ["list", "watch", "delete"]}',
    ),
  });
  expect(performance.now() - begun).toBeLessThan(20_000);
  await permit(ALL);
});

test('each project has a namespace, whose quota follows the project', async () => {
  await permit(ALL);
  const target = open();
  const [first, again] = await Promise.all([target.project(project('flights')), target.project(project('flights'))]);
  expect(first).toBe(again);
  const quota = async () => {
    const reference = { version: 'v1', resource: 'resourcequotas', namespace: 'dais-flights', name: 'dais' };
    return ((await admin.get(reference))['spec'] as { hard: Record<string, string> }).hard;
  };
  expect(await quota()).toMatchObject({ pods: '7' });
  expect(await target.project(project('flights', { 'nvidia.com/gpu': 2 }))).toBe(first);
  expect(await quota()).toMatchObject({ pods: '7', 'requests.nvidia.com/gpu': '2' });
});

test('namespaces of others are refused, with how to hand them over', async () => {
  await permit(ALL);
  await admin.create(
    { version: 'v1', resource: 'namespaces' },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'dais-web' } },
  );
  await expect(open().project(project('web'))).rejects.toMatchObject({
    code: 'target_unavailable',
    message: expect.stringContaining(
      'The namespace `dais-web` exists and is not one of Dais. Choose another `spec.namespacePrefix`',
    ),
  });
  await open().project(project('shared'));
  await expect(open({ installation: 'two' }).project(project('shared'))).rejects.toThrow(
    'The namespace `dais-shared` belongs to another installation of Dais.',
  );
});

test('a kubeconfig that cannot be used is explained, and its correction applies', async () => {
  await permit(ALL);
  let text = 'kind: Config';
  const target = open({ kubeconfig: () => text });
  expect((await probe(target)).problems).toEqual([
    expect.stringContaining('The cluster of the target "lab" cannot be used:'),
  ]);
  text = kubeconfig;
  expect((await probe(target)).problems).toEqual([]);
});

test('a program of a kubeconfig must be permitted', async () => {
  const user = 'exec: { apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never }';
  const text = kubeconfig.replace(/client-certificate-data:.*\n.*client-key-data:.*\n/, `${user}\n`);
  expect((await probe(open({ kubeconfig: () => text }))).problems).toEqual([
    expect.stringContaining('it starts the program "sh", but none is permitted'),
  ]);
});

/** Accepts connections and says nothing. */
async function silentServer(): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer(() => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

test(
  'an API server that does not respond is reported within 10 s, and used when it responds',
  { timeout: 40_000 },
  async () => {
    await permit(ALL);
    const { server, port } = await silentServer();
    let url = `https://127.0.0.1:${port}`;
    const target = open({ kubeconfig: () => kubeconfig.replaceAll(controlPlane.url, url) });
    const begun = performance.now();
    const report = await probe(target);
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(report.problems).toHaveLength(1);
    expect(report.problems[0]).toContain(`127.0.0.1:${port}`);
    await expect(target.project(project('away'))).rejects.toMatchObject({ code: 'target_unavailable' });
    url = controlPlane.url;
    expect((await probe(target)).problems).toEqual([]);
    await target.project(project('away'));
    server.close();
  },
);
