/** The suite of compute engines with real pods on a real node. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '#lib/log.ts';
import { AGENT_IMAGE, writeAgentImage } from '../../../../../../conformance/kubernetes/agent-image.ts';
import { startNodeCluster } from '../../../../../../conformance/kubernetes/node-cluster.ts';
import { SHELL_IMAGE } from '../../../../../../conformance/kubernetes/node-images.ts';
import { HOST_ADDRESS } from '../../../../../../conformance/kubernetes/node-namespaces.ts';
import { computeSuite } from '../suite.ts';
import { openTestEngine } from './engine.testing.ts';

computeSuite('kubernetes', async () => {
  const cluster = await startNodeCluster();
  const folder = mkdtempSync(join(tmpdir(), 'dais-agent-'));
  await writeAgentImage(join(folder, 'agent.tar'));
  await cluster.runtime.importImage(join(folder, 'agent.tar'));
  rmSync(folder, { recursive: true });
  const engine = await openTestEngine({
    kubeconfig: cluster.controlPlane.kubeconfig,
    address: HOST_ADDRESS,
    target: {
      namespace: 'dais-default',
      agentImage: AGENT_IMAGE,
      baseImage: SHELL_IMAGE,
      userNamespaces: false,
      imageVolumes: false,
    },
    log: silentLog,
  });
  return {
    compute: engine.compute,
    isolation: 'required',
    end: async () => {
      await engine.end();
      await cluster.stop();
    },
  };
});
