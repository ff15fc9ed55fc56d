/** Models trained with neural network libraries predict the same at an Endpoint as in Python. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences, FLAVOURS_PATIENCE, startFlavours, type FlavoursWorld } from './testing/flavours.ts';

const FLAVOURS = ['pytorch', 'tensorflow', 'transformers'];

let world: FlavoursWorld;
beforeAll(async () => {
  world = await startFlavours('serving-deep', 'requirements-deep.txt', FLAVOURS);
}, FLAVOURS_PATIENCE);
afterAll(async () => {
  await world?.stop();
});

test.each(FLAVOURS)('%s', async (flavour) => {
  const { expected, answered } = await world.ask(flavour);
  expect(expected).not.toEqual([]);
  expect(differences(expected, answered)).toEqual([]);
});

test('transformers: the same over Open Inference, with string inputs and outputs', async () => {
  const { body, expected } = await world.ask('transformers');
  const { inputs: data } = body as { readonly inputs: readonly string[] };
  const path = '/v2/models/transformers';
  const metadata = await world.gateway.ask(path);
  expect(metadata.json).toMatchObject({
    platform: 'mlflow_transformers',
    inputs: [{ datatype: 'BYTES', shape: [-1] }],
  });
  const { inputs } = metadata.json as { readonly inputs: readonly { readonly name: string }[] };
  const ask = async (texts: readonly string[]) => {
    const input = { name: inputs[0]?.name, datatype: 'BYTES', shape: [texts.length], data: texts };
    const { status, json } = await world.gateway.ask(`${path}/infer`, { body: JSON.stringify({ inputs: [input] }) });
    expect(status).toBe(200);
    const { outputs } = json as { readonly outputs: readonly { readonly name: string; readonly data: unknown[] }[] };
    return texts.map((_, row) => Object.fromEntries(outputs.map((output) => [output.name, output.data[row]])));
  };
  expect(differences(expected, await ask(data))).toEqual([]);
  // Concurrent requests may run in one batch.
  const alone = await Promise.all(data.map(async (text) => (await ask([text]))[0]));
  expect(differences(expected, alone)).toEqual([]);
});
