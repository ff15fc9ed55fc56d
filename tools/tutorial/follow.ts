/** Follows a page as a reader would: makes its files, types its commands, compares what they print. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isBuilt } from '../build-stamp.mjs';
import { compileCache } from '../compile-cache.mjs';
import { environment } from '../environment.mjs';
import { readBlocks, showsOutput, type Block } from './blocks.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Reader {
  /** The path of the `dais` command, where it is not that of this repository. */
  readonly dais?: string;
  /** Folders that come first on the PATH. */
  readonly programs?: readonly string[];
  /** A folder of the repository whose files the reader has. */
  readonly files?: string;
  /** Settings of Dais on the reader's machine. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Replacements in the commands of the page. */
  readonly instead?: Readonly<Record<string, string>>;
}

/** Expected and printed output of a block with its position; both are only the position when they match. */
export interface Followed {
  readonly shown: string;
  readonly printed: string;
}

interface Desk {
  readonly page: string;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly background: ChildProcess[];
}

/** Every block of a page below docs/, in order, until one differs. What it started has ended when it resolves. */
export async function followPage(page: string, reader: Reader = {}): Promise<readonly Followed[]> {
  const folder = mkdtempSync(join(tmpdir(), 'dais-tutorial-'));
  const desk: Desk = { page, folder, env: await commandEnvironment(folder, reader), background: [] };
  const followed: Followed[] = [];
  try {
    if (reader.files !== undefined) cpSync(join(root, reader.files), folder, { recursive: true });
    let text = readFileSync(join(root, 'docs', page), 'utf8');
    for (const [there, other] of Object.entries(reader.instead ?? {})) text = text.replaceAll(there, other);
    for (const block of readBlocks(text)) {
      const one = await follow(block, desk);
      followed.push(one);
      if (one.printed !== one.shown) break;
    }
    return followed;
  } finally {
    for (const child of desk.background) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a terminal keeps between commands: its variables. */
const TERMINAL = `[ ! -f "$HOME/.terminal" ] || . "$HOME/.terminal"
trap 'export -p > "$HOME/.terminal"' EXIT
`;

async function follow(block: Block, { page, folder, env, background }: Desk): Promise<Followed> {
  const where = `docs/${page}:${block.line}`;
  const fine = { shown: where, printed: where };
  if (block.type === 'file') {
    writeFileSync(join(folder, block.name), block.text);
    return fine;
  }
  if (block.background) {
    const child = spawn('bash', ['--norc', '-c', `exec ${block.script}`], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    background.push(child);
    await untilReady(child, `${env['DAIS_URL']}/readyz`, where);
    return fine;
  }
  const ran = spawnSync('bash', ['--norc', '-euc', TERMINAL + block.script], { cwd: folder, env, encoding: 'utf8' });
  const printed = `${ran.stdout}${ran.stderr}`;
  const asShown = ran.status === block.exit && (block.output === undefined || showsOutput(block.output, printed));
  if (asShown) return fine;
  return {
    shown: `${where} exit code ${block.exit}\n${block.output ?? ''}`,
    printed: `${where} exit code ${ran.status}\n${printed}`,
  };
}

/**
 * `dais` on the PATH, from the build if that is current; no colors, a free port, and none of the variables of the test
 * process.
 */
async function commandEnvironment(
  folder: string,
  { dais, programs = [], variables = {} }: Reader,
): Promise<NodeJS.ProcessEnv> {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const cli = join(root, 'packages', 'cli');
  const own = isBuilt()
    ? `"${process.execPath}" "${join(cli, 'dist', 'main.js')}"`
    : `"${join(root, 'node_modules', '.bin', 'tsx')}" --conditions=dais-source "${join(cli, 'src', 'main.ts')}"`;
  writeFileSync(join(bin, 'dais'), `#!/bin/sh\nexec ${dais === undefined ? own : `"${dais}"`} "$@"\n`);
  chmodSync(join(bin, 'dais'), 0o755);
  const port = await freePort();
  return {
    ...variables,
    PATH: [bin, ...programs, environment.PATH ?? ''].join(':'),
    HOME: folder,
    LANG: 'C.UTF-8',
    NO_COLOR: '1',
    ...(isBuilt() && { NODE_COMPILE_CACHE: compileCache() }),
    DAIS_PORT: String(port),
    DAIS_URL: `http://127.0.0.1:${port}`,
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function untilReady(child: ChildProcess, url: string, where: string): Promise<void> {
  let reply = '';
  child.stdout?.on('data', (chunk: Buffer) => (reply += chunk.toString('utf8')));
  child.stderr?.on('data', (chunk: Buffer) => (reply += chunk.toString('utf8')));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${where}: ended with code ${child.exitCode}:\n${reply}`);
    const ready = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return;
    await delay(50);
  }
}
