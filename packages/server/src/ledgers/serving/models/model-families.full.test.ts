/** Models of CatBoost and PyTorch pass the scan, are deployed and predict as MLflow does, isolated and under the default policies. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences } from '#protocols/scoring/testing/flavours.ts';
import { startModelFamilies, type ModelFamilies } from '#testing/model-families.testing.ts';

const FAMILIES = ['catboost', 'images-pickle', 'images-pt2', 'images-script', 'texts-pickle', 'texts-pt2'];
/** In ms; the server, too, installs PyTorch. */
const PATIENCE = 1_800_000;

let families: ModelFamilies;
beforeAll(async () => {
  families = await startModelFamilies('model-libraries', 'model-safety/requirements.txt', FAMILIES);
}, PATIENCE);
afterAll(async () => {
  await families?.stop();
});

test.each(FAMILIES)('%s', async (name) => {
  expect(['clean', 'review']).toContain((await families.scan(name)).result);
  const { expected, predicted } = await families.predict(name);
  expect(expected).not.toEqual([]);
  expect(differences(expected, predicted)).toEqual([]);
});
