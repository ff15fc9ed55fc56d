/** The only file that starts processes: every child has a closed stdin or known input, a bounded output and an end. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { createRequire } from 'node:module';
import { StringDecoder } from 'node:string_decoder';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';

export type { ChildProcess } from 'node:child_process';
export type { Worker as Thread } from 'node:worker_threads';

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the child; nothing is inherited unless named here. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly uid?: number;
  readonly gid?: number;
  readonly input?: Buffer | string;
  /** SIGKILL after this long; default 60 s. */
  readonly timeoutMs?: number;
  /** Output beyond this is dropped; default 1 MiB. */
  readonly maxOutputBytes?: number;
  /** TERM when it aborts, KILL 2 s later; the result is that of a program that a signal ended. */
  readonly signal?: AbortSignal;
  /** In a separate process group: the time limit, `signal` and the end of the program end all of its processes. */
  readonly group?: boolean;
  /** The process runs; with `group`, that is the number of its group too. */
  readonly onStart?: (pid: number) => void;
  /** Called with each complete line of standard error. */
  readonly onErrorLine?: (line: string) => void;
}

export interface RunResult {
  /** Exit code; 127 when the program could not be started, 128 + n after signal n. */
  readonly code: number;
  readonly timedOut: boolean;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Time between TERM and KILL. */
const ABORT_GRACE_MS = 2_000;

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

/**
 * Runs a program to its end. Never rejects: a program that cannot start returns code 127 and the reason in `stderr`.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const limit = options.maxOutputBytes ?? 1 << 20;
  return await new Promise((resolve) => {
    const { group = false, signal: abortSignal } = options;
    const child = start(file, args, { ...options, detached: group, stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout = collect(child.stdout, limit);
    const stderr = collect(child.stderr, limit);
    if (child.pid !== undefined) options.onStart?.(child.pid);
    if (options.onErrorLine !== undefined) eachLine(child.stderr, options.onErrorLine);
    let timedOut = false;
    let grace: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      timedOut = true;
      kill(child, 'SIGKILL', group);
    }, options.timeoutMs ?? 60_000);
    const abort = () => {
      kill(child, 'SIGTERM', group);
      grace = setTimeout(() => kill(child, 'SIGKILL', group), ABORT_GRACE_MS);
    };
    abortSignal?.addEventListener('abort', abort, { once: true });
    if (abortSignal?.aborted === true) abort();
    const ended = () => {
      clearTimeout(timer);
      clearTimeout(grace);
      abortSignal?.removeEventListener('abort', abort);
    };
    child.once('error', (error) => {
      ended();
      resolve({ code: 127, timedOut, stdout: stdout(), stderr: error.message });
    });
    // Without its leader, a group would keep the output open, and its processes could wait for each other forever.
    if (group) child.once('exit', () => kill(child, 'SIGKILL', true));
    child.once('close', (code, signal) => {
      ended();
      const exit = code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0);
      resolve({ code: exit, timedOut, stdout: stdout(), stderr: stderr().toString('utf8') });
    });
    // The child can exit before it has read its input: EPIPE here is expected.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
  });
}

export interface StartOptions extends Omit<RunOptions, 'input' | 'timeoutMs' | 'maxOutputBytes'> {
  readonly stdio: SpawnOptions['stdio'];
  readonly detached?: boolean;
}

/** Starts a long-lived program. The caller owns its end. */
export function start(file: string, args: readonly string[], options: StartOptions): ChildProcess {
  return spawn(file, [...args], {
    cwd: options.cwd ?? '/',
    env: { ...options.env },
    stdio: options.stdio,
    detached: options.detached ?? false,
    ...(options.uid !== undefined && { uid: options.uid }),
    ...(options.gid !== undefined && { gid: options.gid }),
  });
}

let findBuilt: (source: URL) => URL | undefined = () => undefined;

/** Lets tests, which run from the sources, start built programs, which need no loader. `find` gets the URL of a source. */
export function useBuiltPrograms(find: (source: URL) => URL | undefined): void {
  findBuilt = find;
}

/**
 * Returns the URL of a program of this package, by its path relative to the module with the URL `from`: the built file
 * if it exists, else its source.
 */
export function programUrl(from: string, location: string): URL {
  if (!from.endsWith('.ts')) return new URL(`${location}.js`, from);
  const source = new URL(`${location}.ts`, from);
  return findBuilt(source) ?? source;
}

/**
 * MiB of each half of the young generation, the default of Node 20. Node 24 allows 64 on machines with much memory, and
 * an idle server keeps what it used once.
 */
const SEMI_SPACE_MIB = 16;

/** Returns the arguments of Node for a program of this package, built or from its source. */
export function ownProgram(program: URL): string[] {
  const loader = fromSource(program) ? ['--conditions=dais-source', '--import', loaderOfSource()] : [];
  return [`--max-semi-space-size=${SEMI_SPACE_MIB}`, ...loader, fileURLToPath(program)];
}

/**
 * Starts a thread with a program of this package, without the environment variables. The caller ends it. `heapMib`: its
 * heap limit.
 */
export function startThread(program: URL, data: unknown, { heapMib }: { readonly heapMib?: number } = {}): Worker {
  const maxYoungGenerationSizeMb = 3 * SEMI_SPACE_MIB;
  const limits = {
    resourceLimits: {
      maxYoungGenerationSizeMb,
      ...(heapMib !== undefined && { maxOldGenerationSizeMb: heapMib }),
    },
  };
  const execArgv = fromSource(program) ? ['--conditions=dais-source', '--import', loaderOfSource()] : [];
  return new Worker(program, { workerData: data, env: {}, stdin: false, execArgv, ...limits });
}

/** For the program of a thread: what it was given and where it answers. */
export function insideThread(): { readonly port: NonNullable<typeof parentPort>; readonly data: unknown } {
  if (parentPort === null) throw new Error('This program must run in a worker thread.');
  return { port: parentPort, data: workerData as unknown };
}

function fromSource(program: URL): boolean {
  return program.pathname.endsWith('.ts');
}

function loaderOfSource(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
}

function collect(stream: NodeJS.ReadableStream | null, limit: number): () => Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (size < limit) chunks.push(size + chunk.length > limit ? chunk.subarray(0, limit - size) : chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks);
}

function kill(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL', group: boolean): void {
  if (!group) {
    child.kill(signal);
    return;
  }
  if (child.pid === undefined) return;
  try {
    // The program has not been waited for, or a process of the group still holds the output: its number is not reused.
    process.kill(-child.pid, signal);
  } catch {
    // All of the group ended in this moment.
  }
}

/** A line longer than this is given in pieces. */
const LONGEST_LINE = 65_536;

function eachLine(stream: NodeJS.ReadableStream | null, give: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream?.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) give(line.replace(/\r$/, ''));
    if (rest.length > LONGEST_LINE) {
      give(rest);
      rest = '';
    }
  });
  stream?.on('end', () => {
    if (rest !== '') give(rest);
  });
}
