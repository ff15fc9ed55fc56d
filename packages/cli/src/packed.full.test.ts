import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Packs the packages, and installs them into an empty folder outside of this repository.
const root = fileURLToPath(new URL('../../..', import.meta.url));
const packages = ['api', 'server', 'cli'];

const NETWORK = ['npm_config_registry', 'HTTPS_PROXY', 'NO_PROXY', 'NODE_EXTRA_CA_CERTS'];
/** A program that hangs must not outlive the tests. */
const LONGEST_MS = 500_000;

let folder: string;
let environment: NodeJS.ProcessEnv;
let up: ChildProcess | undefined;

beforeAll(async () => {
  for (const name of packages) {
    if (!existsSync(join(root, 'packages', name, 'dist')))
      throw new Error('nothing is built: run `npm run build` first');
  }
  folder = await mkdtemp(join(tmpdir(), 'dais-packed-'));
  environment = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    DAIS_DATA: join(folder, 'data'),
    DAIS_KEYS_FOLDER: join(folder, 'keys'),
  };
  for (const name of packages)
    await expectRun('npm', ['pack', '--pack-destination', folder], join(root, 'packages', name));
  const tarballs = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  if (tarballs.length !== packages.length) throw new Error(`packed were ${tarballs.join(', ')}`);
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  // Packages that are not cached are fetched from the registry, with the proxy and the authorities of this machine.
  for (const name of NETWORK) environment[name] = process.env[name];
  await expectRun('npm', ['install', ...flags, ...tarballs.map((name) => `./${name}`)]);
  for (const name of NETWORK) environment[name] = undefined;
}, 600_000);
afterAll(async () => {
  await end();
  await rm(folder, { recursive: true, force: true });
});

async function run(program: string, args: readonly string[], workingFolder = folder, stdin = '') {
  const limits = { timeout: LONGEST_MS, killSignal: 'SIGKILL' } as const;
  const child = spawn(program, [...args], { cwd: workingFolder, env: environment, ...limits });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(stdin);
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  return { code, out, err };
}

async function expectRun(program: string, args: readonly string[], workingFolder?: string, stdin?: string) {
  const result = await run(program, args, workingFolder, stdin);
  expect(result).toMatchObject({ code: 0 });
  return result.out;
}

const dais = (...words: string[]) => expectRun(join(folder, 'node_modules/.bin/dais'), words);

async function end(): Promise<number | null> {
  const child = up;
  up = undefined;
  if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
  child.kill('SIGTERM');
  return await new Promise((resolve) => {
    child.once('close', resolve);
  });
}

test('only the intended files are packed', async () => {
  for (const name of packages) {
    const installed = join(folder, 'node_modules/@dais', name);
    const files = (await readdir(installed)).toSorted();
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'dist', 'package.json']));
    const more: Readonly<Record<string, string>> = { server: 'python', cli: 'bin' };
    const meant = ['LICENSE', 'README.md', 'dist', 'package.json', more[name] ?? ''];
    expect(files.filter((file) => !meant.includes(file))).toEqual([]);
  }
});

test('help, explain and the version', async () => {
  expect(await dais('--help')).toContain('First steps:');
  expect(await dais('explain', 'Secret')).toContain('spec.data');
  const { version } = JSON.parse(await readFile(join(root, 'packages/cli/package.json'), 'utf8')) as {
    version: string;
  };
  expect(await dais('--version')).toBe(`${version}\n`);
});

test('up, apply, get, doctor, down', async () => {
  const child = spawn(join(folder, 'node_modules/.bin/dais'), ['up', '--port', '0'], { cwd: folder, env: environment });
  up = child;
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ready = () => existsSync(join(folder, 'data/run/server.json')) || child.exitCode !== null;
  await expect.poll(ready, { timeout: 60_000 }).toBe(true);
  expect({ exitCode: child.exitCode, log }).toMatchObject({ exitCode: null });
  const example = await dais('explain', 'Project', '--example');
  await expectRun(join(folder, 'node_modules/.bin/dais'), ['apply', '-f', '-'], folder, example);
  expect(await dais('get', 'projects', '-o', 'name')).toBe('project/default\nproject/flights\n');
  expect(await dais('doctor')).toContain('PostgreSQL');
  expect(await end()).toBe(0);
});

test('the command package alone names the missing package', async () => {
  await expectRun('npm', ['uninstall', '--no-audit', '--no-fund', '--loglevel=error', '@dais/server']);
  const { code, err } = await run(join(folder, 'node_modules/.bin/dais'), ['up']);
  expect(code).toBe(3);
  expect(err).toContain('npm install @dais/server');
  expect(await dais('explain')).toContain('Secret');
});

test('programs get the types of the client', async () => {
  const program = `import { createClient, type ResourceOf } from '@dais/api';
const client = createClient({ url: 'http://127.0.0.1:7070' });
export async function keys(): Promise<readonly string[]> {
  const secret: ResourceOf<'Secret'> = await client.get('Secret', 'x');
  // @ts-expect-error a field that there is not
  secret.status.nope;
  return secret.status.keys ?? [];
}
`;
  await writeFile(join(folder, 'program.ts'), program);
  const options = { module: 'nodenext', strict: true, noEmit: true, skipLibCheck: false, types: ['node'] };
  const typeRoots = [join(root, 'node_modules/@types')];
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...options, typeRoots }, files: ['program.ts'] }),
  );
  expect(await expectRun(join(root, 'node_modules/.bin/tsc'), ['-p', folder])).toBe('');
});
