import { expect, test } from 'vitest';
import { duration, progressLine, runPhase } from './phase-bar.mjs';

test('a bar shows share, amount, rate and what is left', () => {
  const line = progressLine({ title: 'uv', unit: 'bytes', done: 5_000_000, total: 20_000_000, elapsed: 2000 });
  expect(line).toBe('uv  [██████──────────────────]   25 %  5.0 of 20.0 MB  2.5 MB/s  about 6.0 s left');
});

test('steps have no rate, and an unknown total has no bar', () => {
  expect(progressLine({ title: 'x', unit: 'steps', done: 4, total: 4, elapsed: 100 })).toBe(
    'x  [████████████████████████]  100 %  4 of 4',
  );
  expect(progressLine({ title: 'x', unit: 'steps', done: 0, total: 0, elapsed: 1200 })).toBe('x  1.2 s');
});

test.each([
  [0, '0.0 s'],
  [9940, '9.9 s'],
  [9960, '10 s'],
  [89_000, '89 s'],
  [150_000, '2 min 30 s'],
])('%i ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test('without a terminal a phase is plain lines: its start, one in ten seconds, its end', async () => {
  const lines: string[] = [];
  let time = 0;
  const out = { write: (text: string) => lines.push(text) };
  const result = await runPhase({ title: 'npm ci', unit: 'steps', out, now: () => time }, async (report) => {
    report(1, 10);
    time = 11_000;
    report(5, 10);
    report(6, 10);
    return 'done';
  });
  expect(result).toBe('done');
  expect(lines).toEqual([
    'npm ci …\n',
    '  npm ci  [████████████────────────]   50 %  5 of 10  about 11 s left\n',
    '✓ npm ci (11 s)\n',
  ]);
});

test('without a terminal an unchanged line is printed once a minute', async () => {
  const lines: string[] = [];
  let time = 0;
  const out = { write: (text: string) => lines.push(text) };
  await runPhase({ title: 'train', unit: 'steps', out, now: () => time }, async (report) => {
    for (time = 0; time <= 61_000; time += 1000) report(0, 3);
    return undefined;
  });
  expect(lines.slice(1, -1)).toEqual(['  train  [────────────────────────]    0 %  0 of 3\n']);
});

test('a failed phase is reported, and the error is passed on', async () => {
  const lines: string[] = [];
  const out = { write: (text: string) => lines.push(text) };
  const failing = runPhase({ title: 'x', unit: 'steps', out, now: () => 0 }, async () => {
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(lines.at(-1)).toBe('✗ x (0.0 s)\n');
});
