/** The Helm chart: what it renders. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  CLUSTER_PERMISSIONS,
  QUEUE_PERMISSIONS,
  SETUP_PERMISSIONS,
  TASK_PERMISSIONS,
} from '../../packages/server/src/engines/compute/kubernetes/plan/permissions.ts';
import { root, runCommand } from '../command.mjs';
import {
  configViolations,
  daisContainers,
  nameViolations,
  podViolations,
  probeViolations,
  volumeViolations,
} from './chart-rules.testing.ts';
import { targetViolations } from './chart-targets.testing.ts';
import { LONG_NAME, production, variants } from './chart-variants.testing.ts';
import { CHART, helm, podsOf, render, renderText, type Rendered } from './chart.testing.ts';

/** ConfigMaps that users create. */
const OUTSIDE = ['company-ca'];
const rendered = new Map<string, Promise<readonly Rendered[]>>();
/** Renders each variant once. */
async function objectsOf(variant: string): Promise<readonly Rendered[]> {
  const objects = rendered.get(variant) ?? render(variants[variant] ?? {});
  rendered.set(variant, objects);
  return await objects;
}

/** The violations of each pod that has some, by its object. */
function byPod<T extends { readonly of: string }>(
  pods: readonly T[],
  check: (pod: T) => readonly string[],
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    pods.map((pod) => [pod.of, check(pod)] as const).filter(([, problems]) => problems.length > 0),
  );
}

test('the chart has the version of the repository', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as { version: string; appVersion: string };
  expect(chart).toMatchObject({ version, appVersion: version });
});

test.each(['trial', 'production'] as const)('the profile %s passes lint and renders as recorded', async (profile) => {
  const options = profile === 'trial' ? { profile } : production();
  const { code, output } = await helm(['lint', '--strict'], options);
  expect(output).not.toMatch(/WARNING|ERROR/);
  expect(code).toBe(0);
  await expect(await renderText(options)).toMatchFileSnapshot(`__golden__/${profile}.yaml`);
});

describe.each(Object.keys(variants))('%s', (variant) => {
  test('has pods that the Pod Security Standard `restricted` permits, with resources and a fixed image', async () => {
    const image =
      variant === 'trial' ? /^localhost\/dais:\d+\.\d+\.\d+$/ : /^registry\.example\.com\/ml\/dais:\d+\.\d+\.\d+$/;
    const pods = podsOf(await objectsOf(variant));
    expect(pods.length).toBeGreaterThan(1);
    expect(byPod(pods, (pod) => podViolations(pod, image))).toEqual({});
  });

  test('has probes, and more time to stop than the drain needs', async () => {
    const objects = await objectsOf(variant);
    expect(byPod(podsOf(objects), (pod) => probeViolations(pod, objects))).toEqual({});
  });

  test('has a configuration with which Dais starts', async () => {
    const objects = await objectsOf(variant);
    const containers = daisContainers(objects);
    expect(containers.length).toBeGreaterThan(0);
    expect(byPod(containers, ({ container }) => configViolations(container, objects))).toEqual({});
  });

  test('refers only to objects that exist, under names that Kubernetes accepts', async () => {
    const objects = await objectsOf(variant);
    expect(byPod(podsOf(objects), (pod) => volumeViolations(pod, objects, OUTSIDE))).toEqual({});
    expect(targetViolations(objects)).toEqual([]);
    expect(nameViolations(objects)).toEqual([]);
  });
});

test('the guide lists every Secret with its key', async () => {
  const guide = readFileSync(join(root, 'docs', 'guide', 'kubernetes.md'), 'utf8');
  const rows = guide.split('\n').filter((line) => line.startsWith('|'));
  const objects = (await Promise.all(Object.keys(variants).map(objectsOf))).flat();
  const missing = podsOf(objects)
    .flatMap(({ spec }) => spec.containers.flatMap(({ env = [] }) => env))
    .flatMap(({ name, valueFrom }) =>
      valueFrom?.secretKeyRef === undefined ? [] : [{ name, key: valueFrom.secretKeyRef.key }],
    )
    .filter(({ name, key }) => !rows.some((row) => row.includes(`\`${name}\``) && row.includes(`\`${key}\``)));
  expect(missing).toEqual([]);
});

test('pods get a token of the cluster only for Vault and for steps in pods', async () => {
  const withToken = async (variant: string) =>
    podsOf(await objectsOf(variant)).filter(({ spec }) => spec.automountServiceAccountToken !== false).length;
  expect(await withToken('trial')).toBe(0);
  expect(await withToken('production with everything')).toBe(0);
  expect(await withToken(LONG_NAME)).toBeGreaterThan(0);
});

test('there are no rights in the cluster by default', async () => {
  const objects = [...(await objectsOf('trial')), ...(await objectsOf('production'))];
  expect(objects.filter(({ apiVersion }) => apiVersion.startsWith('rbac.'))).toEqual([]);
});

test('rights in namespaces are Roles of these namespaces', async () => {
  const objects = await objectsOf('production with TLS in the pods, HTTPRoutes and a key service');
  const roles = objects.filter(({ apiVersion }) => apiVersion.startsWith('rbac.'));
  expect(roles.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`)).toEqual([
    'Role training',
    'Role research',
    'RoleBinding training',
    'RoleBinding research',
  ]);
  const rules = [...TASK_PERMISSIONS, ...QUEUE_PERMISSIONS];
  expect(roles.slice(0, 2).map((role) => role['rules'])).toEqual([rules, rules]);
});

test('rights in the cluster add nodes, the verification of tokens, and objects of projects', async () => {
  const roles = (await objectsOf(LONG_NAME)).filter(({ kind }) => kind === 'ClusterRole');
  expect(roles).toHaveLength(1);
  const sorted = (rules: unknown) => (rules as object[]).map((rule) => JSON.stringify(rule)).toSorted();
  expect(sorted(roles[0]?.['rules'])).toEqual(
    sorted([...TASK_PERMISSIONS, ...CLUSTER_PERMISSIONS, ...SETUP_PERMISSIONS]),
  );
});

test('network policies deny what none of them permits', async () => {
  const policies = (await objectsOf('production with everything')).filter(({ kind }) => kind === 'NetworkPolicy');
  const [deny] = policies;
  expect(deny?.['spec']).toEqual({
    podSelector: { matchLabels: { 'app.kubernetes.io/name': 'dais', 'app.kubernetes.io/instance': 'dais' } },
    policyTypes: ['Ingress', 'Egress'],
  });
  const ports = policies.map((policy) => [policy.metadata.name, ...portsOf(policy['spec'])].join(' '));
  expect(ports.toSorted()).toEqual([
    'dais-clients 7070 7071 7072 7073',
    'dais-deny',
    'dais-egress 7070 53 53 5432 443 443',
    'dais-internal 7443 7443',
    'dais-metrics 7070 7071',
  ]);
});

test('the readiness of a gateway is that of its own port, and of the main port before it listens', async () => {
  const pod = podsOf(await objectsOf('production')).find(({ of }) => of === 'Deployment dais-gateway');
  const probe = pod?.spec.containers[0]?.['readinessProbe'] as { exec?: { command: readonly string[] } } | undefined;
  const [program = '', ...args] = probe?.exec?.command.slice(0, -2) ?? [];
  const isReady = async (...ports: readonly number[]) =>
    (await runCommand(program, [...args, ...ports.map(String)], { quiet: true })).code === 0;
  const [ready, unready, closed] = await Promise.all([listen(200), listen(503), listen(200)]);
  const [readyPort, unreadyPort, closedPort] = [portOf(ready), portOf(unready), portOf(closed)];
  await close(closed);
  expect(await isReady(readyPort, unreadyPort)).toBe(true);
  expect(await isReady(unreadyPort, readyPort)).toBe(false);
  expect(await isReady(closedPort, readyPort)).toBe(true);
  expect(await isReady(closedPort, unreadyPort)).toBe(false);
  expect(await isReady(closedPort, closedPort)).toBe(false);
  await Promise.all([close(ready), close(unready)]);
});

async function listen(status: number): Promise<Server> {
  const server = createServer((_request, response) => response.writeHead(status).end());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => void server.close(() => resolve()));
}

function portsOf(value: unknown): number[] {
  return [...JSON.stringify(value).matchAll(/"port":(\d+)/g)].map(([, port]) => Number(port));
}
