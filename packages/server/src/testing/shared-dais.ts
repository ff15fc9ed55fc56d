/**
 * For end-to-end tests with an ordinary Dais: one for all test workers of a project, started by the first file that needs it,
 * and a new project for each file. It outlives the worker, which has half a second to end: `tools/shared-dais.ts` stops it.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { start } from '#lib/process.ts';
import { daisCommand, isAlive, readyUrl } from './dais-process.ts';

export interface SharedDais {
  /** Of everything: `/metrics`, the organization. */
  readonly root: string;
  /** Of the project of this file. */
  readonly url: string;
  readonly project: string;
  readonly data: string;
  /** Of the owner. Without accounts no request needs it. */
  readonly token: string;
  /** The output of the Dais for all files so far. */
  readonly output: () => string;
}

/** What the files of one shared Dais have in common. */
export interface SharedKind {
  /** Of its folder: short, because sockets are below it. */
  readonly name: string;
  /** Differences from the default configuration. */
  readonly flags: () => Promise<Readonly<Record<string, unknown>>>;
  /** What all files find; called once, with the URL of everything and the token of the owner. */
  readonly prepare?: (url: string, token: string) => Promise<void>;
}

const ORDINARY: SharedKind = { name: 'solo', flags: async () => ({}) };

/** With accounts. The names of users, service accounts and organization policies are those of all files: choose unique ones. */
export const WITH_ACCOUNTS: SharedKind = {
  name: 'accounts',
  flags: async () => ({ 'authentication.mode': 'accounts' }),
};

/** A limit against hanging, on a busy machine. */
const START_MS = 600_000;

let base: string | undefined;
const started = new Map<string, Promise<string>>();
let files = 0;

/** `folder`: of all workers of this run, empty at its start. */
export function shareDais(folder: string): void {
  if (base === folder) return;
  base = folder;
  started.clear();
}

/** Starts the Dais where none runs, and makes a project for a file; files that name theirs name different ones. */
export async function sharedDais(name?: string, kind = ORDINARY): Promise<SharedDais> {
  if (base === undefined) throw new Error('the setup of the tests names no folder for a shared Dais');
  const folder = join(base, kind.name);
  let running = started.get(kind.name);
  if (running === undefined) {
    running = startOnce(folder, kind);
    started.set(kind.name, running);
  }
  const root = await running;
  files += 1;
  const project = name ?? `file-${process.pid}-${files}`;
  const data = join(folder, 'data');
  const token = tokenOf(data);
  const made = await fetch(`${root}/api/v1/projects`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name: project }, spec: {} }),
  });
  if (!made.ok) throw new Error(await made.text());
  return {
    root,
    project,
    url: `${root}/p/${project}`,
    data,
    token,
    output: () => readFileSync(logOf(folder), 'utf8'),
  };
}

const logOf = (folder: string) => join(folder, 'log');
const pidOf = (folder: string) => join(folder, 'pid');
const preparedOf = (folder: string) => join(folder, 'prepared');
const tokenOf = (data: string) => readFileSync(join(data, 'owner-token'), 'utf8').trim();

/** The worker that creates the folder starts and prepares it; the others wait for that. */
async function startOnce(folder: string, kind: SharedKind): Promise<string> {
  if (mkdirSync(folder, { recursive: true }) === undefined) {
    await untilExists(preparedOf(folder));
    return readFileSync(preparedOf(folder), 'utf8');
  }
  startIn(folder, await kind.flags());
  const url = await untilReady(folder);
  await kind.prepare?.(url, tokenOf(join(folder, 'data')));
  // Others read it once it is complete.
  writeFileSync(`${preparedOf(folder)}.new`, url);
  renameSync(`${preparedOf(folder)}.new`, preparedOf(folder));
  return url;
}

async function untilExists(file: string): Promise<void> {
  for (const until = performance.now() + START_MS; !existsSync(file); await delay(50)) {
    if (performance.now() > until) throw new Error(`another worker has prepared no Dais within ${START_MS / 1000} s`);
  }
}

async function untilReady(folder: string): Promise<string> {
  for (const until = performance.now() + START_MS; performance.now() < until; await delay(50)) {
    const output = readFileSync(logOf(folder), 'utf8');
    const url = readyUrl(output);
    if (url !== undefined) return url.replace(/\/$/, '');
    if (!isAlive(Number(readFileSync(pidOf(folder), 'utf8')))) {
      throw new Error(`Dais ended before it was ready:\n${output}`);
    }
  }
  throw new Error(`Dais is not ready after ${START_MS / 1000} s`);
}

function startIn(folder: string, flags: Readonly<Record<string, unknown>>): void {
  const own = { data: join(folder, 'data'), 'keys.folder': join(folder, 'keys'), ...flags };
  const { program, args, env } = daisCommand(own);
  // Not a pipe: it keeps writing after the worker has ended.
  const log = openSync(logOf(folder), 'w');
  const child = start(program, args, { env, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  writeFileSync(pidOf(folder), String(child.pid ?? 0));
}
