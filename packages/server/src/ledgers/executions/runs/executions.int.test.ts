import type { Execution, ExecutionNode, SubmitExecutionInput } from '@dais/api/executions';
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

const PATIENCE = { timeout: 60_000, interval: 30 };
type Steps = SubmitExecutionInput['steps'];

/** A step of these lines of shell. */
function sh(script: string, more: Partial<Steps[string]> = {}): Steps[string] {
  return { command: ['sh', '-c', script], isolation: 'none', ...more };
}

describe('a job with one step', () => {
  test('runs the command and stores its log and outputs', async () => {
    const step = sh('echo hello; mkdir out; echo 1 > out/a; echo 2 > out/b; chmod +x out/b; echo 0.5 > loss', {
      outputs: { model: { path: 'out' }, loss: { path: 'loss', as: 'json' }, none: { path: 'none', optional: true } },
    });
    const run = await world.run({ name: 'train', steps: { main: step } });
    expect(run).toMatchObject({
      name: 'train',
      state: 'succeeded',
      submittedBy: 'user:owner',
      nodes: { succeeded: 1 },
    });
    expect(await world.log(run)).toBe('hello\n');
    const node = await world.node(run, 'main');
    expect(node).toMatchObject({
      kind: 'step',
      state: 'succeeded',
      attempts: 1,
      outputs: { loss: { parameter: 0.5 } },
    });
    expect(node.outputs['model']).toMatchObject({ files: [{ files: 2, bytes: 4, run: run.id }] });
    const [attempt] = await world.attempts(run);
    expect(attempt).toMatchObject({ number: 1, state: 'ended', ending: 'exit', code: 0 });
    const { items } = await world.dais.call<Page<{ name: string }>>('execution.files', { id: run.id });
    const below = `steps/${attempt?.id}/model`;
    expect(items.map(({ name }) => name)).toEqual([`logs/${attempt?.id}`, `${below}/a`, `${below}/b`]);
  });

  test('fails with its exit code in the error', async () => {
    const run = await world.run({ steps: { main: sh('echo no >&2; exit 3') } });
    expect(run.state).toBe('failed');
    expect(run.error).toBe('1 task did not succeed: main: exited with code 3');
    expect((await world.node(run, 'main')).error).toBe('exited with code 3');
    expect(await world.log(run)).toBe('no\n');
    expect(await world.attempts(run)).toMatchObject([{ ending: 'exit', code: 3 }]);
  });

  test('is not retried if it cannot be started', async () => {
    const retry = { count: 3 };
    const run = await world.run({ steps: { main: { command: ['no-such-program'], isolation: 'none', retry } } });
    const attempts = await world.attempts(run);
    expect([run.state, attempts.at(-1)?.ending === 'exit' || attempts.length === 1]).toEqual(['failed', true]);
    const much = await world.run({ steps: { main: sh('true', { resources: { cpu: 100_000 }, retry }) } });
    expect([much.state, (await world.attempts(much)).map(({ ending }) => ending)]).toEqual(['failed', ['refused']]);
  });

  test('fails if a declared output is missing', async () => {
    const run = await world.run({ steps: { main: sh('true', { outputs: { model: { path: 'model.bin' } } }) } });
    expect((await world.node(run, 'main')).error).toBe('output model is missing: the step did not write model.bin');
  });

  test('runs in its code folder, with values of Secrets', async () => {
    await world.dais.apply([manifest('Secret', 'hub', { data: { token: 'sesame' } })]);
    const [script, other] = [
      await world.upload('echo "$1 $WORD"; echo "${WORD%ame} ${WORD#ses}"; cat data/x'),
      await world.upload('below\n'),
    ];
    const run = await world.run({
      steps: {
        main: { command: ['./go.sh', 'a b'], isolation: 'none', secrets: { WORD: { secret: 'hub', key: 'token' } } },
      },
      code: {
        commit: 'abcdef1',
        dirty: true,
        files: [
          { path: 'go.sh', upload: await world.upload('#!/bin/sh\nexec sh ./script "$@"'), executable: true },
          { path: 'script', upload: script },
          { path: 'data/x', upload: other },
        ],
      },
    });
    expect(run).toMatchObject({ state: 'succeeded', code: { commit: 'abcdef1', dirty: true } });
    expect(await world.log(run)).toBe('a b ***\nses ame\nbelow\n');
  });

  test('is stopped at its time limit', async () => {
    const run = await world.run({ steps: { main: sh('sleep 300', { timeoutSeconds: 1 }) } });
    expect((await world.attempts(run))[0]).toMatchObject({ ending: 'wall-time', error: 'exceeded its time limit' });
  });
});

describe('steps with dependencies', () => {
  test('pass parameters and files to each other', async () => {
    const run = await world.run({
      steps: {
        make: sh('mkdir d; echo text > d/f; printf 4 > n', {
          outputs: { d: { path: 'd' }, n: { path: 'n', as: 'text' } },
        }),
        use: sh('cat "$DAIS_INPUT_D/f"; echo "$DAIS_INPUT_N $DAIS_INPUT_RATE"', {
          inputs: { d: { step: 'make', output: 'd' }, n: { step: 'make', output: 'n' }, rate: { value: 0.1 } },
        }),
      },
    });
    expect(run.state).toBe('succeeded');
    expect(await world.log(run, 'use')).toBe('text\n4 0.1\n');
    const { inputs } = await world.node(run, 'use');
    expect(inputs).toMatchObject({ n: { parameter: '4' }, rate: { parameter: 0.1 }, d: { files: [{ files: 1 }] } });
  });

  test('do not run after a failed dependency, except with `always`', async () => {
    const run = await world.run({
      steps: {
        a: sh('exit 1'),
        b: sh('true', { needs: ['a'] }),
        c: sh('echo cleaned', { needs: ['b'], always: true }),
      },
    });
    expect([run.state, run.nodes]).toEqual(['failed', { failed: 1, blocked: 1, succeeded: 1 }]);
    expect(await world.log(run, 'c')).toBe('cleaned\n');
  });

  test('are retried as often as specified', async () => {
    const counted = 'echo x >> "$COUNT"; test $(wc -l < "$COUNT") -ge 3';
    const count = `/tmp/dais-count-${freshName()}-${process.pid}`;
    const variables = { COUNT: count };
    const run = await world.run({
      steps: {
        main: sh(counted, { variables, retry: { count: 2 } }),
        end: sh(`rm ${count}`, { needs: ['main'], always: true }),
      },
    });
    expect(run.state).toBe('succeeded');
    expect((await world.attempts(run, 'main')).map(({ code }) => code)).toEqual([1, 1, 0]);
    expect((await world.node(run, 'main')).error).toBeUndefined();
  });
});

describe('a canceled run', () => {
  test('stops running steps and starts no further ones', async () => {
    const run = await world.submit({
      steps: {
        a: sh('echo up; exec sleep 300'),
        b: sh('true', { needs: ['a'] }),
        c: sh('true', { needs: ['a'], always: true }),
      },
    });
    await expect.poll(async () => await world.log(run, 'a'), PATIENCE).toBe('up\n');
    const request = await world.dais.call<Execution>('execution.cancel', { id: run.id });
    expect(request.cancelRequested).toBe(true);
    const ended = await world.ended(run);
    expect([ended.state, ended.nodes]).toEqual(['canceled', { canceled: 3 }]);
    expect(await world.attempts(run)).toMatchObject([{ ending: 'canceled' }]);
    expect((await world.dais.call<Execution>('execution.cancel', { id: run.id })).state).toBe('canceled');
  });
});

describe('a retried run', () => {
  test('reuses unchanged steps that succeeded', async () => {
    const files = [{ path: 'x', upload: await world.upload('code\n') }];
    const counter = `/dev/shm/dais-flaky-${process.pid}-${freshName()}`;
    const first = await world.run({
      code: { files },
      steps: {
        a: sh('cat x > out', { outputs: { out: { path: 'out' } } }),
        b: sh(`test -e ${counter} && rm ${counter} || { touch ${counter}; exit 1; }`, { needs: ['a'] }),
        c: sh('cat "$DAIS_INPUT_OUT"', { needs: ['b'], inputs: { out: { step: 'a', output: 'out' } } }),
      },
    });
    expect(first.nodes).toEqual({ succeeded: 1, failed: 1, blocked: 1 });
    const again = await world.ended(await world.dais.call<Execution>('execution.retry', { id: first.id }));
    expect(again).toMatchObject({ state: 'succeeded', retryOf: first.id });
    expect((await world.node(again, 'a')).source).toBe('reused');
    expect((await world.node(again, 'b')).source).toBeUndefined();
    // Neither needs the other.
    await world.dais.call('execution.delete', { id: first.id });
    expect(await world.log(again, 'c')).toBe('code\n');
    const anew = await world.dais.call<Execution>('execution.retry', { id: again.id, again: ['a'] });
    await world.ended(anew);
    expect((await world.node(anew, 'a')).source).toBeUndefined();
    expect(await codeOf(world.dais.call('execution.get', { id: first.id }))).toBe('not_found');
  });

  test('a step with `cache` does not run after an equal step succeeded in the project', async () => {
    const step = sh('echo 1 > out', { cache: true, outputs: { out: { path: 'out' } }, variables: { OF: freshName() } });
    const runs = [await world.run({ steps: { a: step } }), await world.run({ steps: { b: step } })];
    expect((await world.node(runs[0]!, 'a')).source).toBeUndefined();
    expect(await world.node(runs[1]!, 'b')).toMatchObject({ source: 'cache', state: 'succeeded' });
    const other = await world.run({ steps: { b: { ...step, variables: { OF: freshName() } } } });
    expect((await world.node(other, 'b')).source).toBeUndefined();
  });
});

describe('an invalid request', () => {
  test('reports all errors together', async () => {
    const error = await errorOf(
      world.submit({
        steps: { a: sh('', { needs: ['b'] }), b: sh('', { needs: ['a'], inputs: { x: { step: 'a', output: 'no' } } }) },
      }),
    );
    expect(error.issues?.map(({ message }) => message)).toEqual([
      'task a has no output no',
      'tasks depend on each other in a cycle: a → b → a',
    ]);
    expect(await codeOf(world.submit({ steps: {} }))).toBe('invalid_request');
    const outside = { outputs: { x: { path: '../x' } } };
    expect(await codeOf(world.submit({ steps: { a: sh('', outside) } }))).toBe('invalid_request');
    const upload = await world.upload('x');
    const files = [{ path: '../x', upload }];
    expect(await codeOf(world.submit({ steps: { a: sh('') }, code: { files } }))).toBe('unsafe_path');
    expect(await codeOf(world.dais.call('execution.get', { id: 'x' }))).toBe('not_found');
    const several = await world.run({ steps: { a: sh('true'), b: sh('true') } });
    expect(await codeOf(world.dais.call('execution.logs', { id: several.id }))).toBe('invalid_request');
    expect(await codeOf(world.dais.call('execution.logs', { id: several.id, node: 'a', cursor: 'x' }))).toBe(
      'invalid_cursor',
    );
  });
});

test('lists have pages and filters', async () => {
  const name = freshName();
  const runs = [];
  for (const script of ['true', 'exit 1', 'true'])
    runs.push(await world.run({ name, steps: { a: sh(script), b: sh('true') } }));
  const list = async (input: object) => await world.dais.call<Page<Execution>>('execution.list', { name, ...input });
  const ids = runs.map(({ id }) => id).toReversed();
  const first = await list({ limit: 2 });
  const second = await list({ limit: 2, cursor: first.nextCursor });
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
  expect(second.nextCursor).toBeUndefined();
  expect((await list({ state: 'failed' })).items.map(({ id }) => id)).toEqual([runs[1]?.id]);
  const nodes = { id: runs[0]?.id, limit: 1 };
  const page = await world.dais.call<Page<ExecutionNode>>('execution.nodes', nodes);
  const next = await world.dais.call<Page<ExecutionNode>>('execution.nodes', { ...nodes, cursor: page.nextCursor });
  expect([...page.items, ...next.items].map(({ path }) => path)).toEqual(['a', 'b']);
});

test('a project can be deleted with its runs once all have ended', async () => {
  const name = freshName();
  await world.dais.call('project.create', { manifest: manifest('Project', name) });
  const context = { projects: [name] };
  const input = { steps: { main: sh('exec sleep 300') } };
  const run = await world.dais.call<Execution>('execution.submit', input, context);
  expect(await codeOf(world.dais.call('project.delete', { name }))).toBe('still_referenced');
  await world.dais.call('execution.cancel', { id: run.id }, context);
  const state = async () => (await world.dais.call<Execution>('execution.get', { id: run.id }, context)).state;
  await expect.poll(state, PATIENCE).toBe('canceled');
  await world.dais.call('project.delete', { name });
  expect(await codeOf(world.dais.call('execution.get', { id: run.id }, context))).toBe('not_found');
});
