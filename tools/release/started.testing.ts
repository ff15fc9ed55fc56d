/** For tests of installed commands: runs them with given variables only, and starts `dais up`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A limit against hanging: a start takes seconds, and much longer on a busy machine. */
const READY_WITHIN_MS = 300_000;

type Variables = Readonly<Record<string, string>>;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end. */
export async function runWith(variables: Variables, program: string, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(program, [...args], { env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
  const text = collect(child);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, ...text };
}

export interface StartedCommand {
  readonly url: string;
  /** Ends it in order. Resolves to its exit code. */
  stop(): Promise<number | null>;
}

/** Runs `dais up` with these words on a data folder until it is ready. */
export async function startUp(
  variables: Variables,
  dais: readonly [program: string, ...args: string[]],
  data: string,
  ...words: readonly string[]
): Promise<StartedCommand> {
  return await startServer(variables, [...dais, 'up', '--data', data, '--port', '0', ...words], data);
}

/** Runs a program that starts Dais on a data folder, until Dais is ready. */
export async function startServer(
  variables: Variables,
  [program, ...args]: readonly [program: string, ...args: string[]],
  data: string,
): Promise<StartedCommand> {
  const child = spawn(program, args, { env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
  const text = collect(child);
  let failed = false;
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => {
      failed = true;
      text.err += error.message;
      resolve();
    });
  });
  const stop = async () => {
    if (child.exitCode === null && !failed) child.kill('SIGTERM');
    await closed;
    return child.exitCode;
  };
  const state = join(data, 'run', 'server.json');
  const url = () => (JSON.parse(readFileSync(state, 'utf8')) as { url: string }).url;
  const isReady = async () =>
    existsSync(state) &&
    (await fetch(`${url()}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ));
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await isReady())) {
    if (child.exitCode === null && !failed && performance.now() < deadline) {
      await delay(200);
      continue;
    }
    const code = await stop();
    throw new Error(`Dais is not ready (exit code ${code}):\n${text.out}\n${text.err}`);
  }
  return { url: url(), stop };
}

function collect(child: ChildProcess): { out: string; err: string } {
  const text = { out: '', err: '' };
  child.stdout?.on('data', (chunk: Buffer) => (text.out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text.err += chunk.toString()));
  return text;
}
