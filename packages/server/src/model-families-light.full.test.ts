/** What model-families.conformance.test.ts does, for the other light families. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences } from './protocols/scoring/testing/flavours.ts';
import { startModelFamilies, type ModelFamilies } from './testing/model-families.testing.ts';
import { PYTHON_TIMEOUT } from './testing/python-dais.testing.ts';

const FAMILIES = ['boosting', 'lightgbm'];

let families: ModelFamilies;
beforeAll(async () => {
  families = await startModelFamilies('convert', 'convert/requirements.txt', FAMILIES);
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
