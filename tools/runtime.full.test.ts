import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, runCommand } from './command.mjs';
import { environment } from './environment.mjs';
import { pinnedNode } from './runtime.mjs';

let node: string;
let folder: string;
beforeAll(async () => {
  node = join(await pinnedNode(26), 'node');
  folder = mkdtempSync(join(tmpdir(), 'n26-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('it is Node 26', async () => {
  expect((await runCommand(node, ['--version'], { quiet: true })).output).toMatch(/^v26\./);
});

test('the unit tests pass', async () => {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit'];
  const { code, output } = await runCommand(node, args, { quiet: true, env: { NO_COLOR: '1' } });
  expect(output).toMatch(/Tests {2}\d+ passed/);
  expect(code).toBe(0);
});

test('dais up becomes ready and stops cleanly', async () => {
  const cli = join(root, 'packages/cli/dist/main.js');
  if (!existsSync(cli)) throw new Error('there is no packages/cli/dist: run `npm run build` first');
  const data = join(folder, 'data');
  const server = spawn(node, [cli, 'up', '--data', data], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  server.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  server.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise((resolve) => {
    server.once('exit', resolve);
  });
  try {
    const url = await expect
      .poll(() => existsSync(join(data, 'run/server.json')) || server.exitCode !== null, { timeout: 120_000 })
      .toBe(true)
      .then(() => (JSON.parse(readFileSync(join(data, 'run/server.json'), 'utf8')) as { url: string }).url);
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 120_000 }).toBe(200);
  } catch (error) {
    throw new Error(`it did not become ready:\n${output}`, { cause: error });
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
  expect(server.exitCode).toBe(0);
});
