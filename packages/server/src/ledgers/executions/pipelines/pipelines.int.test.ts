import type { Execution, PipelineGraph, PipelineVersion } from '@dais/api/executions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { errorOf, freshName } from '#kernel/testing/test-project.ts';
import { startExecutionsWorld, type ExecutionsWorld, type Page } from '../testing/executions-world.ts';

let world: ExecutionsWorld;

beforeAll(async () => {
  world = await startExecutionsWorld();
  await world.worker();
});
afterAll(async () => {
  await world.stop();
});

/** Applies a pipeline with a new name. Its steps are not isolated, because these tests do not depend on isolation. */
async function pipeline(spec: { readonly steps: Readonly<Record<string, object>>; readonly [field: string]: unknown }) {
  const name = freshName();
  const steps = Object.fromEntries(
    Object.entries(spec.steps).map(([step, one]) => [step, 'pipeline' in one ? one : { isolation: 'none', ...one }]),
  );
  await world.dais.apply([manifest('Pipeline', name, { ...spec, steps })]);
  return name;
}

const start = async (name: string, input: object = {}) =>
  await world.dais.call<Execution>('pipeline.run', { name, ...input });
const run = async (name: string, input: object = {}) => await world.ended(await start(name, input));
const versions = async (name: string) =>
  (await world.dais.call<Page<PipelineVersion>>('pipelineVersion.list', { name })).items;

describe('a pipeline', () => {
  test('runs its steps with its parameters, and records its version', async () => {
    const name = await pipeline({
      parameters: { rate: { type: 'number', default: 0.5 }, words: { type: 'list', default: ['a'] } },
      steps: {
        make: {
          run: 'echo "$DAIS_INPUT_RATE" > out\n',
          inputs: { rate: { parameter: 'rate' } },
          outputs: { out: { path: 'out' } },
        },
        show: {
          run: 'cat "$DAIS_INPUT_OUT"\necho "$DAIS_INPUT_WORDS $DAIS_INPUT_FIX"',
          inputs: { out: { step: 'make', output: 'out' }, words: { parameter: 'words' }, fix: { value: 'x' } },
        },
      },
    });
    const first = await run(name);
    expect(first).toMatchObject({ name, state: 'succeeded', pipelineVersion: (await versions(name))[0]?.id });
    expect(await world.log(first, 'show')).toBe('0.5\n["a"] x\n');
    const second = await run(name, { parameters: { rate: 2 }, title: 'twice', description: 'again' });
    expect(second).toMatchObject({ name: 'twice', description: 'again', pipeline: first.pipeline });
    expect(await world.log(second, 'show')).toBe('2\n["a"] x\n');
  });

  test('gets a new version for each change of its steps, and only for those', async () => {
    const name = freshName();
    const spec = (run: string, description: string) => ({ description, steps: { main: { run, isolation: 'none' } } });
    await world.dais.apply([manifest('Pipeline', name, spec('echo 1', 'first'))]);
    await world.dais.apply([manifest('Pipeline', name, spec('echo 1', 'the same, in other words'))]);
    expect((await versions(name)).map(({ number }) => number)).toEqual([1]);
    await world.dais.apply([manifest('Pipeline', name, spec('echo 2', 'second'))]);
    expect((await versions(name)).map(({ number, format }) => [number, format])).toEqual([
      [2, 'steps'],
      [1, 'steps'],
    ]);
    expect(await world.log(await run(name), 'main')).toBe('2\n');
    expect(await world.log(await run(name, { version: '1' }), 'main')).toBe('1\n');
    await world.dais.apply([manifest('Pipeline', name, spec('echo 1', 'back'))]);
    expect((await versions(name)).map(({ number }) => number)).toEqual([3, 2, 1]);
    await world.dais.call('pipelineVersion.delete', { name, version: '1' });
    expect(await codeOf(start(name, { version: '1' }))).toBe('not_found');
    const old = await run(name);
    await world.dais.call('pipeline.delete', { name });
    expect(await codeOf(world.dais.call('pipelineVersion.list', { name }))).toBe('not_found');
    expect(await world.dais.call('execution.get', { id: old.id })).toMatchObject({ pipeline: old.pipeline });
  });

  test('skips steps whose condition is false', async () => {
    const name = await pipeline({
      parameters: { deploy: { type: 'boolean', default: false } },
      steps: {
        train: { run: 'echo 0.25 > loss', outputs: { loss: { path: 'loss', as: 'json' } } },
        good: { run: 'echo kept', when: 'steps.train.outputs.loss < 0.3 && !(parameters.deploy)' },
        bad: { run: 'echo thrown', when: 'inputs.loss >= 0.3', inputs: { loss: { step: 'train', output: 'loss' } } },
        after: { run: 'echo after', needs: ['bad'] },
        report: { run: 'echo report', needs: ['bad', 'good'], always: true },
      },
    });
    const done = await run(name);
    expect([done.state, done.nodes]).toEqual(['succeeded', { succeeded: 3, skipped: 2 }]);
    expect((await world.node(done, 'bad')).state).toBe('skipped');
    const deployed = await run(name, { parameters: { deploy: true } });
    expect((await world.node(deployed, 'good')).state).toBe('skipped');
  });

  test('iterates over the items of a list, and collects the outputs', async () => {
    const name = await pipeline({
      parameters: { sizes: { type: 'list', default: [1, 2, 3] } },
      steps: {
        fit: {
          run: 'echo $((DAIS_INPUT_SIZE * DAIS_INPUT_BY)) > score; echo "model $DAIS_INPUT_SIZE" > model',
          forEach: { parameter: 'sizes', as: 'size', parallel: 2 },
          inputs: { by: { value: 10 } },
          outputs: { score: { path: 'score', as: 'json' }, model: { path: 'model' } },
        },
        best: {
          run: 'echo "$DAIS_INPUT_SCORES"; cat inputs/models/*',
          inputs: { scores: { step: 'fit', output: 'score' }, models: { step: 'fit', output: 'model' } },
        },
      },
    });
    const done = await run(name);
    expect(done.state).toBe('succeeded');
    expect(await world.log(done, 'best')).toBe('[10,20,30]\nmodel 1\nmodel 2\nmodel 3\n');
    const none = await run(name, { parameters: { sizes: [] } });
    expect(none.nodes).toMatchObject({ succeeded: 1 });
  });

  test('runs another pipeline as a step', async () => {
    const inner = await pipeline({
      parameters: { word: {}, times: { type: 'integer', default: 2 } },
      steps: {
        main: {
          run: 'for i in $(seq $DAIS_INPUT_N); do printf "$DAIS_INPUT_WORD"; done > text',
          inputs: { word: { parameter: 'word' }, n: { parameter: 'times' } },
          outputs: { text: { path: 'text', as: 'text' } },
        },
      },
      outputs: { text: { step: 'main', output: 'text' } },
    });
    const outer = await pipeline({
      steps: {
        one: { pipeline: inner, inputs: { word: { value: 'ab' } } },
        many: { pipeline: inner, inputs: { times: { value: 1 } }, forEach: { items: ['x', 'y'], as: 'word' } },
        show: {
          run: 'echo "$DAIS_INPUT_ONE $DAIS_INPUT_MANY"',
          inputs: { one: { step: 'one', output: 'text' }, many: { step: 'many', output: 'text' } },
        },
      },
    });
    const done = await run(outer);
    expect([done.state, done.error]).toEqual(['succeeded', undefined]);
    expect(await world.log(done, 'show')).toBe('abab ["x","y"]\n');
    expect((await world.node(done, 'many/1/main')).state).toBe('succeeded');
    const wrong = await pipeline({ steps: { one: { pipeline: inner, inputs: { wrd: { value: 'ab' } } } } });
    expect(await errorOf(start(wrong))).toMatchObject({
      code: 'invalid_request',
      issues: [
        { path: 'inputs.wrd', nearest: 'word' },
        { path: 'inputs.word', expected: 'string' },
      ],
    });
  });

  test('is rejected if it runs itself', async () => {
    const [a, b] = [freshName(), freshName()];
    await world.dais.apply([manifest('Pipeline', b, { steps: { main: { run: 'true' } } })]);
    await world.dais.apply([manifest('Pipeline', a, { steps: { main: { pipeline: b } } })]);
    await world.dais.apply([manifest('Pipeline', b, { steps: { main: { pipeline: a } } })]);
    expect((await errorOf(start(a))).message).toContain(`${a} → ${b} → ${a}`);
  });

  test('runs with its code', async () => {
    const name = await pipeline({ steps: { main: { command: ['sh', 'lib/go.sh'] } } });
    const files = [{ path: 'lib/go.sh', upload: await world.upload('echo gone') }];
    expect(await world.log(await run(name, { code: { files } }), 'main')).toBe('gone\n');
  });

  test('rejects invalid parameters, and reports all of them', async () => {
    const name = await pipeline({
      parameters: { rate: { type: 'number' }, mode: { default: 'a', choices: ['a', 'b'] }, n: { type: 'integer' } },
      steps: { main: { run: 'true' } },
    });
    expect(await errorOf(start(name, { parameters: { rate: '1', mode: 'c', rat: 1 } }))).toMatchObject({
      code: 'invalid_request',
      issues: [
        { path: 'parameters.rate', message: 'is "1", which is not of type number' },
        { path: 'parameters.mode', expected: '"a", "b"' },
        { path: 'parameters.rat', nearest: 'rate' },
        { path: 'parameters.n', message: 'has no default, and no value is set' },
      ],
    });
  });

  test('can be displayed without a run', async () => {
    const name = await pipeline({
      parameters: { must: { type: 'number' } },
      steps: {
        a: { run: 'true', inputs: { must: { parameter: 'must' } } },
        b: { run: 'true', needs: ['a'], forEach: { items: [1] }, when: 'parameters.must > 1' },
      },
    });
    const graph = await world.dais.call<PipelineGraph>('pipeline.graph', { name });
    expect(graph).toMatchObject({
      parameters: { must: { type: 'number' } },
      nodes: [
        { path: 'a', kind: 'step', conditional: false },
        { path: 'b', kind: 'loop', conditional: true },
      ],
      edges: [{ from: 'a', to: 'b' }],
    });
  });
});

describe('errors of a pipeline', () => {
  test('are reported together, each with its path', async () => {
    const spec = {
      parameters: { rate: { type: 'number', default: 'x' } },
      steps: {
        a: { run: 'true', command: ['true'], inputs: { x: { step: 'b', output: 'ou' } } },
        b: { run: 'true', needs: ['a', 'cc'], outputs: { out: { path: '../out' } } },
        c: { inputs: { r: { parameter: 'rat' }, code: { value: 1 } }, when: 'inputs.r <' },
        d: { pipeline: 'x', cache: true, forEach: {} },
      },
    };
    const { issues } = await errorOf(world.dais.apply([manifest('Pipeline', freshName(), spec)]));
    const reported = (issues ?? []).map(({ path, message, nearest }) =>
      `${path ?? ''}: ${message} ${nearest ?? ''}`.trim(),
    );
    expect(reported).toMatchInlineSnapshot(`
      [
        "spec.parameters.rate.default: is "x", which is not of type number",
        "spec.steps.a: has command and run",
        "spec.steps.a.inputs.x.output: there is no output of step b ou out",
        "spec.steps.b.outputs.out.path: leaves the working folder, or has an empty segment",
        "spec.steps.b.needs[1]: there is no step cc c",
        "spec.steps.c: has no command",
        "spec.steps.c.inputs.code: is the reserved name of the code; choose another name",
        "spec.steps.c.inputs.r.parameter: there is no parameter rat rate",
        "spec.steps.c.when: it ends where a value, \`inputs.NAME\` or \`parameters.NAME\` is expected (at character 11)",
        "spec.steps.d.cache: belongs to the steps of the other pipeline, not to the step that runs it",
        "spec.steps.d.forEach: has no source",
        "spec.steps.a: steps depend on each other: a → b → a",
      ]
    `);
  });

  test('versions of a pipeline with steps in its manifest can come only from there', async () => {
    const name = await pipeline({ steps: { main: { run: 'true' } } });
    const version = { name, format: 'steps', document: { steps: { main: { run: 'true' } } } };
    expect(await codeOf(world.dais.call('pipelineVersion.create', version))).toBe('other_origin');
    const bare = freshName();
    await world.dais.apply([manifest('Pipeline', bare, {})]);
    expect(await codeOf(start(bare))).toBe('not_found');
    const made = { ...version, name: bare, version: 'v1' };
    expect(await world.dais.call('pipelineVersion.create', made)).toMatchObject({ number: 1, name: 'v1' });
    expect(await codeOf(world.dais.call('pipelineVersion.create', made))).toBe('already_exists');
    const wrong = { name: bare, format: 'other', document: {} };
    expect(await codeOf(world.dais.call('pipelineVersion.create', wrong))).toBe('invalid_request');
    const none = { name: bare, format: 'steps', document: { steps: {} } };
    expect(await codeOf(world.dais.call('pipelineVersion.create', none))).toBe('invalid_request');
  });
});
