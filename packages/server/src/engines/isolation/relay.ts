/**
 * Gives an isolated task access to the configured ports only: listening sockets in the network namespace of the task whose
 * connections this process accepts. A short-lived process enters the namespace, opens the socket and passes it on, so that none
 * runs with the task. The relay ends with this process: a process that adopts the task opens it again, and connections
 * during the life of that process are closed.
 */
import type { Server, Socket } from 'node:net';
import { start } from '#lib/process.ts';
import { relayProgram, type RelayHelper } from './relay-helper.ts';
import { ownPrivileges } from './user.ts';

/** `accept` receives connections of a task to 127.0.0.1 at `port`. The uid of the peer is unknown. */
export interface Reachable {
  readonly port: number;
  accept(socket: Socket, attempt: string): void;
}

export interface RelayDependencies {
  readonly path: string;
  readonly perl: string | undefined;
  readonly attempt: string;
  readonly reach: readonly Reachable[];
  /** Opens the sockets instead of a process of its own. */
  readonly helper?: RelayHelper | undefined;
}

/** Maximum connections of one task; more are closed. */
const MAX_CONNECTIONS = 128;
const PATIENCE_MS = 20_000;

const HELPER = `
const { createServer } = require('node:net');
const ports = process.argv.slice(1).map(Number);
let left = ports.length;
for (const port of ports) {
  const server = createServer((socket) => socket.destroy());
  server.on('error', (error) => {
    process.send({ error: error.message }, () => process.exit(1));
  });
  server.listen(port, '127.0.0.1', () => {
    process.send({ port }, server, () => { if (--left === 0) process.exit(0); });
  });
}
`;

function helperCommand(pid: number, { perl, reach }: RelayDependencies): readonly [string, ...string[]] {
  const ports = reach.map(({ port }) => String(port));
  // Root in a container creates user namespaces like other users.
  const isUserNamespace = !ownPrivileges().isFullRoot;
  const program = relayProgram(process.arch);
  if (perl !== undefined && program !== undefined) {
    return [perl, '-e', program, String(pid), isUserNamespace ? 'user' : 'keep', ...ports];
  }
  const user = isUserNamespace ? [`--user=/proc/${pid}/ns/user`, '--preserve-credentials'] : [];
  return ['nsenter', ...user, `--net=/proc/${pid}/ns/net`, '--', process.execPath, '-e', HELPER, ...ports];
}

export class Relay {
  readonly #dependencies: RelayDependencies;
  readonly #servers = new Map<number, Server>();
  readonly #sockets = new Set<Socket>();

  private constructor(dependencies: RelayDependencies) {
    this.#dependencies = dependencies;
  }

  /** Immediately when it arrives, because connections in between would not be accepted. */
  #take(port: number, server: Server): void {
    const { attempt, reach } = this.#dependencies;
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

  /** `pid`: of a process in the namespace. Rejects with the error of the helper. */
  static async open(pid: number, dependencies: RelayDependencies): Promise<Relay> {
    const { helper, reach } = dependencies;
    if (helper === undefined) return await Relay.#openAlone(pid, dependencies);
    const relay = new Relay(dependencies);
    const ports = reach.map(({ port }) => port);
    try {
      await helper.open(pid, ports, (port, server) => relay.#take(port, server));
    } catch (error) {
      relay.close();
      throw error;
    }
    return relay;
  }

  static async #openAlone(pid: number, dependencies: RelayDependencies): Promise<Relay> {
    const [program, ...words] = helperCommand(pid, dependencies);
    const helper = start(program, words, {
      env: { PATH: dependencies.path },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let errorText = '';
    helper.stderr?.on('data', (chunk: Buffer) => (errorText = `${errorText}${chunk.toString('utf8')}`.slice(-2000)));
    const relay = new Relay(dependencies);
    const timer = setTimeout(() => helper.kill('SIGKILL'), PATIENCE_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        helper.on('message', (message: { readonly port?: number; readonly error?: string }, handle: unknown) => {
          if (message.port === undefined) errorText = message.error ?? '';
          else relay.#take(message.port, handle as Server);
        });
        helper.once('error', reject);
        helper.once('close', () => {
          if (relay.#servers.size === dependencies.reach.length) resolve();
          else reject(new Error(`could not enter the network namespace of the task: ${errorText.trim()}`));
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
