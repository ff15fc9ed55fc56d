import { expect, test } from 'vitest';
import { runSteps } from './steps.mjs';

function collect() {
  const lines: string[] = [];
  return { lines, out: { write: (text: string) => lines.push(text.replace(/\d+\.\d s/, 'T')) } };
}

test('every step runs, also after one failed, and a failed one shows its output', async () => {
  const { lines, out } = collect();
  const ok = await runSteps(
    [
      { name: 'lint', run: async () => ({ ok: false, output: 'x.ts:1: no\n' }) },
      { name: 'types', run: async () => ({ ok: true, note: '3 files' }) },
      { name: 'thrown', run: () => Promise.reject(new Error('cannot start')) },
    ],
    1,
    out,
  );
  expect(ok).toBe(false);
  expect(lines).toEqual([
    'FAIL lint      T\n',
    'x.ts:1: no\n\n',
    'ok   types     T  3 files\n',
    'FAIL thrown    T\n',
    'cannot start\n\n',
  ]);
});

test('no more steps run concurrently than requested', async () => {
  let now = 0;
  let most = 0;
  const run = async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    now--;
    return { ok: true };
  };
  const steps = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, run }));
  expect(await runSteps(steps, 2, collect().out)).toBe(true);
  expect(most).toBe(2);
});
