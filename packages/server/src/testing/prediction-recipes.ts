/** For tests of every operation: requests about predictions of the Endpoint `target` and about the files of models. */
import { join } from 'node:path';
import { endpointHash, predictionId } from '@dais/api/gateway';
import { SegmentWriter } from '#ledgers/predictions/segment.ts';
import type { Request } from './operation-recipes.ts';
import { silentLog } from '#lib/log.ts';

const endpoint = { path: { endpoint: 'target' } };
const version = { path: { name: 'target', version: '1' } };
/** Placeholders for ids in each project. */
const finding = { path: { ...version.path, finding: 'model-finding' } };

export const predictionRecipes: Readonly<Record<string, () => Request>> = {
  'prediction.query': () => ({ ...endpoint, body: { sql: 'select 1' } }),
  'prediction.tail': () => endpoint,
  'prediction.get': () => ({ path: { endpoint: 'target', id: 'prediction' } }),
  'prediction.export': () => endpoint,
  'predictionFile.list': () => endpoint,
  'prediction.unmasked': () => endpoint,
  'prediction.erase': () => ({ ...endpoint, body: { column: 'in_nothing', value: 'tried' } }),
  'predictionErasure.get': () => ({ path: { endpoint: 'target', id: 'erasure' } }),
  'predictionLabel.create': () => ({
    ...endpoint,
    body: { labels: [{ key: { column: 'in_x', value: '1' }, value: 'y' }] },
  }),
  'predictionLabel.list': () => endpoint,
  'modelScan.get': () => version,
  'modelScan.listBlocked': () => ({}),
  'modelScan.start': () => ({ ...version, body: {} }),
  'modelFinding.waive': () => ({ ...finding, body: { reason: 'tried' } }),
  'modelFinding.reopen': () => ({ ...finding, body: {} }),
};

/** Writes one prediction like a gateway, and returns its id. */
export async function writePrediction(data: string, project: string, uid: string): Promise<string> {
  const now = () => Date.now();
  const writer = new SegmentWriter({
    folder: join(data, 'predictions', 'spool', `g-${project}`),
    gateway: 'g',
    now,
    log: silentLog,
  });
  const at = now();
  const id = predictionId({ at, gateway: 1, endpoint: endpointHash(uid) }, 1);
  const record = {
    id,
    at,
    project,
    endpoint: 'target',
    endpointUid: uid,
    variant: 'stable',
    model: '',
    version: '',
    shadowOf: undefined,
    protocol: 'open-inference',
    principal: 'user/tried',
    requestId: 'tried',
    callerId: undefined,
    traceparent: undefined,
    status: 200,
    error: undefined,
    latencyMicros: 1,
    inputs: [],
    outputs: [],
    parameters: {},
  };
  await writer.append(record, { policy: 'ack', share: 1, overflow: 'shed', omit: [] });
  await writer.close();
  return id;
}
