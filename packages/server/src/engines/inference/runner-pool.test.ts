import { expect, test } from 'vitest';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { silentLog } from '#lib/log.ts';
import type { Tensor } from './contract.ts';
import type { Runner, RunnerEnd } from './runner.ts';
import { RunnerPool } from './runner-pool.ts';

/** Returns its number, until it is ended from outside. */
class Numbered implements Runner {
  readonly gone: Promise<RunnerEnd>;
  readonly #number: number;
  #end: (end: RunnerEnd) => void = () => {};

  constructor(number: number) {
    this.#number = number;
    this.gone = new Promise((resolve) => (this.#end = resolve));
  }

  /** Throws before it starts when there is a tensor. */
  infer(inputs: readonly Tensor[]) {
    if (inputs.length > 0) throw new Error('the input is none');
    const output: Tensor = { name: 'y', datatype: 'FP64', shape: [1], data: Float64Array.of(this.#number) };
    return { outputs: Promise.resolve([output]), free: Promise.resolve() };
  }

  kill(): void {
    this.#end({ reason: 'signal SIGKILL', isOwnError: false });
  }

  cpuMs(): number {
    return this.#number;
  }

  memoryBytes(): number {
    return 0;
  }

  isWorn(): boolean {
    return false;
  }

  async stop(): Promise<void> {}
}

function world() {
  const clock = new ManualClock();
  const made: Numbered[] = [];
  const starting = { fails: false };
  const pool = new RunnerPool({
    size: 1,
    make: async () => {
      if (starting.fails) throw new Error('no memory');
      made.push(new Numbered(made.length));
      return made.at(-1) as Numbered;
    },
    clock,
    log: silentLog,
    random: () => 1,
  });
  const ask = async () => Number((await pool.infer([], {}))[0]?.data[0]);
  const settle = async () => await new Promise<void>((resolve) => setImmediate(resolve));
  const crash = async () => {
    made.at(-1)?.kill();
    await settle();
  };
  return { clock, pool, starting, ask, settle, crash };
}

test('batches wait while the only process restarts', async () => {
  const { clock, pool, ask, settle, crash } = world();
  await pool.open();
  expect(await ask()).toBe(0);
  await crash();
  const waiting = [ask(), ask()];
  let begun = false;
  const reported = pool.infer([], { onStart: () => (begun = true) });
  await settle();
  expect(begun).toBe(false);
  clock.advance(100);
  expect(await Promise.all(waiting)).toEqual([1, 1]);
  await reported;
  expect(begun).toBe(true);
  await pool.close();
});

test('a batch that is rejected before its start blocks no other', async () => {
  const { pool, ask } = world();
  await pool.open();
  const refused = [{ name: 'x', datatype: 'FP64', shape: [0], data: Float64Array.of() }] as const;
  await expect(pool.infer(refused, {})).rejects.toThrow('the input is none');
  expect(await ask()).toBe(0);
  await pool.close();
});

test('limits waiting batches like for a busy process', async () => {
  const { clock, pool, ask, crash } = world();
  await pool.open();
  await crash();
  const request = Array.from({ length: 65 }, ask);
  const [last] = await Promise.allSettled(request.splice(64));
  expect(last).toMatchObject({ reason: { code: 'overloaded' } });
  clock.advance(100);
  expect(new Set(await Promise.all(request))).toEqual(new Set([1]));
  await pool.close();
});

test('rejects waiting and new batches when the model is quarantined', async () => {
  const { clock, pool, starting, ask, settle, crash } = world();
  await pool.open();
  starting.fails = true;
  await crash();
  const waiting = Promise.allSettled([ask()]);
  for (let time = 0; time < 4; time++) {
    clock.advance(1000);
    await settle();
  }
  const refused = { code: 'model_unavailable', message: expect.stringMatching(/5 times within a minute.*no memory/) };
  expect(await waiting).toMatchObject([{ reason: refused }]);
  await expect(ask()).rejects.toMatchObject(refused);
  starting.fails = false;
  clock.advance(60_000);
  await settle();
  expect(await ask()).toBe(1);
  await pool.close();
});

test('rejects waiting batches when the model is unloaded', async () => {
  const { pool, ask, settle, crash } = world();
  await pool.open();
  await crash();
  const waiting = Promise.allSettled([ask()]);
  await settle();
  await pool.close();
  expect(await waiting).toMatchObject([{ reason: { code: 'model_unavailable' } }]);
  await expect(ask()).rejects.toMatchObject({ code: 'model_unavailable' });
});
