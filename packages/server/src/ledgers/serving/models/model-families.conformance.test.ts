/** A model of a light family (in long runs of two) passes the scan, is deployed and predicts as MLflow does, isolated and under the default policies. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences } from '#protocols/scoring/testing/flavours.ts';
import { isLongRun } from '#testing/long-run.ts';
import { startModelFamilies, type ModelFamilies } from '#testing/model-families.testing.ts';
import { PYTHON_TIMEOUT } from '#testing/python-dais.testing.ts';

// Others: model-families-light.full.test.ts and model-families.full.test.ts.
const FAMILIES = ['xgboost', ...(isLongRun ? ['joblib'] : [])];

const MLMODEL = `artifact_path: model
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.pkl
    python_version: 3.11.9
  sklearn:
    pickled_model: model.pkl
    serialization_format: pickle
`;

let families: ModelFamilies;
beforeAll(async () => {
  families = await startModelFamilies('convert', 'convert/requirements.txt', [...FAMILIES, 'own']);
}, PYTHON_TIMEOUT);
afterAll(async () => {
  await families?.stop();
});

test.each(FAMILIES)('%s', async (name) => {
  expect(['clean', 'review']).toContain((await families.scan(name)).result);
  const { expected, predicted } = await families.predict(name);
  expect(expected).not.toEqual([]);
  expect(differences(expected, predicted)).toEqual([]);
});

test('a model with custom code is marked as such, and reaches no foreign file or address', async () => {
  const { result, findings } = await families.scan('own');
  expect(result).toBe('review');
  expect(findings.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['pickle-code', 'code']));
  const { expected, predicted } = await families.predict('own');
  expect(expected).toEqual([{ reads: true, connects: true }]);
  expect(predicted).toEqual([{ reads: false, connects: false }]);
});

test('a version that executes code while it is loaded is not deployed, with the remedy', async () => {
  const { client } = families;
  const put = async (path: string, content: string) => {
    const target = `/api/v1/tracking/artifacts/content?path=${encodeURIComponent(path)}`;
    expect((await client.call('PUT', target, Buffer.from(content))).status).toBeLessThan(300);
  };
  const started = await client.call('POST', '/api/2.0/mlflow/runs/create', { experiment_id: '0' });
  const { info } = started.body['run'] as { readonly info: { readonly run_id: string; readonly artifact_uri: string } };
  const folder = `${info.artifact_uri.replace(/^mlflow-artifacts:\/+/, '')}/model`;
  await put(`${folder}/MLmodel`, MLMODEL);
  await put(`${folder}/model.pkl`, 'cos\nsystem\n(S"true"\ntR.');
  await client.call('POST', '/api/v1/registry/models', { name: 'hostile' });
  const source = { source: `runs:/${info.run_id}/model`, runId: info.run_id };
  await client.call('POST', '/api/v1/registry/models/hostile/versions', source);
  await client.call('POST', '/api/v1/serving/endpoints/hostile/deploy', { model: 'models:/hostile/1' });
  await client.settled('hostile', ({ conditions = [] }) => conditions.some(({ reason }) => reason === 'HeldBack'));
  expect((await client.lastRollout('hostile')).reason).toBe(
    'models:/hostile/1 could not be loaded: The scan of hostile/1 blocks it. model.pkl: It imports os.system, which no model needs at load time. ' +
      '`dais model scan hostile/1` lists the findings. Register a version without them, or have an approver waive them.',
  );
});
