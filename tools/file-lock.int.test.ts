import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from './command.mjs';
import { withFileLock } from './file-lock.mjs';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('processes take turns', async () => {
  const counter = join(folder, 'count');
  writeFileSync(counter, '0');
  // Reading, waiting and writing loses counts unless only one process at a time does it.
  const script = `
    import { readFileSync, writeFileSync } from 'node:fs';
    import { withFileLock } from ${JSON.stringify(new URL('file-lock.mjs', import.meta.url).href)};
    for (let turn = 0; turn < 5; turn++) await withFileLock(${JSON.stringify(join(folder, 'turns'))}, async () => {
      const count = Number(readFileSync(${JSON.stringify(counter)}, 'utf8'));
      await new Promise((resolve) => setImmediate(resolve));
      writeFileSync(${JSON.stringify(counter)}, String(count + 1));
    });`;
  const runs = await Promise.all(
    Array.from({ length: 4 }, () => runCommand('node', ['--input-type=module', '-e', script], { quiet: true })),
  );
  expect(runs.map((run) => run.output)).toEqual(['', '', '', '']);
  const { output } = await runCommand('cat', [counter], { quiet: true });
  expect(output).toBe('20');
});

test('the lock of a process that died is taken over, and one thrown inside is given back', async () => {
  const path = join(folder, 'dead');
  const { output } = await runCommand('node', ['-p', 'process.pid'], { quiet: true });
  writeFileSync(path, `${output.trim()} 1\n`);
  await expect(withFileLock(path, () => Promise.reject(new Error('inside')))).rejects.toThrow('inside');
  expect(existsSync(path)).toBe(false);
});

test('a living process under the id of a dead holder is not taken for it', async () => {
  const path = join(folder, 'reused');
  writeFileSync(path, `${process.pid} 1\n`);
  expect(await withFileLock(path, async () => 'mine')).toBe('mine');
});
