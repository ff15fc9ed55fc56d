/**
 * For end-to-end tests with an ordinary Dais: one per test worker, started by the first file that needs it, and a new
 * project for each file. It outlives the worker, which has half a second to end: `tools/shared-dais.ts` stops it.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
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
  /** The output of the Dais for this file and earlier ones. */
  readonly output: () => string;
}

/** A limit against hanging, on a busy machine. */
const START_MS = 600_000;

let path: string | undefined;
let started: Promise<string> | undefined;
let files = 0;

/** The folder of this worker's Dais, which starts on demand. */
export function shareDais(folder: string): void {
  if (path === folder) return;
  path = folder;
  started = undefined;
}

/** Starts this worker's Dais where none runs, and makes a project for a file; files that name theirs name different ones. */
export async function sharedDais(name?: string): Promise<SharedDais> {
  if (path === undefined) throw new Error('the setup of the tests names no folder for a shared Dais');
  const folder = path;
  started ??= startIn(folder);
  const root = await started;
  files += 1;
  const project = name ?? `file-${files}`;
  const made = await fetch(`${root}/api/v1/projects`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name: project }, spec: {} }),
  });
  if (!made.ok) throw new Error(await made.text());
  return {
    root,
    project,
    url: `${root}/p/${project}`,
    data: join(folder, 'data'),
    output: () => readFileSync(logOf(folder), 'utf8'),
  };
}

const logOf = (folder: string) => join(folder, 'log');

async function startIn(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const { program, args, env } = daisCommand({ data: join(folder, 'data'), 'keys.folder': join(folder, 'keys') });
  // Not a pipe: it keeps writing after the worker has ended.
  const log = openSync(logOf(folder), 'w');
  const child = start(program, args, { env, stdio: ['ignore', log, log] });
  closeSync(log);
  const pid = child.pid ?? 0;
  writeFileSync(join(folder, 'pid'), String(pid));
  child.unref();
  for (const until = performance.now() + START_MS; performance.now() < until; await delay(50)) {
    const output = readFileSync(logOf(folder), 'utf8');
    const url = readyUrl(output);
    if (url !== undefined) return url.replace(/\/$/, '');
    if (!isAlive(pid)) throw new Error(`Dais ended before it was ready:\n${output}`);
  }
  throw new Error(`Dais is not ready after ${START_MS / 1000} s`);
}
