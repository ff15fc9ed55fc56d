import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, startQuickstart } from './quickstart-process.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quick-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const quickstart = (args: readonly string[], until?: string) => startQuickstart(folder, ['--serve', ...args], until);

test('starts, shows the final screen and stops with --exit', async () => {
  const port = await freePort();
  const { code, output } = await quickstart(['--port', String(port), '--exit']).ended;
  expect(output).toContain(`Dais runs at http://127.0.0.1:${port}`);
  expect(output).toContain(`To delete everything: rm -rf ${join(folder, 'data')} `);
  expect(output.trimEnd().endsWith('Dais has stopped.')).toBe(true);
  expect(code).toBe(0);
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow('fetch failed');
});

test('downloads and builds nothing on the second start, and stops cleanly with Ctrl-C', async () => {
  const port = await freePort();
  const { code, output } = await quickstart(['--port', String(port)], 'To stop: Ctrl-C here.').ended;
  expect(output).toContain('Nothing to download.');
  expect(output).not.toContain('Build');
  expect(output).toContain('Dais has stopped.');
  expect(code).toBe(0);
});

test('Ctrl-C during the start stops it and prints how to continue', async () => {
  const { code, output } = await quickstart(['--port', String(await freePort())], 'Start Dais …').ended;
  expect(output).toContain('Run it again to resume.');
  expect(code).toBe(130);
});

test('prints the usage for an unknown option and for --help', async () => {
  const wrong = await quickstart(['--dta', 'x']).ended;
  expect(wrong).toMatchObject({ code: 2 });
  expect(wrong.output).toContain('unknown option --dta');
  const help = await quickstart(['--help']).ended;
  expect(help).toMatchObject({ code: 0 });
  expect(help.output).toContain('usage: npm run quickstart');
});
