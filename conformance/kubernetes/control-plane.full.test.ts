/** The test cluster without containers: a real control plane of each version, and simulated nodes. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { VERSIONS, type KubernetesVersion } from './programs.ts';
import { DURATION, EXIT_CODE, startSimulatedNodes, type SimulatedNodes } from './simulated-nodes.ts';
import { testClient, untilJobEnds, untilObject } from './test-client.ts';

const JOBS = { group: 'batch', version: 'v1', resource: 'jobs', namespace: 'default' } as const;

describe.each(Object.keys(VERSIONS) as KubernetesVersion[])('Kubernetes %s', (version) => {
  let controlPlane: ControlPlane;
  let nodes: SimulatedNodes;

  beforeAll(async () => {
    controlPlane = await startControlPlane({ version, controllers: true });
    nodes = await startSimulatedNodes(controlPlane.kubeconfig, { count: 3 });
  }, 1_800_000);
  afterAll(async () => {
    await nodes.stop();
    await controlPlane.stop();
    if (existsSync(controlPlane.kubeconfigFile)) throw new Error(`${controlPlane.kubeconfigFile} remained.`);
  });

  test('reports its version', async () => {
    expect(JSON.parse(await controlPlane.read('/version'))).toMatchObject({ gitVersion: `v${VERSIONS[version]}` });
  });

  test('schedules Jobs onto simulated nodes, which end as their annotations say', async () => {
    const client = await testClient(controlPlane.kubeconfig);
    for (const [name, code] of [
      ['passes', '0'],
      ['fails', '3'],
    ] as const) {
      await client.create(JOBS, {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name },
        spec: {
          backoffLimit: 0,
          template: {
            metadata: { annotations: { [DURATION]: '50', [EXIT_CODE]: code } },
            spec: {
              restartPolicy: 'Never',
              containers: [{ name: 'task', image: 'none', resources: { limits: { 'nvidia.com/gpu': '1' } } }],
            },
          },
        },
      });
    }
    expect(await untilJobEnds(client, { ...JOBS, name: 'passes' })).toBe('Complete');
    expect(await untilJobEnds(client, { ...JOBS, name: 'fails' })).toBe('Failed');
    client.close();
  });

  test('notices a node that has lost its power', async () => {
    const client = await testClient(controlPlane.kubeconfig);
    const [name = ''] = nodes.names;
    nodes.silence(name);
    const node = { version: 'v1', resource: 'nodes', name };
    const isUnknown = (object: { readonly [field: string]: unknown }) =>
      JSON.stringify(object['status']).includes('NodeStatusUnknown');
    const { metadata } = await untilObject(client, node, isUnknown);
    expect(metadata.name).toBe(name);
    client.close();
  });

  test('continues after its API server was killed', async () => {
    await controlPlane.killApiServer();
    await expect(controlPlane.read('/readyz')).rejects.toThrow('ECONNREFUSED');
    await controlPlane.startApiServer();
    expect(await controlPlane.isNodeReady(nodes.names[1] ?? '')).toBe(true);
  });
});
