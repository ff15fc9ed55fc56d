/** Runs pipelines that the KFP SDK compiles, and checks their outputs. */
import type { Execution } from '@dais/api/executions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import type { Json } from '#ledgers/executions/index.ts';
import { isLongRun } from '#testing/long-run.ts';
import { compiledPipelines, localOutputs, startKfpWorld, type KfpWorld } from './testing/kfp-world.ts';

/** In ms; each step is a Python that loads the SDK. */
const PATIENCE = 600_000;

let world: KfpWorld;
let pipelines: Readonly<Record<string, string>>;
beforeAll(async () => {
  [world, pipelines] = await Promise.all([startKfpWorld(), compiledPipelines('2.17')]);
}, PATIENCE);
afterAll(async () => await world.stop());

async function run(name: string, parameters: Readonly<Record<string, Json>> = {}): Promise<Execution> {
  return await world.runFile(pipelines[name] ?? '', parameters);
}

/** Returns the output parameters of a successful run. */
async function outputsOf(ended: Execution): Promise<Readonly<Record<string, unknown>>> {
  expect(`${ended.state} ${ended.error ?? ''}`).toBe('succeeded ');
  const outputs = await world.outputs(ended);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name, 'parameter' in value ? value.parameter : value]),
  );
}

const CASES: readonly [
  name: string,
  parameters: Readonly<Record<string, Json>>,
  outputs: Readonly<Record<string, Json>>,
][] = [
  ['types', {}, { Output: '["1e3", 3, "int", 0.5, true, [1, "b"], {"a": 1}]' }],
  [
    'types',
    { words: '12e5', count: 7, ratio: 2, flag: false, items: [], fields: {} },
    { Output: '["12e5", 7, "int", 2, false, [], {}]' },
  ],
  ['named-outputs', { x: 5 }, { sum: 15, name: 'n5' }],
  ['texts', {}, { Output: 'Ada has 2 of {Ada},a\'b"c,$HOME `x`,line\nline' }],
  ['branches', {}, { Output: 'tails it is' }],
  ['branches', { coin: 'heads' }, { Output: 'heads it is' }],
  ['branches', { coin: 'edge' }, { Output: 'neither' }],
  ['branches-of-artifacts', {}, { Output: 'large 0.75 Model' }],
  ['branches-of-artifacts', { n: 2 }, { Output: 'small 0.75 Model' }],
  ['comparisons', {}, { Output: 'done' }],
  ['skipped', {}, { Output: 'end' }],
  ['loops', {}, { words: 'a,b,c', sum: 15 }],
  ['loops-over-outputs', {}, { Output: '0b0,1b1,2b2' }],
  ['loops-in-loops', {}, { Output: '[[11, 21], [12, 22]]' }],
  ['loops-with-conditions', {}, { Output: '[3, 4]' }],
  ['empty-loop', {}, { Output: '[]' }],
  ['collected-artifacts', {}, { Output: 'x,y,z' }],
  ['loops-over-artifacts', {}, { Output: 'p 0.75 Model,q 0.75 Model' }],
  ['nested', {}, { Output: 122 }],
  ['retries', {}, { Output: 'attempt=2' }],
  ['importing', {}, { Output: 'gs://bucket/data.csv 3 gs://bucket/data.csv' }],
  ['optional-inputs', {}, { Output: 'None 5 None' }],
  ['optional-inputs', { a: 'x', c: [1] }, { Output: 'x 5 [1]' }],
  ['folders', {}, { Output: 'a,b' }],
  ['own-places', {}, { custom: 'from elsewhere None Dataset', under: 'under the root None Dataset' }],
  ['resources', {}, { Output: 'small' }],
  ['packages', {}, { Output: 'iniconfig' }],
  ['after', {}, { Output: '3' }],
];

/** Other parameters of a pipeline run in the long runs only: each step starts a Python. */
const tried = isLongRun ? CASES : CASES.filter(([name], at) => CASES.findIndex(([other]) => other === name) === at);

describe('the outputs of pipelines', () => {
  test.each(tried)('%s %j', { timeout: PATIENCE }, async (name, parameters, outputs) => {
    expect(await outputsOf(await run(name, parameters))).toEqual(outputs);
  });

  test('components of any program, with placeholders in their commands', { timeout: PATIENCE }, async () => {
    expect(await outputsOf(await run('containers'))).toEqual({
      with_extra: '<w>/[1,"x"]/5',
      without: '<v>/[]/4',
      data: 'data\n None Dataset',
    });
  });

  test('a task gets its run and task names', { timeout: PATIENCE }, async () => {
    const ended = await run('names');
    expect(await outputsOf(ended)).toEqual({ Output: `${ended.name}|36|whereabouts` });
  });

  test('artifacts keep their metadata', { timeout: PATIENCE }, async () => {
    const ended = await run('metrics-of-a-run');
    expect(ended.state).toBe('succeeded');
    const outputs = await world.outputs(ended, 'metrics');
    expect(outputs['numbers']).toMatchObject({ artifact: { type: 'system.Metrics', metadata: { accuracy: 0.9 } } });
    expect(outputs['classes']).toMatchObject({ artifact: { type: 'system.ClassificationMetrics' } });
    expect(outputs['page']).toMatchObject({ artifact: { type: 'system.Markdown', files: 1, bytes: 6 } });
  });
});

describe('failures', () => {
  test('a skipped task skips its dependents without a failure', { timeout: PATIENCE }, async () => {
    const ended = await run('skipped', { go: 'yes' });
    expect(ended.state).toBe('succeeded');
    const not = await run('skipped');
    expect((await world.node(not, 'condition-1')).state).toBe('skipped');
  });

  test('an exit handler runs after success and failure, and gets the final status', { timeout: PATIENCE }, async () => {
    const good = await run('exit-good');
    expect(good.state).toBe('succeeded');
    expect(await world.log(good, 'report')).toContain('FINAL good COMPLETE exit-handler-1 None None');
    const bad = await run('exit-bad');
    expect(bad.state).toBe('failed');
    const log = await world.log(bad, 'report');
    expect(log).toContain('FINAL bad FAILED exit-handler-1 9 ');
    expect(log).toContain('failure on request: inside');
  });

  test('the error of a failed step and its run contains the last log lines', { timeout: PATIENCE }, async () => {
    const bad = await run('exit-bad');
    const node = await world.node(bad, 'exit-handler-1/fail');
    expect(node.error).toMatch(/^exited with code 1\n[^]*ValueError: failure on request: inside$/);
    expect(bad.error).toContain('exit-handler-1: 1 task did not succeed: fail: exited with code 1');
  });

  test('a task that ignores an upstream failure runs, and the run still fails', { timeout: PATIENCE }, async () => {
    const ended = await run('ignore-failure');
    expect(ended.state).toBe('failed');
    expect((await world.node(ended, 'rescue')).outputs).toEqual({ Output: { parameter: 'nothing came' } });
  });

  test('an image that cannot be run is rejected before anything runs', async () => {
    const { code, message } = await errorOf(world.upload(pipelines['images'] ?? ''));
    expect(code).toBe('invalid_request');
    expect(message).toContain('comp-foreign uses image example.com/own:1');
  });
});

describe('caching', () => {
  test('a task with the same inputs', { timeout: PATIENCE }, async () => {
    const name = await world.upload(pipelines['cached'] ?? '');
    const first = await world.ended(await world.start(name, { x: 41 }));
    expect(await outputsOf(first)).toEqual({ Output: 42 });
    const again = await world.ended(await world.start(name, { x: 41 }));
    expect(await outputsOf(again)).toEqual({ Output: 42 });
    expect((await world.node(again, 'add')).source).toBe('cache');
    const other = await world.ended(await world.start(name, { x: 1 }));
    expect((await world.node(other, 'add')).source).toBeUndefined();
  });
});

test('an input beyond the argument limit of Linux is passed by file', { timeout: PATIENCE }, async () => {
  expect(await outputsOf(await run('large', { value: 'x'.repeat(200_000) }))).toEqual({ Output: 200_000 });
});

test('secrets are read from the project, and pod settings produce warnings', { timeout: PATIENCE }, async () => {
  await world.dais.apply([manifest('Secret', 'words', { data: { word: 'open sesame' } })]);
  const ended = await run('secrets');
  expect(await outputsOf(ended)).toEqual({ Output: 'open sesame-' });
  expect(ended.warnings).toEqual(['secret: nodeSelector is ignored: there is one machine']);
});

/** Pipelines that kfp.local supports; it converts numbers in lists to floating point. */
const LOCAL = ['named-outputs', 'branches', 'nested', 'folders', 'after', 'resources', 'collected-artifacts'];

test('kfp.local produces the same outputs for the pipelines that it supports', { timeout: PATIENCE }, async () => {
  const local = await localOutputs('2.17', LOCAL);
  const stated = Object.fromEntries(
    LOCAL.map((name) => [
      name,
      { outputs: CASES.find(([one, given]) => one === name && Object.keys(given).length === 0)?.[2] },
    ]),
  );
  // Requested with another number above.
  stated['named-outputs'] = { outputs: { sum: 12, name: 'n4' } };
  expect(local).toEqual(stated);
});

test('pipelines of the release before the last run in its own executor', { timeout: PATIENCE }, async () => {
  const older = await compiledPipelines('2.15');
  for (const [name, outputs] of [
    ['types', { Output: '["1e3", 3, "int", 0.5, true, [1, "b"], {"a": 1}]' }],
    ['branches-of-artifacts', { Output: 'large 0.75 Model' }],
    ['loops', { words: 'a,b,c', sum: 15 }],
  ] as const) {
    expect(older[name]).toContain('sdkVersion: kfp-2.15.2');
    expect(await outputsOf(await world.runFile(older[name] ?? ''))).toEqual(outputs);
  }
});
