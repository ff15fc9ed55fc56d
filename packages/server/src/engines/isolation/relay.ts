/**
 * Lets an isolated task reach what the engine was told of, and nothing else: listening sockets that belong to the task's own
 * network namespace, but whose connections come to this process. A short-lived helper enters the namespace, opens
 * the socket and hands it over, so that nothing runs beside the task. It is gone with this process: whoever takes the task
 * over opens it again, and a connection that comes in the helper's short life is closed.
 */
import type { Server, Socket } from 'node:net';
import { ownRights } from './user.ts';
import { start } from '#lib/process.ts';
import { relayProgram } from './relay-program.ts';

/** `accept` gets connections that a task makes to 127.0.0.1 at `port`. Whose uid is at the other end, no table tells. */
export interface Reachable {
  readonly port: number;
  accept(socket: Socket, attempt: string): void;
}

export interface RelayParts {
  readonly path: string;
  readonly perl: string | undefined;
  readonly attempt: string;
  readonly reach: readonly Reachable[];
}

/** Of one task; what comes beyond it is closed. */
const MAX_CONNECTIONS = 128;
const PATIENCE_MS = 20_000;

const HELPER = `
const { createServer } = require('node:net');
const ports = process.argv.slice(1).map(Number);
let left = ports.length;
for (const port of ports) {
  const server = createServer((socket) => socket.destroy());
  server.on('error', (error) => {
    process.send({ fault: error.message }, () => process.exit(1));
  });
  server.listen(port, '127.0.0.1', () => {
    process.send({ port }, server, () => { if (--left === 0) process.exit(0); });
  });
}
`;

function helperCommand(pid: number, { perl, reach }: RelayParts): readonly [string, ...string[]] {
  const ports = reach.map(({ port }) => String(port));
  // Root of a container makes user namespaces as others do.
  const isUserNamespace = !ownRights().isFullRoot;
  const program = relayProgram(process.arch);
  if (perl !== undefined && program !== undefined) {
    return [perl, '-e', program, String(pid), isUserNamespace ? 'user' : 'keep', ...ports];
  }
  const user = isUserNamespace ? [`--user=/proc/${pid}/ns/user`, '--preserve-credentials'] : [];
  return ['nsenter', ...user, `--net=/proc/${pid}/ns/net`, '--', process.execPath, '-e', HELPER, ...ports];
}

export class Relay {
  readonly #parts: RelayParts;
  readonly #servers = new Map<number, Server>();
  readonly #sockets = new Set<Socket>();

  private constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** At once when it comes: whoever connects meanwhile would not be heard. */
  #take(port: number, server: Server): void {
    const { attempt, reach } = this.#parts;
    this.#servers.set(port, server);
    server.unref();
    server.on('connection', (socket: Socket) => {
      if (this.#sockets.size >= MAX_CONNECTIONS) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      reach.find((reachable) => reachable.port === port)?.accept(socket, attempt);
    });
  }

  /** `pid`: of a process in the namespace. Rejects with what the helper said. */
  static async open(pid: number, parts: RelayParts): Promise<Relay> {
    const [program, ...words] = helperCommand(pid, parts);
    const helper = start(program, words, { env: { PATH: parts.path }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let said = '';
    helper.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString('utf8')}`.slice(-2000)));
    const relay = new Relay(parts);
    const timer = setTimeout(() => helper.kill('SIGKILL'), PATIENCE_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        helper.on('message', (message: { readonly port?: number; readonly fault?: string }, handle: unknown) => {
          if (message.port === undefined) said = message.fault ?? '';
          else relay.#take(message.port, handle as Server);
        });
        helper.once('error', reject);
        helper.once('close', () => {
          if (relay.#servers.size === parts.reach.length) resolve();
          else reject(new Error(`could not enter the network namespace of the task: ${said.trim()}`));
        });
      });
    } catch (error) {
      relay.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return relay;
  }

  close(): void {
    for (const server of this.#servers.values()) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
