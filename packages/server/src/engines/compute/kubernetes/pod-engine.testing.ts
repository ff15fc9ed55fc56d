/** The engine on a cluster with a real node, where the image of the agent is present. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '#lib/log.ts';
import { AGENT_IMAGE, writeAgentImage } from '../../../../../../conformance/kubernetes/agent-image.ts';
import { startNodeCluster, type NodeCluster } from '../../../../../../conformance/kubernetes/node-cluster.ts';
import { SHELL_IMAGE } from '../../../../../../conformance/kubernetes/node-images.ts';
import { HOST_ADDRESS } from '../../../../../../conformance/kubernetes/node-namespaces.ts';
import { openTestEngine, type OpenedEngine } from './engine.testing.ts';

export interface PodEngine {
  readonly cluster: NodeCluster;
  readonly engine: OpenedEngine;
  end(): Promise<void>;
}

export async function openPodEngine(): Promise<PodEngine> {
  const cluster = await startNodeCluster();
  const folder = mkdtempSync(join(tmpdir(), 'dais-agent-'));
  await writeAgentImage(join(folder, 'agent.tar'));
  await cluster.runtime.importImage(join(folder, 'agent.tar'));
  rmSync(folder, { recursive: true });
  const engine = await openEngineOn(cluster, 'dais-default', SHELL_IMAGE);
  return {
    cluster,
    engine,
    end: async () => {
      await engine.end();
      await cluster.stop();
    },
  };
}

/** Another engine on the same cluster. */
export async function openEngineOn(
  { controlPlane }: NodeCluster,
  namespace: string,
  baseImage: string,
): Promise<OpenedEngine> {
  return await openTestEngine({
    kubeconfig: controlPlane.kubeconfig,
    address: HOST_ADDRESS,
    target: { namespace, agentImage: AGENT_IMAGE, baseImage, userNamespaces: false, imageVolumes: false },
    log: silentLog,
  });
}
