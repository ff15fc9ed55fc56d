import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cliProgram, cliVariables } from '../../server/src/testing/cli.ts';

// Runs the command as a process: signals, exit codes, pipes, and `up`.
const program = cliProgram();

let folder: string;
let environment: NodeJS.ProcessEnv;
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-main-'));
  environment = {
    PATH: process.env['PATH'],
    HOME: folder,
    DAIS_DATA: join(folder, 'data'),
    DAIS_KEYS_FOLDER: join(folder, 'keys'),
    ...cliVariables(),
  };
});
afterAll(async () => {
  await Promise.all(started.map((child) => end(child, 'SIGKILL')));
  await rm(folder, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
}

function start(...words: string[]): Running {
  const child = spawn(process.execPath, [...program, ...words], { env: environment, cwd: folder });
  started.push(child);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end();
  return { child, out: () => out, err: () => err };
}

async function end(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const closed = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  if (signal !== undefined) child.kill(signal);
  return await closed;
}

async function run(...words: string[]) {
  const { child, out, err } = start(...words);
  return { code: await end(child), out: out(), err: err() };
}

test('help needs neither a server nor a folder', async () => {
  expect(await run('--help')).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringContaining('First steps:') as string,
  });
  expect(await run('nonsense')).toMatchObject({ code: 2, out: '' });
  expect(existsSync(join(folder, 'data'))).toBe(false);
});

/** Starts a server and waits until its data folder names it: a minute on a busy machine; one that ends fails at once. */
async function startServer(data = join(folder, 'data')): Promise<{ up: Running; url: string }> {
  const file = join(data, 'run', 'server.json');
  const up = start('up', '--port', '0', '--data', data);
  await expect
    .poll(() => existsSync(file) || up.child.exitCode !== null, { timeout: 300_000, interval: 200 })
    .toBe(true);
  expect({ code: up.child.exitCode, err: up.err() }).toMatchObject({ code: null });
  const { url } = JSON.parse(readFileSync(file, 'utf8')) as { url: string };
  return { up, url };
}

let server: { up: Running; url: string };

test('up: the server is found by its data folder, watched and piped', async () => {
  server = await startServer();
  expect(await run('get', 'projects', '-o', 'name')).toEqual({ code: 0, out: 'project/default\n', err: '' });
  expect(await run('get', 'project', 'nope')).toMatchObject({ code: 3, out: '' });

  const second = await run('up', '--port', '0');
  expect(second).toMatchObject({ code: 4, err: expect.stringMatching(/in use by process \d+/) as string });

  const watch = start('get', 'projects', '-w');
  await expect.poll(watch.out).toContain('default');
  expect(await end(watch.child, 'SIGINT')).toBe(130);
  expect(watch.err()).toBe('');

  // A reader that stops early is no error.
  const quoted = [process.execPath, ...program].map((word) => `'${word}'`).join(' ');
  const piped = spawn('bash', ['-c', `set -o pipefail; ${quoted} explain Secret --all | head -1`], {
    env: environment,
  });
  let err = '';
  piped.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  expect(await end(piped)).toBe(0);
  expect(err).toBe('');
});

test('Ctrl-C during a start stops it cleanly, and no process remains', async () => {
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  environment['TMPDIR'] = temporary;
  const up = start('up', '--ephemeral', '--port', '0');
  const own = () => readdirSync(temporary).filter((name) => name.startsWith('dais-'));
  await expect.poll(own).not.toEqual([]);
  expect(await end(up.child, 'SIGINT')).toBe(0);
  expect(own()).toEqual([]);
  delete environment['TMPDIR'];
});

test('a port in use is reported with its owner', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve);
  });
  try {
    const port = (other.address() as AddressInfo).port;
    const { code, err } = await run('up', '--ephemeral', '--port', String(port));
    expect(code).toBe(4);
    expect(err).toContain(String(port));
    expect(err).toContain(String(process.pid));
  } finally {
    other.close();
  }
});

test('the running server is backed up and stops; the restored folder is complete', async () => {
  expect(await run('explain', 'Project', '--example')).toMatchObject({ code: 0 });
  const applied = spawn(
    'bash',
    ['-c', `${[process.execPath, ...program].map((word) => `'${word}'`).join(' ')} apply -f -`],
    {
      env: environment,
    },
  );
  applied.stdin.end((await run('explain', 'Project', '--example')).out);
  expect(await end(applied)).toBe(0);
  const backup = await run('admin', 'backup', 'backup');
  expect(backup).toMatchObject({ code: 0, out: expect.stringContaining('The keys are not in it') as string });
  expect(await end(server.up.child, 'SIGTERM')).toBe(0);
  expect(await run('get', 'projects')).toMatchObject({ code: 6 });
  await expect(fetch(`${server.url}/livez`)).rejects.toThrow('fetch failed');

  const data = join(folder, 'restored');
  expect(await run('admin', 'restore', 'backup', '--data', data)).toMatchObject({ code: 0 });
  expect(await run('admin', 'restore', 'backup', '--data', data)).not.toMatchObject({ code: 0 });
  const { up, url } = await startServer(data);
  expect((await run('get', 'projects', '-o', 'name', '--url', url)).out).toBe('project/default\nproject/flights\n');
  await end(up.child, 'SIGTERM');
}, 600_000);
