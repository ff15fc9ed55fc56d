import { beforeAll, expect, test } from 'vitest';
import { onnxFile } from '#engines/inference/onnx/onnx-files.testing.ts';
import { runCli } from '#testing/cli.ts';
import { servingClient, type SeenStatus, type ServingClient } from '#testing/serving-client.ts';
import { sharedDais, type SharedDais } from '#testing/shared-dais.ts';

let dais: SharedDais;
let client: ServingClient;
let url: string;

const WAIT_MS = 100;
const doubles = { name: 'it doubles', check: 'value', input: [21], expected: 42 };
const rises = { name: 'more is more', check: 'direction', column: 0, values: [1, 2, 3], goes: 'up' };
const manifest = (tests: readonly unknown[]) => ({
  apiVersion: 'dais.dev/v1',
  kind: 'Model',
  metadata: { name: 'm' },
  spec: { tests },
});
const wantTests = async (...tests: readonly unknown[]) => {
  const changed = await client.call('PUT', '/api/v1/models/m', manifest(tests));
  expect(changed).toMatchObject({ status: 200 });
};
/** After it is done. */
const tested = async (which: object) => {
  for (;;) {
    const answer = await client.call('POST', '/api/v1/registry/models/m/tests', which);
    if (answer.status !== 200 || !['preparing', 'running'].includes(String(answer.body['state']))) return answer;
    await new Promise((resolve) => void setTimeout(resolve, WAIT_MS));
  }
};
const stableIs = (model: string) => (status: SeenStatus) =>
  status.rollout === undefined && status.variants?.find(({ name }) => name === 'stable')?.model === model;

const cli = async (...words: readonly string[]) => await runCli(dais.root, '-p', dais.project, ...words);

beforeAll(async () => {
  dais = await sharedDais();
  url = dais.url;
  client = servingClient(url);
  await client.register('m', 2, { example: { inputs: [[5]] } });
  await client.register('m', 3, { example: { inputs: [[5]] } });
  await client.register('m', 0, { example: { inputs: [[5]] } });
});

test('rejects an invalid test at its position', async () => {
  const text = `apiVersion: dais.dev/v1
kind: Model
metadata: {name: m}
spec:
  tests:
    - name: later is worse
      check: direction
      input: {hour: 6}
      column: huor
      values: [6, 5]
      goes: up
    - name: later is worse
      check: value
      input: {hour: 6}
      expected: 1
      at: -1
`;
  const refused = await client.call('POST', '/api/v1/apply', { sources: [{ file: 'm.yaml', text }] });
  expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_manifest' } });
  expect(refused.body['issues']).toMatchObject([{ file: 'm.yaml', line: 16, column: 7, path: 'spec.tests[1].at' }]);
  const again = await client.call('POST', '/api/v1/apply', {
    sources: [{ file: 'm.yaml', text: text.replace('at: -1', 'at: 0') }],
  });
  expect(again.body['issues']).toMatchObject([
    { line: 9, column: 7, path: 'spec.tests[0].column', expected: 'one of hour' },
    { line: 10, column: 19, message: 'is 5 after 6' },
    { line: 12, column: 7, path: 'spec.tests[1].name' },
  ]);
});

test('tests a version that is not served, with passing and failing results', async () => {
  expect(await tested({ version: '1' })).toMatchObject({ status: 409, body: { code: 'invalid_state' } });
  const stays = {
    name: 'x does not matter',
    check: 'invariance',
    input: [1],
    column: 0,
    values: [2, 3],
    tolerance: 0.5,
  };
  await wantTests(doubles, rises, stays);
  expect((await tested({ version: '1' })).body).toEqual({
    model: 'models:/m/1',
    state: 'succeeded',
    message: '',
    tests: 3,
    failed: 1,
    results: [
      { name: 'it doubles', check: 'value', passed: true, case: '[21]', expected: '42', got: '42' },
      {
        name: 'more is more',
        check: 'direction',
        passed: true,
        case: '0 = 1, 2, 3',
        expected: 'goes up as 0 increases',
        got: '2, 4, 6',
      },
      {
        name: 'x does not matter',
        check: 'invariance',
        passed: false,
        case: '0 = 2',
        expected: '2 ± 0.5 for every value of 0',
        got: '4',
      },
    ],
  });
  const shown = await cli('model', 'test', 'm/1');
  expect(shown.code).toBe(1);
  expect(shown.out).toMatch(/^FAILED +x does not matter +0 = 2 +2 ± 0.5 for every value of 0 +4$/m);
  expect(shown.err).toContain('models:/m/1: 1 of 3 tests failed.');
  await client.call('PUT', '/api/v1/registry/models/m/aliases/flat', { version: '3' });
  expect((await tested({ alias: 'flat' })).body['results']).toMatchObject([
    { passed: false, got: '0' },
    { passed: false, got: '0, 0, 0' },
    { passed: true },
  ]);
  // A rejection by the model is a result too, and a row of a stored example has its own columns.
  const absent = { name: 'no such column', check: 'invariance', column: 7, values: [1] };
  await wantTests({ ...doubles, input: { z: 'text' } }, absent);
  expect((await tested({ version: '1' })).body['results']).toMatchObject([
    { passed: false, got: expect.stringMatching(/^400: .*"z"/) as string },
    { passed: false, got: 'only 1 position' },
  ]);
});

test('reports why a version cannot be loaded, and rejects a missing or ambiguous version', async () => {
  const scanned = await client.register('m', 7, { bytes: Buffer.from('no model') });
  expect(await tested({ version: String(scanned) })).toMatchObject({ status: 409, body: { code: 'invalid_state' } });
  const bytes = onnxFile({
    nodes: [{ op: 'NoSuchOperator', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['rows', 1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['rows', 1] }],
    weights: [],
  });
  const unknown = await client.register('m', 7, { bytes });
  expect(await tested({ version: String(unknown) })).toMatchObject({
    status: 200,
    body: { state: 'failed', message: expect.stringContaining('NoSuchOperator') as string, results: [] },
  });
  expect(await tested({})).toMatchObject({ status: 400 });
  expect(await tested({ version: '1', alias: 'flat' })).toMatchObject({ status: 400 });
  expect(await tested({ version: '99' })).toMatchObject({ status: 404 });
});

test('a version that fails a test of its Model receives no traffic, with the result', async () => {
  await wantTests(doubles, rises);
  const deploy = async (version: number) =>
    await client.call('POST', '/api/v1/serving/endpoints/gated/deploy', { model: `models:/m/${version}` });
  await deploy(1);
  await client.settled('gated', stableIs('models:/m/1'));
  expect((await client.lastRollout('gated')).steps[0]?.message).toBe(
    'The version is loaded and returned a prediction for its input example. It passed 2 tests.',
  );
  await deploy(2);
  await client.settled('gated', ({ conditions }) => conditions?.some(({ reason }) => reason === 'HeldBack') === true);
  const taken = await client.lastRollout('gated');
  expect(taken).toMatchObject({ state: 'rolledBack', to: 'models:/m/2', endedBy: 'system:dais' });
  expect(taken.reason).toBe('The test "it doubles" of the model failed for [21]: expected 42, got 63.');
  expect(taken.steps).toMatchObject([{ weight: 0, status: 'failed' }]);
});
