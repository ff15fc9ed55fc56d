/** For tests of every operation: requests of model jobs. Every project has one, `model-job`. */
import { identity } from '#engines/inference/onnx/onnx-files.testing.ts';
import type { MatrixCaller } from './matrix-caller.ts';
import type { Request } from './operation-recipes.ts';

const job = { path: { id: 'model-job' } };

export const modelJobRecipes: Readonly<Record<string, () => Request>> = {
  // The files of the model are stored elsewhere: nothing starts.
  'batchPrediction.start': () => ({ body: { model: 'models:/target/1', data: 'target@1', out: 'target-scored' } }),
  'modelImportance.start': () => ({ body: { model: 'models:/target/1', data: 'target@1' } }),
  'modelConversion.start': () => ({ body: { model: 'models:/target/1' } }),
  'modelImportance.list': () => ({ path: { name: 'target' } }),
  // It has no inputs.
  'prediction.explain': () => ({ path: { endpoint: 'target', id: 'prediction' }, body: {} }),
  'modelJob.list': () => ({}),
  'modelJob.get': () => job,
  'modelJob.cancel': () => ({ ...job, body: {} }),
  'modelJob.rejects': () => job,
};

/** A job on a model whose files are stored in Dais; the run `target` exists. Returns its id. */
export async function startModelJob(caller: MatrixCaller, project: string): Promise<string> {
  const path = encodeURIComponent('0/target/artifacts/model/model.onnx');
  const put = await fetch(`${caller.url}/p/${project}/api/v1/tracking/artifacts/content?path=${path}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${caller.owner}`, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(identity('FP32')),
  });
  if (!put.ok) throw new Error(await put.text());
  const name = 'with-jobs';
  await caller.asOwner('registeredModel.create', { body: { name } }, project);
  const body = { source: 'runs:/target/model', runId: 'target' };
  await caller.asOwner('modelVersion.create', { path: { name }, body }, project);
  const request = { model: `models:/${name}/1`, data: 'target@1', out: 'target-scored' };
  return String((await caller.asOwner('batchPrediction.start', { body: request }, project))['id']);
}
