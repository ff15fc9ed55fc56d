/**
 * Dais installs and starts with nothing but an npm mirror and a folder of wheels: in a network namespace that has only
 * a loopback interface, from a fresh clone, with an empty home and empty caches. Needs Linux with `unshare` and
 * `nsenter`; without root it needs user namespaces. What the mirror serves is fetched before, by npm and `uvWheel`. Where the
 * machine's own Node is older than 24, the pinned one comes from the mirror too.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, runCommand } from './command.mjs';
import { cacheFolder, programFolder } from './environment.mjs';
import { fillNpmCache } from './npm-mirror.mjs';
import { findPython } from './python.mjs';
import { UV_VERSION, uvWheel } from './uv.mjs';
import { BUBBLEWRAP_VERSION, bubblewrapWheel } from './bubblewrap.mjs';

const asRoot = process.getuid?.() === 0;
/** The namespace is all its own, so every port in it is free. */
const PORT = 7070;
const url = `http://127.0.0.1:${PORT}`;

let folder: string;
let clone: string;
let mirror: ChildProcess;
let namespace: string;
let variables: readonly string[];
const printed: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'air-'));
  clone = join(folder, 'dais');
  const kept = join(cacheFolder(), 'air-gap');
  const wheels = join(kept, 'wheels');
  const npmCache = join(kept, 'npm');
  const git = ['clone', '--quiet', root, clone];
  await output('git', git, folder);
  await fillNpmCache(npmCache, clone);
  await fillNpmCache(npmCache, join(clone, 'tools', 'node-24'));
  rmSync(clone, { recursive: true });
  await output('git', git, folder);
  await uvWheel(wheels);
  await bubblewrapWheel(wheels);

  const closed = asRoot ? ['--net'] : ['--user', '--map-current-user', '--keep-caps', '--net'];
  const program = [process.execPath, join(root, 'tools', 'air-gap-mirror.mjs')];
  const locks = [join(clone, 'package-lock.json'), join(clone, 'tools', 'node-24', 'package-lock.json')];
  mirror = spawn('unshare', [...closed, ...program, npmCache, ...locks], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  mirror.stderr?.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  const registry = await new Promise<string>((resolve, reject) => {
    mirror.stdout?.once('data', (chunk: Buffer) => resolve(`http://127.0.0.1:${chunk.toString().trim()}/`));
    mirror.once('error', reject);
    mirror.once('close', (code) => reject(new Error(`the mirror ended with ${code}: ${printed.join('')}`)));
  });
  namespace = readlinkSync(`/proc/${mirror.pid}/ns/net`);
  for (const name of ['home', 'npm', 'cache', 'tmp']) mkdirSync(join(folder, name));
  variables = Object.entries({
    PATH: `${nodeFolder()}/usr/local/bin:/usr/bin:/bin`,
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
    NO_COLOR: '1',
    DAIS_CACHE: join(folder, 'cache'),
    DAIS_KEYS_FOLDER: join(folder, 'keys'),
    DAIS_PYTHON: (await findPython()).path,
    npm_config_cache: join(folder, 'npm'),
    npm_config_registry: registry,
    // It requests the newest npm, which no lock names.
    npm_config_update_notifier: 'false',
    // npm and Vite keep compiled code in the temporary folder, which must be empty at the end.
    NODE_DISABLE_COMPILE_CACHE: '1',
    UV_FIND_LINKS: wheels,
  }).map(([name, value]) => `${name}=${value}`);
}, 1_200_000);

afterAll(async () => {
  mirror?.kill();
  for (const pid of namespace === undefined ? [] : processesInside()) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});

/** Returns the folder of this Node for the PATH, or nothing where it is the pinned one: then the machine's own is used. */
function nodeFolder(): string {
  const folder = dirname(process.execPath);
  return folder.startsWith(programFolder()) ? '' : `${folder}:`;
}

/** What a program printed that must end with 0. */
async function output(program: string, args: readonly string[], cwd: string): Promise<string> {
  const result = await runCommand(program, args, { quiet: true, cwd });
  if (result.code === 0) return result.output;
  throw new Error(`${program} ${args.join(' ')} ended with ${result.code}:\n${result.output}\n${printed.join('')}`);
}

/** The command line that runs a program in the namespace, with only the given variables. */
function enter(program: string, args: readonly string[]): string[] {
  const there = asRoot ? [] : ['--user', '--preserve-credentials'];
  return [...there, '--net', '--target', String(mirror.pid), 'env', '-i', ...variables, program, ...args];
}

/** What a program printed in the namespace, where it must end with 0. */
async function inside(program: string, ...args: string[]): Promise<string> {
  return await output('nsenter', enter(program, args), clone);
}

/** What a module printed in the namespace. */
async function script(source: string): Promise<string> {
  return (await inside('node', '--input-type=module', '--eval', source)).trim();
}

function processesInside(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/ns/net`) === namespace;
      } catch {
        // Ended meanwhile, or of another user.
        return false;
      }
    })
    .map(Number);
}

async function connecting(host: string, port: number): Promise<string> {
  return await script(`
    import { connect } from 'node:net';
    const socket = connect({ host: '${host}', port: ${port} });
    socket.on('connect', () => { console.log('connected'); socket.destroy(); });
    socket.on('error', (error) => console.log(error.code));`);
}

test('nothing outside can be reached', async () => {
  expect(await script(`import os from 'node:os'; console.log(Object.keys(os.networkInterfaces()).join())`)).toBe('lo');
  // Addresses for documentation (RFC 5737, RFC 3849).
  expect(await connecting('192.0.2.1', 443)).toBe('ENETUNREACH');
  expect(await connecting('2001:db8::1', 443)).toMatch(/^(ENETUNREACH|EADDRNOTAVAIL|EAFNOSUPPORT)$/);
  const outside = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    outside.listen(0, '127.0.0.1', resolve);
  });
  expect(await connecting('127.0.0.1', (outside.address() as AddressInfo).port)).toBe('ECONNREFUSED');
  await new Promise((resolve) => {
    outside.close(resolve);
  });
});

test('npm ci installs from the mirror', async () => {
  expect(await inside('npm', 'ci')).toMatch(/added \d+ packages/);
});

test('it builds', async () => {
  expect(await inside('node', 'tools/run.mjs', 'build')).toContain('build: ok');
});

test('uv comes from the folder of wheels', async () => {
  const path = await script(`import { uv } from './tools/uv.mjs'; console.log(await uv());`);
  expect(path).toBe(join(folder, 'cache', 'uv', UV_VERSION, 'uv'));
  expect(await inside(path, '--version')).toContain(`uv ${UV_VERSION}`);
});

test('dais up becomes ready, takes the example, answers and stops', async () => {
  const args = ['packages/cli/bin/dais.js', 'up', '--ephemeral', '--port', String(PORT)];
  const server = spawn('nsenter', enter('node', args), { cwd: clone, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  server.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  server.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise((resolve) => {
    server.once('close', resolve);
  });
  const ready = `console.log((await fetch('${url}/readyz').catch(() => ({}))).status)`;
  try {
    await expect
      .poll(async () => (server.exitCode === null ? await script(ready) : 'ended'), { timeout: 180_000, interval: 200 })
      .toMatch(/^(200|ended)$/);
    expect(server.exitCode).toBeNull();
    const dais = async (...words: string[]) =>
      await inside('node', 'packages/cli/bin/dais.js', ...words, '--url', url, '--no-color');
    expect(await dais('apply', '-f', 'examples/hello')).toContain('Project hello created');
    expect(await dais('get', 'projects')).toMatch(/^hello\b/m);
  } catch (error) {
    throw new Error(`${String(error)}\nthe log of the server:\n${log}`, { cause: error });
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
  expect({ code: server.exitCode, log }).toMatchObject({ code: 0 });
});

test('bubblewrap comes from the folder of wheels', async () => {
  const path = await script(`import { bubblewrap } from './tools/bubblewrap.mjs'; console.log(await bubblewrap());`);
  expect(path).toContain(join(folder, 'cache', 'isolation', 'bubblewrap', BUBBLEWRAP_VERSION));
  expect(await inside(path, '--version')).toContain(BUBBLEWRAP_VERSION);
});

test('npm run quickstart works there and finds nothing to download', async () => {
  const data = join(folder, 'data');
  const screen = await inside('npm', 'run', 'quickstart', '--', '--serve', '--data', data, '--exit');
  expect(screen).toContain('Nothing to download.');
  expect(screen).toContain('Dais runs at http://127.0.0.1:');
  expect(screen).toContain('Dais has stopped.');
});

test('the mirror missed nothing, and no process is left', async () => {
  expect(printed.join('')).toBe('');
  mirror.stdin?.end();
  await expect.poll(processesInside, { timeout: 30_000 }).toEqual([]);
  await expect.poll(() => mirror.exitCode, { timeout: 30_000 }).toBe(0);
  expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  expect(await output('git', ['status', '--porcelain'], clone)).toBe('');
});
