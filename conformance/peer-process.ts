/** Servers of other systems, started for tests of their clients. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

export interface PeerProcess {
  readonly pid: number;
  /** What `ready` found in the output. */
  readonly found: RegExpExecArray;
  /** SIGKILL, then waits for the end. Idempotent. */
  readonly stop: () => Promise<void>;
}

export interface PeerProcessOptions {
  /** Found in its standard output or error when it responds. */
  readonly ready: RegExp;
  readonly env?: Readonly<Record<string, string>>;
}

/** The end of the output that `ready` is searched in, and that an error shows, in characters. */
const MOST_OUTPUT = 20_000;

/**
 * Starts a server and waits until it is ready. It ends with this process, except after SIGKILL: then only a
 * server ends that reads its standard input. @throws Error with its output if it ends before it is ready
 */
export async function startPeerProcess(
  name: string,
  [program, ...args]: readonly [string, ...string[]],
  { ready, env = {} }: PeerProcessOptions,
): Promise<PeerProcess> {
  const child = spawn(program, args, { cwd: '/', env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    kill();
    await ended;
  };
  const found = await new Promise<RegExpExecArray>((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-MOST_OUTPUT);
      const match = ready.exec(output);
      if (match !== null) resolve(match);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`${name} ended with code ${code}:\n${output}`)));
  });
  return { pid: child.pid!, found, stop };
}

/** A port that was free a moment ago, for a server that cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
