/** Models trained with tabular libraries predict the same at an Endpoint as in Python. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences, FLAVOURS_PATIENCE, startFlavours, type FlavoursWorld } from './testing/flavours.ts';

const FLAVOURS = ['sklearn', 'xgboost', 'lightgbm', 'pyfunc', 'onnx'];

let world: FlavoursWorld;
beforeAll(async () => {
  world = await startFlavours('serving-flavours', 'requirements-flavours.txt', FLAVOURS);
}, FLAVOURS_PATIENCE);
afterAll(async () => {
  await world?.stop();
});

test.each(FLAVOURS)('%s', async (flavour) => {
  const { expected, answered } = await world.ask(flavour);
  expect(expected).not.toEqual([]);
  expect(differences(expected, answered)).toEqual([]);
});
