/** A model of each light family passes the scan, is deployed and predicts as MLflow does, isolated and under the default policies. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences } from './protocols/scoring/testing/flavours.ts';
import { startModelFamilies, type ModelFamilies } from './testing/model-families.testing.ts';
import { PYTHON_PATIENCE } from './testing/python-dais.testing.ts';

const FAMILIES = ['boosting', 'xgboost', 'lightgbm', 'joblib'];

let families: ModelFamilies;
beforeAll(async () => {
  families = await startModelFamilies('convert', 'convert/requirements.txt', [...FAMILIES, 'own']);
}, PYTHON_PATIENCE);
afterAll(async () => {
  await families?.stop();
});

test.each(FAMILIES)('%s', async (name) => {
  expect(['clean', 'review']).toContain((await families.scan(name)).verdict);
  const { said, predicted } = await families.predict(name);
  expect(said).not.toEqual([]);
  expect(differences(said, predicted)).toEqual([]);
});

test('a model with code of its author is named as such, and reaches no file and no address of others', async () => {
  const { verdict, findings } = await families.scan('own');
  expect(verdict).toBe('review');
  expect(findings.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['pickle-code', 'code']));
  const { said, predicted } = await families.predict('own');
  expect(said).toEqual([{ reads: true, connects: true }]);
  expect(predicted).toEqual([{ reads: false, connects: false }]);
});
