import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './command.mjs';
import { environment } from './environment.mjs';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quick-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** Runs it on a data folder of this test, and presses Ctrl-C once when `until` has been printed. */
function quickstart(args: readonly string[], until?: string) {
  const child = spawn('node', ['tools/quickstart.mjs', '--serve', '--data', join(folder, 'data'), ...args], {
    cwd: root,
    env: { ...environment, DAIS_KEYS_FOLDER: join(folder, 'keys') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let pressed = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (!pressed && until !== undefined && output.includes(until)) pressed = child.kill('SIGINT');
    });
  }
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
  return { ended };
}

test('with --exit it starts, shows one screen and stops', async () => {
  const port = await freePort();
  const { code, output } = await quickstart(['--port', String(port), '--exit']).ended;
  expect(output).toContain(`Dais runs at http://127.0.0.1:${port}`);
  expect(output).toContain(`To delete everything: rm -rf ${join(folder, 'data')} `);
  expect(output.trimEnd().endsWith('Dais has stopped.')).toBe(true);
  expect(code).toBe(0);
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow('fetch failed');
});

test('again on the same data nothing is downloaded or built, and Ctrl-C stops cleanly', async () => {
  const port = await freePort();
  const { code, output } = await quickstart(['--port', String(port)], 'To stop: Ctrl-C here.').ended;
  expect(output).toContain('Nothing to download.');
  expect(output).not.toContain('Build');
  expect(output).toContain('Dais has stopped.');
  expect(code).toBe(0);
});

test('Ctrl-C while it starts stops it, and says how to go on', async () => {
  const { code, output } = await quickstart(['--port', String(await freePort())], 'Start Dais …').ended;
  expect(output).toContain('Run it again to go on from here.');
  expect(code).toBe(130);
});

test('a wrong option is answered with the usage, and --help is the usage', async () => {
  const wrong = await quickstart(['--dta', 'x']).ended;
  expect(wrong).toMatchObject({ code: 2 });
  expect(wrong.output).toContain('there is no option --dta');
  const help = await quickstart(['--help']).ended;
  expect(help).toMatchObject({ code: 0 });
  expect(help.output).toContain('usage: npm run quickstart');
});
