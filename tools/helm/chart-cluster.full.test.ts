/**
 * The Helm chart in a real control plane: the API server validates every object, the controllers create the pods in a namespace that enforces the
 * Pod Security Standard `restricted`, and the scheduler assigns them to simulated nodes, which run no containers.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControlPlane, type ControlPlane } from '../../conformance/kubernetes/control-plane.ts';
import { VERSIONS, type KubernetesVersion } from '../../conformance/kubernetes/programs.ts';
import { startSimulatedNodes, type SimulatedNodes } from '../../conformance/kubernetes/simulated-nodes.ts';
import { runCommand } from '../command.mjs';
import { helmPrograms } from '../helm.mjs';
import { LONG_NAME, production, variants } from './chart-variants.testing.ts';
import { helm, type RenderOptions } from './chart.testing.ts';
import { resourceDefinitions } from './resource-definitions.testing.ts';

const PATIENCE = { timeout: 120_000, interval: 500 };
/** Kinds of a release, all of which `helm uninstall` removes. */
const KINDS =
  'deployments,statefulsets,cronjobs,services,configmaps,serviceaccounts,poddisruptionbudgets,networkpolicies,roles,rolebindings';

interface Placed {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly nodeName?: string };
}

describe.each(Object.keys(VERSIONS) as KubernetesVersion[])('Kubernetes %s', (version) => {
  let controlPlane: ControlPlane;
  let nodes: SimulatedNodes;
  let kubectlProgram: string;

  beforeAll(async () => {
    ({ kubectl: kubectlProgram } = await helmPrograms());
    controlPlane = await startControlPlane({ version, controllers: true });
    nodes = await startSimulatedNodes(controlPlane.kubeconfig, { count: 3 });
    const definitions = await resourceDefinitions();
    await kubectl('apply', '--server-side', '--filename', definitions);
    await kubectl('wait', '--for=condition=Established', '--timeout=60s', '--filename', definitions);
  }, 1_800_000);
  afterAll(async () => {
    await nodes?.stop();
    await controlPlane?.stop();
  });

  async function kubectl(...args: readonly string[]): Promise<string> {
    const env = { KUBECONFIG: controlPlane.kubeconfigFile };
    const { code, output } = await runCommand(kubectlProgram, args, { quiet: true, env });
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}:\n${output}`);
    return output;
  }

  /** Creates a namespace that refuses pods which are not `restricted`, and reports workloads whose pods it would refuse. */
  async function createNamespace(name: string): Promise<void> {
    await kubectl('create', 'namespace', name);
    const modes = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
    await kubectl('label', 'namespace', name, ...modes);
  }

  async function release(command: string, namespace: string, options: RenderOptions): Promise<string> {
    const flags = ['--kubeconfig', controlPlane.kubeconfigFile, '--namespace', namespace];
    const { code, output } = await helm([...command.split(' '), ...flags], { release: 'dais', ...options });
    if (code !== 0) throw new Error(output);
    return output;
  }

  /** Runs Helm on a release. @throws Error with its output */
  async function change(namespace: string, ...args: readonly string[]): Promise<void> {
    const { helm: program } = await helmPrograms();
    const flags = ['--kubeconfig', controlPlane.kubeconfigFile, '--namespace', namespace];
    const { code, output } = await runCommand(program, [...args, ...flags], { quiet: true });
    if (code !== 0) throw new Error(`helm ${args.join(' ')}:\n${output}`);
  }

  /** Components of the pods, with `waits` after those that have no node. */
  async function pods(namespace: string): Promise<readonly string[]> {
    const { items } = JSON.parse(await kubectl('get', 'pods', '--namespace', namespace, '--output=json')) as {
      readonly items: readonly Placed[];
    };
    return items
      .map(({ metadata, spec }) =>
        [metadata.labels['app.kubernetes.io/component'], ...(spec.nodeName === undefined ? ['waits'] : [])].join(' '),
      )
      .toSorted();
  }

  test('installs the profile production, changes it, rolls it back, and removes it', async () => {
    await createNamespace('production');
    const options = production({ backup: { enabled: true }, blobs: { secret: { name: 'dais-blobs' } } });
    const output = await release('install', 'production', options);
    expect(output).toContain('exec deployment/dais-api -c dais -- dais user invite');
    expect(output).not.toMatch(/^W\d|[Ww]arning|would violate/m);
    const two = ['api', 'api', 'controller', 'controller', 'gateway', 'gateway', 'worker', 'worker'];
    await expect.poll(async () => await pods('production'), PATIENCE).toEqual(two);

    const roles = { worker: { replicas: 3 }, controller: { replicas: 1 } };
    expect(await release('upgrade', 'production', { ...options, values: { ...options.values, roles } })).not.toMatch(
      /^W\d|would violate/m,
    );
    const changed = ['api', 'api', 'controller', 'gateway', 'gateway', 'worker', 'worker', 'worker'];
    await expect.poll(async () => await pods('production'), PATIENCE).toEqual(changed);

    await change('production', 'rollback', 'dais', '1');
    await expect.poll(async () => await pods('production'), PATIENCE).toEqual(two);

    await change('production', 'uninstall', 'dais');
    const left = async () =>
      await kubectl(
        'get',
        KINDS,
        '--namespace',
        'production',
        '--selector=app.kubernetes.io/name=dais',
        '--output=name',
      );
    await expect.poll(left, PATIENCE).toMatch(/^(No resources found.*)?\s*$/);
    // Backups outlive the release.
    expect(await kubectl('get', 'persistentvolumeclaims', '--namespace', 'production', '--output=name')).toContain(
      'dais-backup',
    );
  });

  test('installs the profile trial, with volumes for its database and its keys', async () => {
    await createNamespace('trial');
    const output = await release('install', 'trial', { profile: 'trial' });
    expect(output).toContain('port-forward service/dais 7070');
    expect(output).not.toMatch(/^W\d|would violate/m);
    const claims = async () => await kubectl('get', 'persistentvolumeclaims', '--namespace', 'trial', '--output=name');
    await expect.poll(claims, PATIENCE).toBe('persistentvolumeclaim/data-dais-0\npersistentvolumeclaim/keys-dais-0\n');
    // The control plane has no volumes.
    await expect.poll(async () => await pods('trial'), PATIENCE).toEqual(['all waits']);
  });

  test('accepts every object of the other variants', async () => {
    for (const name of ['training', 'research']) await createNamespace(name);
    const two = (component: string) => [component, component];
    const others: readonly [RenderOptions, readonly string[]][] = [
      // Workers have a node selector, and the gateways volumes.
      [
        variants['production with everything'] ?? {},
        ['api', ...two('controller'), ...two('gateway waits'), ...two('worker waits')],
      ],
      [
        variants['production with TLS in the pods, HTTPRoutes and a key service'] ?? {},
        [...two('all waits'), ...two('api'), ...two('controller'), ...two('gateway')],
      ],
      [variants[LONG_NAME] ?? {}, ['api', 'controller', 'gateway', 'worker'].flatMap((role) => two(`${role} waits`))],
    ];
    for (const [index, [options, expected]] of others.entries()) {
      const namespace = `other-${index}`;
      await createNamespace(namespace);
      expect(await release('install', namespace, options)).not.toMatch(/^W\d|would violate/m);
      await expect.poll(async () => await pods(namespace), PATIENCE).toEqual(expected);
    }
    const can = async (namespace: string, verb: string, resource: string) => {
      const env = { KUBECONFIG: controlPlane.kubeconfigFile };
      const user = '--as=system:serviceaccount:other-1:dais';
      const { output } = await runCommand(
        kubectlProgram,
        ['auth', 'can-i', verb, resource, '--namespace', namespace, user],
        {
          quiet: true,
          env,
        },
      );
      return /^(yes|no)$/m.exec(output)?.[0];
    };
    expect(await can('training', 'create', 'jobs.batch')).toBe('yes');
    expect(await can('training', 'get', 'secrets')).toBe('no');
    expect(await can('other-1', 'create', 'jobs.batch')).toBe('no');
  });
});
