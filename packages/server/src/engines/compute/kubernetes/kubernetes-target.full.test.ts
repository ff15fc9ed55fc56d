/** A cluster as a compute target, on a real API server with the permissions of Dais only. Pods are tested in `kubernetes-target.full.test.ts` of the server. */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { startControlPlane, type ControlPlane } from '../../../../../../conformance/kubernetes/control-plane.ts';
import { testClient } from '../../../../../../conformance/kubernetes/test-client.ts';
import { startSimulatedNodes } from '../../../../../../conformance/kubernetes/simulated-nodes.ts';
import type { TaskSpec } from '../contract.ts';
import type { ComputeTarget } from '../model/target.ts';
import {
  CLUSTER_PERMISSIONS,
  QUEUE_PERMISSIONS,
  SETUP_PERMISSIONS,
  TASK_PERMISSIONS,
  type PermissionRule,
} from './plan/permissions.ts';
import { openTestTarget, type TestTarget, type TestTargetOptions } from './target.testing.ts';

const GROUP = 'rbac.authorization.k8s.io';
const ALL = [...CLUSTER_PERMISSIONS, ...TASK_PERMISSIONS, ...SETUP_PERMISSIONS];

let controlPlane: ControlPlane;
let admin: ClusterClient;
let kubeconfig: string;
const opened: TestTarget[] = [];

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
afterEach(async () => void (await Promise.all(opened.splice(0).map(async (target) => await target.end()))));
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

async function open(options: Partial<TestTargetOptions> = {}): Promise<ComputeTarget> {
  const opening = await openTestTarget({ kubeconfig: () => kubeconfig, ...options });
  opened.push(opening);
  return opening.target;
}

const signal = new AbortController().signal;
const project = (name: string, quota: Readonly<Record<string, number>> = {}) => ({ id: `id of ${name}`, name, quota });
const probe = async (target: ComputeTarget) => await target.probe({ pods: false, signal });

test('a probe reports the version, and names each missing permission with the rule to add', async () => {
  await permit(ALL);
  const report = await probe(await open());
  expect(report).toMatchObject({
    version: expect.stringMatching(/^1\.\d+\.\d+/),
    problems: [],
    features: [],
    nodes: 0,
  });
  expect(report.warnings).toEqual(['The cluster has no nodes now. Steps wait until an autoscaler adds one.']);
  await permit(ALL.map((rule) => (rule.resources.includes('jobs') ? { ...rule, verbs: ['get', 'list'] } : rule)));
  expect((await probe(await open())).problems).toEqual([
    'Dais may not watch, create, patch, delete jobs in namespace `dais-probe-00000000`. Add the rule {apiGroups: ["batch"], resources: ["jobs"], ' +
      'verbs: ["watch", "create", "patch", "delete"]} to its Role there or its ClusterRole.',
  ]);
  await permit(ALL.filter((rule) => !rule.resources.includes('nodes')));
  expect((await probe(await open())).problems).toEqual([
    'Dais may not get, list, watch nodes in the cluster. Add the rule {apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"]} to its ClusterRole.',
  ]);
  await permit(ALL);
});

test('an engine without a permission is not opened, and says which rule to add', { timeout: 30_000 }, async () => {
  await permit(ALL.filter((rule) => !rule.resources.includes('pods')));
  const begun = performance.now();
  await expect((await open()).project(project('blind'))).rejects.toMatchObject({
    code: 'target_unavailable',
    message: expect.stringContaining(
      'Add the rule {apiGroups: [""], resources: ["pods"], verbs: ["list", "watch", "delete"]}',
    ),
  });
  expect(performance.now() - begun).toBeLessThan(10_000);
  await permit(ALL);
});

test('each project has a namespace, whose quota follows the project', async () => {
  await permit(ALL);
  const target = await open();
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

test('projects share one watch of the nodes, which ends with the target', async () => {
  await permit(ALL);
  const watches = async () => {
    const metrics = await admin.read('/metrics', {}, {});
    const [, count = '0'] =
      /^apiserver_longrunning_requests\{[^}]*resource="nodes"[^}]*verb="WATCH"[^}]*\} (\d+)/m.exec(metrics) ?? [];
    return Number(count);
  };
  // Those of the API server itself, and of targets that other tests have closed.
  const poll = { timeout: 10_000, interval: 500 };
  let own = await watches();
  await expect.poll(async () => own === (own = await watches()), poll).toBe(true);
  const opening = await openTestTarget({ kubeconfig: () => kubeconfig });
  for (const name of ['share-1', 'share-2', 'share-3']) await opening.target.project(project(name));
  await expect.poll(watches, poll).toBe(own + 1);
  await opening.end();
  await expect.poll(watches, poll).toBe(own);
});

test('namespaces of others are refused, with how to hand them over', async () => {
  await permit(ALL);
  await admin.create(
    { version: 'v1', resource: 'namespaces' },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'dais-web' } },
  );
  await expect((await open()).project(project('web'))).rejects.toMatchObject({
    code: 'target_unavailable',
    message: expect.stringContaining(
      'The namespace `dais-web` exists and is not one of Dais. Choose another `spec.namespacePrefix`',
    ),
  });
  await (await open()).project(project('shared'));
  await expect((await open({ installation: 'two' })).project(project('shared'))).rejects.toThrow(
    'The namespace `dais-shared` belongs to another installation of Dais.',
  );
});

test('a kubeconfig that cannot be used is explained, and its correction applies', async () => {
  await permit(ALL);
  let text = 'kind: Config';
  const target = await open({ kubeconfig: () => text });
  expect((await probe(target)).problems).toEqual([
    expect.stringContaining('The cluster of the target "lab" cannot be used:'),
  ]);
  text = kubeconfig;
  expect((await probe(target)).problems).toEqual([]);
});

test('a program of a kubeconfig must be permitted', async () => {
  const user = 'exec: { apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never }';
  const text = kubeconfig.replace(/client-certificate-data:.*\n.*client-key-data:.*\n/, `${user}\n`);
  expect((await probe(await open({ kubeconfig: () => text }))).problems).toEqual([
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
    const target = await open({ kubeconfig: () => kubeconfig.replaceAll(controlPlane.url, url) });
    const begun = performance.now();
    const report = await probe(target);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(report.problems).toHaveLength(1);
    expect(report.problems[0]).toContain(`127.0.0.1:${port}`);
    const opening = performance.now();
    await expect(target.project(project('away'))).rejects.toMatchObject({
      code: 'target_unavailable',
      message: expect.stringContaining(
        `The API server https://127.0.0.1:${port} did not complete its response within 8 s.`,
      ),
    });
    expect(performance.now() - opening).toBeLessThan(10_000);
    url = controlPlane.url;
    expect((await probe(target)).problems).toEqual([]);
    await target.project(project('away'));
    server.close();
  },
);

test('of two installations that open the same project at the same time, one gets the namespace', async () => {
  await permit(ALL);
  for (const name of ['race-1', 'race-2', 'race-3']) {
    const targets = [await open(), await open({ installation: 'two' })];
    const results = await Promise.allSettled(targets.map(async (target) => await target.project(project(name))));
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const refused = results.find((result) => result.status === 'rejected');
    expect(refused?.reason).toMatchObject({
      code: 'target_unavailable',
      message: expect.stringContaining('belongs to another installation of Dais'),
    });
  }
});

const task = (attempt: string, fields: Partial<TaskSpec> = {}): TaskSpec => ({
  attempt,
  command: ['true'],
  variables: {},
  secretVariables: {},
  inputs: [],
  outputs: [],
  resources: {},
  limits: {},
  isolation: 'required',
  network: false,
  ...fields,
});

test(
  'an engine survives an absent API server, whose calls are `target_unavailable`',
  { timeout: 120_000 },
  async () => {
    await permit(ALL);
    const target = await open();
    const compute = await target.project(project('outage'));
    await compute.submit(task('before'));
    await controlPlane.killApiServer();
    expect(await target.project(project('outage', { cpu: 4 }))).toBe(compute);
    const refusal = { code: 'target_unavailable', message: expect.stringContaining(controlPlane.url) };
    const begun = performance.now();
    await expect(compute.submit(task('during'))).rejects.toMatchObject(refusal);
    await expect(compute.cancel('before')).rejects.toMatchObject(refusal);
    await expect(compute.forget('before')).rejects.toMatchObject(refusal);
    await expect(target.project(project('outage-2'))).rejects.toMatchObject(refusal);
    expect((await probe(target)).problems).toEqual([expect.stringContaining('refuses the connection')]);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(await compute.status('before')).toMatchObject({ phase: 'preparing' });
    await controlPlane.startApiServer();
    await compute.submit(task('after'));
    for (const attempt of ['before', 'after']) await compute.forget(attempt);
    await target.project(project('outage-2'));
  },
);

test('a namespace that somebody deletes is reported, and not used', { timeout: 30_000 }, async () => {
  await permit(ALL);
  const target = await open();
  const compute = await target.project(project('gone'));
  await admin.delete({ version: 'v1', resource: 'namespaces', name: 'dais-gone' }, { propagationPolicy: 'Background' });
  await expect(compute.submit(task('one'))).rejects.toMatchObject({
    code: 'target_unavailable',
    message: 'The namespace of the project was deleted. Dais creates it again.',
  });
  await expect(target.project(project('gone'))).rejects.toThrow('The namespace `dais-gone` is being deleted.');
});

test('requests are compared with the nodes that fit', { timeout: 60_000 }, async () => {
  await permit(ALL);
  const nodes = await startSimulatedNodes(controlPlane.kubeconfig, { count: 1 });
  try {
    // New nodes have the taint `not-ready`, which a controller removes. None runs here.
    for (const name of nodes.names) {
      await admin.patch({ version: 'v1', resource: 'nodes', name }, { merge: { spec: { taints: null } } });
    }
    const pools = {
      gpu: { nodeSelector: { 'dais.dev/simulated': 'true' }, resources: ['nvidia.com/gpu'] },
      absent: { nodeSelector: { pool: 'absent' } },
    };
    const target = await open({ pods: { pools } });
    expect(await probe(target)).toMatchObject({
      problems: [],
      warnings: [],
      nodes: 1,
      resources: { cpu: 16, 'nvidia.com/gpu': 1 },
      largestTask: { cpu: 15.95, 'nvidia.com/gpu': 1 },
    });
    const compute = await target.project(project('nodes'));
    await expect(compute.submit(task('wide', { resources: { cpu: 1000 } }))).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(
        'resources.cpu: requests 1000, and the largest of the nodes of the target has 15.95',
      ),
    });
    const gpus = { resources: { 'nvidia.com/gpu': 2 } };
    await expect(compute.submit(task('gpus', gpus))).rejects.toThrow(
      'requests 2, and the largest of the nodes of pool "gpu" has 1',
    );
    await expect(compute.submit(task('pool', { pool: 'h100' }))).rejects.toThrow(
      'The target has no pool "h100". It has gpu, absent.',
    );
    await expect(compute.submit(task('image', { image: 'https://registry.example/train' }))).rejects.toThrow(
      '"https://registry.example/train" is no image name.',
    );
    // An autoscaler may add nodes to a pool without any.
    await compute.submit(
      task('later', { pool: 'absent', resources: { cpu: 1000 }, image: 'registry.example/train:1' }),
    );
    const job = await admin.get({
      group: 'batch',
      version: 'v1',
      resource: 'jobs',
      namespace: 'dais-nodes',
      name: 'dais-later-r1',
    });
    expect(job).toMatchObject({
      spec: {
        template: { spec: { nodeSelector: { pool: 'absent' }, containers: [{ image: 'registry.example/train:1' }] } },
      },
    });
    await compute.forget('later');
  } finally {
    await nodes.stop();
    for (const name of nodes.names) {
      await admin.delete({ version: 'v1', resource: 'nodes', name }, { propagationPolicy: 'Background' });
    }
  }
});

test('a probe says when the namespace of the first project is not free', async () => {
  await permit(ALL);
  const two = await open({ installation: 'two' });
  await (await open()).project(project('default'));
  expect((await probe(two)).problems).toEqual([
    expect.stringContaining('The namespace `dais-default` belongs to another installation of Dais.'),
  ]);
});

test('a probe reports what admission rules say to the objects of Dais', async () => {
  await permit(ALL);
  const admission = { group: 'admissionregistration.k8s.io', version: 'v1' };
  const policies = { ...admission, resource: 'validatingadmissionpolicies' };
  const bindings = { ...admission, resource: 'validatingadmissionpolicybindings' };
  const metadata = { name: 'no-jobs' };
  const resourceRules = [{ apiGroups: ['batch'], apiVersions: ['v1'], resources: ['jobs'], operations: ['CREATE'] }];
  await admin.create(policies, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata,
    spec: {
      matchConstraints: { resourceRules },
      validations: [{ expression: 'has(object.metadata.labels.team)', message: 'Jobs need the label team.' }],
    },
  });
  await admin.create(bindings, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata,
    spec: { policyName: 'no-jobs', validationActions: ['Deny'] },
  });
  const target = await open();
  await target.project(project('default'));
  // The API server compiles new policies after a moment.
  await expect
    .poll(async () => (await probe(target)).problems, { timeout: 20_000, interval: 500 })
    .toEqual([expect.stringContaining('Jobs need the label team.')]);
  for (const collection of [bindings, policies]) {
    await admin.delete({ ...collection, name: 'no-jobs' }, { propagationPolicy: 'Background' });
  }
  await expect.poll(async () => (await probe(target)).problems, { timeout: 20_000, interval: 500 }).toEqual([]);
});

test('a queue needs Kueue, and a LocalQueue in the namespaces of projects', { timeout: 60_000 }, async () => {
  await permit(ALL);
  const target = await open({ pods: { kueueQueue: 'ml' } });
  await target.project(project('default'));
  expect((await probe(target)).problems).toEqual([
    'The target has the queue `ml`, but Kueue is not installed. Install it, or remove `spec.kueue`.',
  ]);
  const group = 'kueue.x-k8s.io';
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await admin.create(
    { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' },
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: {
        name: `localqueues.${group}`,
        annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/kueue' },
      },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural: 'localqueues', singular: 'localqueue', kind: 'LocalQueue' },
        versions: [{ name: 'v1beta2', served: true, storage: true, schema }],
      },
    },
  );
  const poll = { timeout: 20_000, interval: 300 };
  await expect.poll(async () => (await probe(target)).features, poll).toEqual(['kueue']);
  const { warnings } = await probe(target);
  for (const resource of ['workloads', 'localqueues']) {
    expect(warnings).toContainEqual(
      expect.stringContaining(
        `Add the rule {apiGroups: ["kueue.x-k8s.io"], resources: ["${resource}"], verbs: ["get", "list", "watch"]}`,
      ),
    );
  }
  await permit([...ALL, ...QUEUE_PERMISSIONS]);
  expect((await probe(target)).problems).toEqual([
    'The namespace `dais-default` has no LocalQueue `ml`, so its steps wait. Create it there, or correct `spec.kueue.queue`.',
  ]);
  await admin.create(
    { group, version: 'v1beta2', resource: 'localqueues', namespace: 'dais-default' },
    { apiVersion: `${group}/v1beta2`, kind: 'LocalQueue', metadata: { name: 'ml' }, spec: {} },
  );
  expect((await probe(target)).problems).toEqual([]);
});
