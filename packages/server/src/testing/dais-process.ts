/** For end-to-end tests: Dais in separate processes, as a user starts it. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { start, type ChildProcess } from '#lib/process.ts';
import { withInherited } from '#lib/system/inherited-descriptors.testing.ts';

export interface DaisProcess {
  readonly process: ChildProcess;
  /** What it has written so far. */
  readonly output: () => string;
  /** Resolves to the URL when it is ready; rejects with its output if it exits before. */
  readonly ready: Promise<string>;
  /** Resolves to the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

export interface DaisProcessOptions {
  readonly ephemeral?: boolean;
  readonly file?: string;
  /** It creates its database like a first start. Default: it starts with a copy of such a database. */
  readonly firstStart?: boolean;
  /** Starts the program: `nsenter` and its options, for example. Must execute it, so that its process id stays the same. */
  readonly command?: readonly string[];
  /** Programs of this machine that it does not find. Needs root. */
  readonly hidden?: readonly string[];
  /** It inherits open descriptors from the program that started it. */
  readonly inherits?: boolean;
}

/**
 * Hides the programs in a separate mount namespace, then executes the command. Arguments: their number, their paths,
 * the command.
 */
const HIDE = `
n=$1
shift
while [ "$n" -gt 0 ]; do
  [ ! -e "$1" ] || mount --bind /dev/null "$1" || exit 1
  shift
  n=$((n - 1))
done
exec "$@"
`;

export interface BuiltProgram {
  readonly path: string;
  /** The database that a data folder starts with. Without one the first start makes it. */
  readonly cluster?: string;
  /** Where Node keeps compiled code between starts. */
  readonly compileCache?: string;
  /** Whether outputs are compared with their schemas, as tests do and users do not. Default true. */
  readonly checkOutputs?: boolean;
}

let program: BuiltProgram | undefined;

/**
 * Names a plain Node program that does what `up-program.ts` does, with built packages. Without one the sources start, and make
 * their database themselves.
 */
export function startProgram(built: BuiltProgram): void {
  program = built;
}

/** What starts a Dais: a program, its arguments and its environment. */
export function daisCommand(flags: Record<string, unknown>, options: DaisProcessOptions = {}) {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const sources = fileURLToPath(new URL('./up-program.ts', import.meta.url));
  const command = program === undefined ? ['--conditions=dais-source', '--import', loader, sources] : [program.path];
  const { firstStart = false, hidden = [], inherits = false, command: starter = [], ...rest } = options;
  // The setup of the tests has installed a bubblewrap there: no Dais of a test fetches one.
  const folder = process.env['DAIS_ISOLATION_FOLDER'];
  const isolation = folder === undefined ? {} : { 'isolation.folder': folder };
  const input = JSON.stringify({
    flags: { port: 0, 'log.format': 'json', ...isolation, ...flags },
    ...rest,
    ...(!firstStart && { cluster: program?.cluster }),
    checkOutputs: program?.checkOutputs ?? true,
  });
  const hide = ['unshare', '--mount', 'sh', '-c', HIDE, 'hide', String(hidden.length), ...hidden];
  const visible = [...starter, ...(hidden.length === 0 ? [] : hide), process.execPath, ...command, input] as const;
  const [first = '', ...args] = inherits ? withInherited(visible) : visible;
  const { compileCache } = program ?? {};
  const cache = compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache };
  return { program: first, args, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent', ...cache } };
}

/** The URL of a Dais that wrote this, once it is ready. */
export function readyUrl(output: string): string | undefined {
  return /"message":"ready".*?"dais\.url":"([^"]+)".*\n/.exec(output)?.[1];
}

/** Starts Dais on a data folder, at any free port unless `flags` set one. */
export function startDaisProcess(flags: Record<string, unknown>, options: DaisProcessOptions = {}): DaisProcess {
  const { program: file, args, env } = daisCommand(flags, options);
  const child = start(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let becameReady: (url: string) => void;
  let failed: (error: Error) => void;
  const ready = new Promise<string>((resolve, reject) => {
    becameReady = resolve;
    failed = reject;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      const url = readyUrl(output);
      if (url !== undefined) becameReady(url);
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => {
    failed(new Error(`Dais ended before it was ready:\n${output}`));
    return (code ?? signal) as number | string;
  });
  // Most tests use only one of the two.
  ready.catch(() => {});
  return { process: child, output: () => output, ready, ended };
}

/** The living children of a process. */
export function childrenOf(parent: number): number[] {
  return pids().filter((pid) => {
    const stat = readProc(pid, 'stat');
    const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(ppid) === parent && state !== 'Z';
  });
}

/** Whether a process still runs. */
export function isAlive(pid: number): boolean {
  const stat = readProc(pid, 'stat');
  return stat !== '' && !['Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2).charAt(0));
}

export function commandOf(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

export function treeOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...treeOf(child)]);
}

/** The control process of a supervisor, while there is one. */
export function controlOf(supervisor: number): number | undefined {
  return childrenOf(supervisor).find((pid) => /\/main\.[jt]s/.test(commandOf(pid)));
}

/** kill -9 of one process. @throws Error without one: a signal to process 0 would end all that runs the test. */
export function killProcess(pid: number | undefined): void {
  if (pid === undefined || !(pid > 0)) throw new Error(`there is no process to kill: ${String(pid)}`);
  process.kill(pid, 'SIGKILL');
}

/** kill -9 of the supervisor; all of its processes must exit on their own. */
export async function killTree(dais: DaisProcess): Promise<void> {
  const tree = treeOf(dais.process.pid!);
  dais.process.kill('SIGKILL');
  await dais.ended;
  const until = performance.now() + 120_000;
  for (let left = tree; left.length > 0; left = tree.filter(isAlive)) {
    if (performance.now() > until) throw new Error(`still there after kill -9: ${left.map(commandOf).join('; ')}`);
    await delay(50);
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
