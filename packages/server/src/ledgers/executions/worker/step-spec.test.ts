import { expect, test } from 'vitest';
import type { Artifact, Step, Values } from '../machine/plan.ts';
import { resolveStep } from './step-spec.ts';

const step: Step = {
  command: ['train', [{ parameter: 'rate' }]],
  variables: { SEED: '1' },
  secrets: { TOKEN: { secret: 'hub', key: 'token' } },
  environment: { type: 'system' },
  resources: {},
  isolation: 'required',
  network: false,
  cache: true,
  places: {},
  outputs: { model: { artifact: true, path: 'model.bin' } },
};
const artifact: Artifact = { run: 'r', prefix: 'p', folder: false, files: 1, bytes: 1, digest: 'd' };
const inputs: Values = { rate: { parameter: 0.1 }, data: { artifact } };
const fingerprint = resolveStep(step, inputs).fingerprint;

test.each<[string, Partial<Step>, Values]>([
  ['command', { command: ['train', '0.1', '--fast'] }, {}],
  ['parameter', {}, { rate: { parameter: 0.2 } }],
  ['variable', { variables: { SEED: '2' } }, {}],
  ['secret', { secrets: { TOKEN: { secret: 'hub', key: 'other' } } }, {}],
  ['environment', { environment: { type: 'image', image: 'python' } }, {}],
  ['output', { outputs: { model: { artifact: true, path: 'other.bin' } } }, {}],
  ['input file', {}, { data: { artifact: { ...artifact, digest: 'e' } } }],
  ['path of an input file', { places: { data: 'data.csv' } }, {}],
])('another %s changes the cache key', (_, changes, changed) => {
  expect(resolveStep({ ...step, ...changes }, { ...inputs, ...changed }).fingerprint).not.toBe(fingerprint);
});

test('resources, the timeout and the origin of an input file do not change the cache key', () => {
  const moved = { ...inputs, data: { artifact: { ...artifact, run: 'other', prefix: 'elsewhere' } } };
  expect(resolveStep({ ...step, resources: { cpu: 4 }, timeoutMs: 1000 }, moved).fingerprint).toBe(fingerprint);
});
