/**
 * Gives an isolated task access to the configured ports only: listening sockets in the network namespace of the task whose
 * connections this process accepts. A short-lived helper enters the namespace, opens the socket and passes it on, so that no
 * helper runs with the task. The relay ends with this process: a process that adopts the task opens it again, and connections
 * during the life of the helper are closed.
 */
import type { Server, Socket } from 'node:net';
import { start } from '#lib/process.ts';
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

interface SystemCalls {
  readonly setns: number;
  readonly sendmsg: number;
}

const CALLS: Readonly<Record<string, SystemCalls>> = {
  x64: { setns: 308, sendmsg: 46 },
  arm64: { setns: 268, sendmsg: 211 },
};

/**
 * Returns the helper in Perl: it enters the namespaces of a task, opens a listening socket for each port there, and passes it to
 * its parent over the IPC channel of Node, like a child of Node. A step with access to Dais costs 15 ms of CPU more than one
 * without network; with Node as the helper, 34 ms (`benchmarks/egress.ts`). Its arguments: the id of a process in the namespaces,
 * `user` or `keep` for its user namespace, and the ports.
 */
function relayProgram(machine: string): string | undefined {
  const calls = CALLS[machine];
  return calls && PROGRAM.replace('SETNS', String(calls.setns)).replace('SENDMSG', String(calls.sendmsg));
}

/**
 * Constants of Linux on both architectures: AF_INET 2, SOCK_STREAM 1, SOL_SOCKET 1, SO_REUSEADDR 2, SCM_RIGHTS 1, F_SETFL 4,
 * O_NONBLOCK 2048: loading the modules with these constants would cost more per step. The message is what Node writes for
 * `process.send(message, server)`; the parent acknowledges each message before the next one.
 */
const PROGRAM = String.raw`
use strict;
my ($pid, $user, @ports) = @ARGV;
sub fail { print STDERR "$_[0]: $!\n"; exit 1 }
for my $namespace ($user eq 'user' ? ('user', 'net') : 'net') {
  open my $file, '<', "/proc/$pid/ns/$namespace" or fail("the $namespace namespace of $pid");
  syscall(SETNS, fileno $file, 0) == 0 or fail("setns $namespace");
}
open my $channel, '+<&=', $ENV{NODE_CHANNEL_FD} or fail('the channel');
for my $port (@ports) {
  socket my $server, 2, 1, 0 or fail('socket');
  setsockopt $server, 1, 2, pack 'i', 1;
  my $address = pack 'S n a4 x8', 2, $port, "\x7f\0\0\1";
  # The loopback device of a new namespace has its address a moment later: EADDRNOTAVAIL (99), here for 2 s at most.
  for (my $tries = 0; !bind $server, $address; $tries++) {
    fail("127.0.0.1:$port") if $! != 99 || $tries == 1000;
    select undef, undef, undef, 0.002;
  }
  listen $server, 511 or fail('listen');
  fcntl $server, 4, 2048 or fail('fcntl');
  my $text = qq({"cmd":"NODE_HANDLE","type":"net.Server","msg":{"port":$port}}\n);
  my $vector = pack 'PQ', $text, length $text;
  my $control = pack 'Qlllx4', 20, 1, 1, fileno $server;
  my $message = pack 'QLx4PQPQlx4', 0, 0, $vector, 1, $control, length $control, 0;
  syscall(SENDMSG, fileno $channel, $message, 0) == length $text or fail('sendmsg');
  my $answer = '';
  while ($answer !~ /\n/) { sysread $channel, $answer, 4096, length $answer or fail('the parent does not answer') }
}
`;
