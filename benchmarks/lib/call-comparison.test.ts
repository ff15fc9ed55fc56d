import { expect, test, vi } from 'vitest';
import { CallBarrier } from './call-barrier.ts';
import { CallComparison } from './call-comparison.ts';
import { callRow } from './call-table.ts';
import { Claims } from './claims.mjs';
import { IdleCpu } from './idle-cpu.ts';
import { loadFigures, runCalls } from './load.ts';
import { describeInterval, meanRatio, ratioOf, short } from './paired-ratio.ts';

const figures = [loadFigures([1, 2, 3], 0, 1)];
const samples = (kept: readonly number[], single: readonly number[] = [], documented: readonly number[] = []) => ({
  kept,
  new: single,
  documented,
  figures,
});

test('the interval of a mean is that of the logarithms, by Student', () => {
  // Logarithms 0 and 2 ln 2: mean ln 2, half an interval of 12.706 ln 2.
  const { mean, low, high } = meanRatio([1, 4]);
  expect(mean).toBeCloseTo(2, 10);
  expect(low).toBeCloseTo(2 ** (1 - 12.706), 10);
  expect(high).toBeCloseTo(2 ** (1 + 12.706), 6);
  expect(meanRatio([3, 3, 3])).toEqual({ mean: expect.closeTo(3), low: expect.closeTo(3), high: expect.closeTo(3) });
});

test('ratios are those of the same round', () => {
  expect(ratioOf([10, 40], [1, 4])).toEqual({
    mean: expect.closeTo(10),
    low: expect.closeTo(10),
    high: expect.closeTo(10),
  });
});

test('numbers have three significant digits and separators', () => {
  expect([0.012345, 1.2345, 123.45, 12_345].map(short)).toEqual(['0.0123', '1.23', '123', '12,350']);
  expect(describeInterval({ mean: 10.123, low: 9.5, high: 10.79 }, ' ×')).toBe('10.1 × (9.5 to 10.8)');
});

test('the row of a peer has its ratios to Dais, and the claim is that of kept connections', () => {
  const claims = new Claims();
  const own = samples([1, 1], [2, 2], [3, 3]);
  const input = { call: 'log', own: undefined, unit: 'ms', target: { times: 10, limits: { new: 1.5 } } } as const;
  expect(callRow({ ...input, server: 'Dais', samples: own }, claims)).toEqual([
    'log',
    'Dais',
    '1 (1 to 1)',
    '2 (2 to 2)',
    '3 (3 to 3)',
    '2; 3',
    '2 × 3 calls',
    'new connection ≤ 1.5: NOT KEPT',
  ]);
  const peer = samples([20, 20], [10, 10]);
  expect(callRow({ ...input, server: 'MLflow', samples: peer, own }, claims)).toEqual([
    'log',
    'MLflow',
    '20; 20 × (20 to 20)',
    '10; 5 × (5 to 5)',
    'same as kept',
    '2; 3',
    '2 × 3 calls',
    '10 ×: kept',
  ]);
});

test('failed calls are reported with the latency', () => {
  const failed = { ...samples([1, 1]), figures: [loadFigures([5], 2, 1), loadFigures([5], 1, 1)] };
  const row = callRow(
    { call: 'a', server: 'b', samples: failed, own: undefined, unit: 'ms', target: {} },
    new Claims(),
  );
  expect(row[5]).toBe('5; 5; 3 failed');
});

test('every call has its own number, in all rounds', async () => {
  const seen: number[] = [];
  const counter = { next: 0 };
  for (let round = 0; round < 2; round++) {
    const { requests } = await runCalls(3, 2, async (index) => seen.push(index), counter);
    expect(requests).toBe(3);
  }
  expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
});

test('rounds alternate, and loads of different servers are synchronized at each call', async () => {
  const printed = vi.spyOn(console, 'log').mockReturnValue();
  const order: string[] = [];
  const options = {
    unit: 'ms',
    rounds: 2,
    warmMs: 0,
    idle: new IdleCpu([]),
    claims: new Claims(),
    only: /a|b/,
  } as const;
  const comparison = new CallComparison(options);
  const barrier = new CallBarrier(comparison, { own: 'Dais', servers: 2, targetOf: () => ({}) });
  const load = (name: string) => async () => {
    order.push(name);
    return loadFigures([1], 0, 1);
  };
  const server = (name: string) => ({
    name,
    pids: [],
    loads: { kept: load(`${name} kept`), new: load(`${name} new`) },
  });
  await Promise.all([
    barrier.measure('a', server('MLflow')).then(() => order.push('after')),
    barrier.measure('ignored', server('Dais')).then(async () => await barrier.measure('a', server('Dais'))),
  ]);
  comparison.print();
  expect(printed.mock.lastCall?.[0]).toContain('### CPU per call (ms)');
  printed.mockRestore();
  expect(order.slice(4)).toEqual([
    'Dais kept',
    'Dais new',
    'MLflow kept',
    'MLflow new',
    'MLflow new',
    'MLflow kept',
    'Dais new',
    'Dais kept',
    'after',
  ]);
  await expect(
    Promise.all([barrier.measure('a', server('Dais')), barrier.measure('b', server('MLflow'))]),
  ).rejects.toThrow('The loads measure different calls: a, b.');
});

test('a comparison refuses a number of rounds without an interval', () => {
  const options = { unit: 'ms', warmMs: 0, claims: new Claims() } as const;
  expect(() => new CallComparison({ ...options, rounds: 1 })).toThrow('--rounds 1: use a whole number of at least 2');
});
