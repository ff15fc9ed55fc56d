/** The training of the flights example, unchanged, with all steps as pods of a cluster: the target is the default of the project. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGENT_IMAGE, writeAgentImage } from '../../conformance/kubernetes/agent-image.ts';
import { startNodeCluster, type NodeCluster } from '../../conformance/kubernetes/node-cluster.ts';
import { PYTHON_IMAGE, writePythonImage } from '../../conformance/kubernetes/node-images.ts';
import { HOST_ADDRESS } from '../../conformance/kubernetes/node-namespaces.ts';
import { freePort, startDaisProcess, type DaisProcess } from '../../packages/server/src/testing/dais-process.ts';
import { environmentFlags } from '../../packages/server/src/testing/environment-flags.ts';
import { root } from '../command.mjs';
import { makePeople } from './accounts.mjs';
import { bringData, fewer } from './data.mjs';
import { SLICE } from './plan.mjs';
import { tables } from './tables.mjs';
import { preparePipeline, train } from './training.mjs';

/** A limit against hanging: packages to train with are downloaded. */
const MOST_MS = 1_800_000;

let folder: string;
let cluster: NodeCluster;
let dais: DaisProcess;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'story-'));
  cluster = await startNodeCluster();
  const archives = [join(folder, 'agent.tar'), join(folder, 'python.tar')] as const;
  await writeAgentImage(archives[0]);
  await writePythonImage(archives[1]);
  for (const archive of archives) await cluster.runtime.importImage(archive);
  dais = startDaisProcess({
    data: join(folder, 'data'),
    'keys.folder': join(folder, 'keys'),
    'authentication.mode': 'accounts',
    host: HOST_ADDRESS,
    insecureHttp: true,
    port: await freePort(),
    'executions.agentImage': AGENT_IMAGE,
    ...(await environmentFlags()),
  });
  url = await dais.ready;
}, MOST_MS);
afterAll(async () => {
  dais?.process.kill('SIGTERM');
  await dais?.ended;
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
}, MOST_MS);

function resource(kind: string, name: string, spec: object) {
  return { apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec };
}

test('the pipeline of the flights trains, compares and registers a model in pods', { timeout: MOST_MS }, async () => {
  const people = await makePeople(url, join(folder, 'data'), join(root, 'examples', 'flights', 'story'));
  const { owner, trainer } = people;
  const documents = [
    resource('Secret', 'cluster', { data: { kubeconfig: cluster.controlPlane.kubeconfig } }),
    resource('Target', 'lab', {
      type: 'kubernetes',
      cluster: { kubeconfig: { secret: 'cluster' } },
      image: PYTHON_IMAGE,
    }),
    resource('Project', 'default', { target: 'lab' }),
  ];
  const sources = documents.map((document, index) => ({ file: `${index}.json`, text: JSON.stringify(document) }));
  await owner.call('POST', '/api/v1/apply', { sources, takeOver: true });

  const say = () => {};
  const source = await fewer(await tables(() => {}), join(folder, 'tables'));
  const data = await bringData({ trainer, until: SLICE.firstMonth, made: 1, source, work: folder, say });
  expect(data).toMatchObject({ flights: 8001, training: 7652 });
  await trainer.dais(['apply', '-f', join(root, 'examples', 'flights', 'story', 'model.yaml'), '--take-over']);
  await preparePipeline(people, folder, say);
  const result = await train(trainer, SLICE.first, SLICE.candidates, 'in pods', () => {});
  expect(result).toMatchObject({ version: '1', against: 'nobody', flights: 5604, frozen: { flights: 2021 } });
  expect(result.frozen.roc_auc).toBeGreaterThan(0.6);
  expect(result.frozen.roc_auc).toBeLessThan(0.8);
  const { items } = await trainer.call('GET', `/api/v1/executions/${result.execution}/attempts?limit=100`);
  expect(items.length).toBe(SLICE.candidates.length + 1);
  for (const { target, ending, code } of items) expect([target, ending, code]).toEqual(['lab', 'exit', 0]);
});
