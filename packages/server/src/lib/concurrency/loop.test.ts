import { describe, expect, test } from 'vitest';
import type { Log, LogFields } from '#lib/log.ts';
import { Loop, type LoopDependencies, type LoopTimes } from './loop.ts';
import { WorkGate } from './work-gate.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';

/** All resolvable promises are resolved. */
async function settle(): Promise<void> {
  for (let n = 0; n < 20; n++) await Promise.resolve();
}

/** The wait that a loop requested. */
class WatchedClock extends ManualClock {
  readonly waits: number[] = [];

  override after(ms: number, wake: () => void): () => void {
    this.waits.push(ms);
    return super.after(ms, wake);
  }

  /** Continues, and runs everything that follows from it. */
  async pass(ms: number): Promise<void> {
    this.advance(ms);
    await settle();
  }
}

function make(
  turn: (n: number) => boolean | Promise<boolean>,
  gapMs = 0,
  more: Partial<LoopDependencies & LoopTimes> = {},
) {
  const clock = new WatchedClock();
  const errors: { message: string; fields: LogFields | undefined }[] = [];
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (message, fields) => void errors.push({ message, fields }),
  };
  const state = { turns: 0 };
  const loop = new Loop('test', { clock, log, pollMs: 1000, gapMs, ...more }, async () => await turn(++state.turns));
  return { clock, errors, state, loop };
}

describe('a loop', () => {
  test('pauses once while its gate is closed, and continues immediately when it opens', async () => {
    const gate = new WorkGate();
    let pauses = 0;
    const onPause = async () => await Promise.resolve(void (pauses += 1));
    const { clock, loop, state } = make(() => false, 0, { gate, onPause });
    await loop.start();
    await settle();
    expect({ turns: state.turns, pauses }).toEqual({ turns: 1, pauses: 0 });
    gate.isOpen = false;
    await settle();
    await clock.pass(1000);
    await clock.pass(1000);
    loop.wake();
    await settle();
    expect({ turns: state.turns, pauses }).toEqual({ turns: 1, pauses: 1 });
    gate.isOpen = true;
    await settle();
    expect(state.turns).toBe(2);
    gate.isOpen = false;
    await settle();
    expect({ turns: state.turns, pauses }).toEqual({ turns: 2, pauses: 2 });
    await loop.stop();
  });

  test('repeats a pause that failed', async () => {
    const gate = new WorkGate();
    gate.isOpen = false;
    let pauses = 0;
    const onPause = async () => {
      pauses += 1;
      if (pauses === 1) throw new Error('no database');
      await Promise.resolve();
    };
    const { clock, loop, errors, state } = make(() => false, 0, { gate, onPause });
    await loop.start();
    await settle();
    await clock.pass(200);
    await clock.pass(1000);
    expect({ pauses, errors: errors.length, turns: state.turns }).toEqual({ pauses: 2, errors: 1, turns: 0 });
    await loop.stop();
  });

  test('takes turns while there is work, then waits for the poll', async () => {
    const { clock, loop, state } = make((n) => n < 4);
    await loop.start();
    await settle();
    expect(state.turns).toBe(4);
    await clock.pass(999);
    expect(state.turns).toBe(4);
    await clock.pass(1);
    expect(state.turns).toBe(5);
    await loop.stop();
  });

  test('is woken by a notification, and by one that arrived during its turn', async () => {
    const rings: (() => void)[] = [];
    let silenced = 0;
    const { loop, state } = make((n) => {
      // A wake during an iteration, after its check, must cause another iteration.
      if (n === 2) rings[0]?.();
      return false;
    });
    await loop.start(async (ring) => {
      rings.push(ring);
      return async () => void silenced++;
    });
    await settle();
    expect(state.turns).toBe(1);
    rings[0]?.();
    await settle();
    expect(state.turns).toBe(3);
    await loop.stop();
    expect(silenced).toBe(1);
  });

  test('with a gap, the first wake runs immediately, and those that follow run together', async () => {
    const { clock, loop, state } = make(() => false, 10);
    await loop.start();
    await settle();
    await clock.pass(10);
    loop.wake();
    await settle();
    expect(state.turns).toBe(2);
    for (let n = 0; n < 3; n++) loop.wake();
    await clock.pass(9);
    expect(state.turns).toBe(2);
    await clock.pass(1);
    expect(state.turns).toBe(3);
    await clock.pass(10);
    await clock.pass(1000);
    expect(state.turns).toBe(4);
    await loop.stop();
  });

  test('waits longer after each failure, despite wakes, and resets after a success', async () => {
    const { clock, errors, loop, state } = make((n) => {
      if (n <= 6) throw new Error(`failure ${n}`);
      return false;
    });
    await loop.start();
    await settle();
    for (let n = 1; n <= 6; n++) {
      loop.wake();
      await settle();
      expect(state.turns).toBe(n);
      await clock.pass(clock.waits.at(-1) ?? 0);
    }
    expect(clock.waits).toEqual([200, 400, 800, 1600, 2000, 2000, 1000]);
    expect(state.turns).toBe(7);
    expect(errors.map((error) => error.message)).toEqual(Array(6).fill('test: an iteration failed'));
    await loop.stop();
  });

  test('does not log every failure of an unavailable database', async () => {
    const { errors, loop } = make(() => {
      throw Object.assign(new Error('gone'), { retryable: true });
    });
    await loop.start();
    await settle();
    expect(errors).toEqual([]);
    await loop.stop();
  });

  test('reports the time since the last successful turn', async () => {
    const { clock, loop } = make((n) => {
      if (n > 1) throw new Error('no');
      return false;
    });
    await clock.pass(500);
    expect(loop.age).toBe(500);
    await loop.start();
    await settle();
    expect(loop.age).toBe(0);
    await clock.pass(1000);
    await clock.pass(300);
    expect(loop.age).toBe(1300);
    await loop.stop();
  });

  test('stops after the turn at hand, also out of a long wait', async () => {
    let end = () => {};
    const { loop, state } = make(async () => {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      return true;
    });
    await loop.start();
    await settle();
    let stopped = false;
    const stopping = loop.stop().then(() => {
      stopped = true;
    });
    await settle();
    expect(stopped).toBe(false);
    end();
    await stopping;
    expect(state.turns).toBe(1);
    const failing = make(() => {
      throw new Error('no');
    });
    await failing.loop.start();
    await settle();
    await failing.loop.stop();
    expect(failing.state.turns).toBe(1);
  });

  test('that never started stops too', async () => {
    const { loop, state } = make(() => false);
    await loop.stop();
    expect(state.turns).toBe(0);
  });
});
