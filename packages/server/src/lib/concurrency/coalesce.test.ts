import { expect, test } from 'vitest';
import { Coalescer } from '#lib/concurrency/coalesce.ts';

/** Runs that end on request. */
function controlled() {
  const runs: { key: string; items: readonly number[]; end: () => void }[] = [];
  const coalescer = new Coalescer<number, string>(3, async (key, items) => {
    await new Promise<void>((end) => runs.push({ key, items, end }));
    return items.map((item) => (item < 0 ? { error: new Error(`${item}`) } : { value: `${key}${item}` }));
  });
  return { runs, coalescer };
}

test('the first runs alone; items that arrive during a run share the next runs, at most three each', async () => {
  const { runs, coalescer } = controlled();
  const all = Promise.all([1, 2, 3, 4, 5].map((item) => coalescer.run('a', item)));
  expect(runs.map((run) => run.items)).toEqual([[1]]);
  runs[0]!.end();
  await expect.poll(() => runs.length).toBe(2);
  runs[1]!.end();
  await expect.poll(() => runs.length).toBe(3);
  runs[2]!.end();
  expect(await all).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
  expect(runs.map((run) => run.items)).toEqual([[1], [2, 3, 4], [5]]);
});

test('keys do not wait for each other, and a failed item fails alone', async () => {
  const { runs, coalescer } = controlled();
  const a = coalescer.run('a', 1);
  const b = coalescer.run('b', -1);
  expect(runs.map((run) => run.key)).toEqual(['a', 'b']);
  for (const run of runs) run.end();
  expect(await a).toBe('a1');
  await expect(b).rejects.toThrow('-1');
});

test('a run that fails as a whole fails each of its items, and the next run is not affected', async () => {
  let fail = true;
  const coalescer = new Coalescer<number, number>(10, async (_key, items) => {
    if (fail) throw new Error('down');
    return items.map((value) => ({ value }));
  });
  await expect(coalescer.run('a', 1)).rejects.toThrow('down');
  fail = false;
  expect(await coalescer.run('a', 2)).toBe(2);
});
