import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LoadedModel, Tensor } from '#engines/inference/contract.ts';
import { systemClock } from '#lib/clock.ts';
import { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { BatchCounts } from '../routing/variant-counts.ts';
import { Batcher, type BatchItem } from './batcher.ts';

const row: Tensor = { name: 'x', datatype: 'FP32', shape: [1], data: Float32Array.of(1) };
const AWAY_MS = 2000;

// Time advances only when the model advances it, so that a busy machine does not look like a slow model.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Returns its input; its only instance starts a batch when `comes` resolves, and finishes immediately. */
function lateModel(comes: () => Promise<void>): LoadedModel {
  return {
    engine: 'late',
    platform: 'test',
    inputs: [],
    outputs: [],
    batchable: true,
    concurrency: 1,
    scale: async () => {},
    infer: async (tensors, options) => {
      await comes();
      options?.onStart?.();
      return tensors;
    },
    stats: () => ({ runs: 0, rows: 0, runNanoseconds: 0n, crashes: 0, memoryBytes: 0, cpuMs: 0 }),
    close: async () => {},
  };
}

function add(batcher: Batcher): { readonly item: BatchItem; readonly done: Promise<unknown> } {
  let item: BatchItem | undefined;
  const done = new Promise((resolve, reject) => {
    item = {
      inputs: [row],
      outputs: undefined,
      parameters: undefined,
      rows: 1,
      bytes: 4,
      limits: { rows: 64, delayMs: 0 },
      group: 'one',
      queue: { rows: 0, bytes: 0 },
      counts: new BatchCounts(),
      enteredAt: 0,
      queueMicros: 0,
      runMicros: 0,
      state: 'waiting',
      resolve,
      reject,
    };
    batcher.add(item);
  });
  return { item: item as BatchItem, done };
}

test('the wait for a restarting instance does not count as run time of the model', async () => {
  const batcher = new Batcher(
    lateModel(async () => void vi.advanceTimersByTime(AWAY_MS)),
    systemClock,
    new BufferPool(systemClock, 0),
  );
  const { item, done } = add(batcher);
  await done;
  expect(item.queueMicros).toBe(AWAY_MS * 1000);
  expect(item.runMicros).toBeLessThan((AWAY_MS / 2) * 1000);
  const next = add(batcher);
  expect(batcher.expectedMicros).toBeLessThan((AWAY_MS / 2) * 1000);
  await next.done;
});
