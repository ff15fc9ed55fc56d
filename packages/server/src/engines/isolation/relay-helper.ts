/**
 * One process that opens the relays of all tasks: it forks itself for each, and the fork enters the namespaces of the task. It
 * never enters them itself. A process per task costs the start of Perl, and a fork of Dais with all of its memory.
 */
import type { Server } from 'node:net';
import { start, type ChildProcess } from '#lib/process.ts';
import { ownPrivileges } from './user.ts';

export interface RelayHelperOptions {
  readonly path: string;
  readonly perl: string;
}

type TakeServer = (port: number, server: Server) => void;

const PATIENCE_MS = 20_000;

export class RelayHelper {
  readonly #command: readonly [string, ...string[]];
  readonly #path: string;
  #child: ChildProcess | undefined;
  /** The channel carries one request at a time: the fork reads the acknowledgments of its sockets from it. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(command: readonly [string, ...string[]], path: string) {
    this.#command = command;
    this.#path = path;
  }

  /** Returns undefined if the system call numbers are unknown. The process starts with the first request. */
  static of({ path, perl }: RelayHelperOptions): RelayHelper | undefined {
    const program = relayProgram(process.arch);
    return program === undefined ? undefined : new RelayHelper([perl, '-e', program], path);
  }

  /**
   * Passes a listening socket for each port of 127.0.0.1 in the network namespace of `pid` to `take`. Rejects with the error of
   * the fork.
   */
  async open(pid: number, ports: readonly number[], take: TakeServer): Promise<void> {
    const mine = this.#turn.then(async () => await this.#open(pid, ports, take));
    this.#turn = mine.catch(() => {});
    await mine;
  }

  /** Open relays stay open. */
  close(): void {
    this.#child?.disconnect();
    this.#child = undefined;
  }

  async #open(pid: number, ports: readonly number[], take: TakeServer): Promise<void> {
    const child = (this.#child ??= this.#start());
    const user = ownPrivileges().isFullRoot ? 'keep' : 'user';
    let left = ports.length;
    child.channel?.ref();
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    let unlisten = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        const refuse = (reason: string) =>
          reject(new Error(`could not enter the network namespace of the task: ${reason}`));
        const receive = (message: { readonly port?: number; readonly error?: string }, handle: unknown) => {
          if (message.port !== undefined) {
            left -= 1;
            take(message.port, handle as Server);
          } else if (left === 0) resolve();
          else refuse(message.error ?? '');
        };
        const end = () => refuse('the helper ended');
        unlisten = () => {
          child.off('message', receive).off('close', end).off('error', reject);
        };
        child.on('message', receive).once('close', end).once('error', reject);
        child.send({ open: [pid, user, ...ports].join(' ') }, (error) => error !== null && refuse(error.message));
      });
    } finally {
      clearTimeout(timer);
      unlisten();
      child.channel?.unref();
    }
  }

  #start(): ChildProcess {
    const [program, ...words] = this.#command;
    const child = start(program, words, { env: { PATH: this.#path }, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    child.unref();
    const forget = () => {
      if (this.#child === child) this.#child = undefined;
    };
    child.on('error', forget).on('disconnect', forget).on('close', forget);
    return child;
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
 * its parent over the IPC channel of Node, like a child of Node. Its arguments: the id of a process in the namespaces, `user` or
 * `keep` for its user namespace, and the ports. Without arguments it reads them from the channel, and forks for each request.
 */
export function relayProgram(machine: string): string | undefined {
  const calls = CALLS[machine];
  return calls && PROGRAM.replace('SETNS', String(calls.setns)).replace('SENDMSG', String(calls.sendmsg));
}

/**
 * Constants of Linux on both architectures: AF_INET 2, SOCK_STREAM 1, SOL_SOCKET 1, SO_REUSEADDR 2, SCM_RIGHTS 1, F_SETFL 4,
 * O_NONBLOCK 2048: loading the modules with these constants would cost more per step. The message is what Node writes for
 * `process.send(message, server)`; the parent acknowledges each message before the next one.
 *
 * The loopback device of a new namespace has its address a moment later (EADDRNOTAVAIL, 99). A process of one task waits 2 s at
 * most. A fork of the common one waits 40 ms, because other tasks wait for it; its caller retries.
 */
const PROGRAM = String.raw`
use strict;
my ($tries, $to) = (1000, \*STDERR);
sub fail { syswrite $to, "$_[0]: $!\n"; exit 1 }
open my $channel, '+<&=', $ENV{NODE_CHANNEL_FD} or fail('the channel');
if (@ARGV) { relay(@ARGV); exit 0 }
$0 = 'dais-relay';
$tries = 20;
my $input = '';
for (;;) {
  while ($input =~ s/^([^\n]*)\n//) {
    next unless $1 =~ /"open":"([^"]*)"/;
    my @words = split / /, $1;
    pipe my $reader, my $writer or exit 1;
    my $fork = fork;
    exit 1 unless defined $fork;
    if (!$fork) { $to = $writer; close $reader; relay(@words); exit 0 }
    close $writer;
    my $why = join '', <$reader>;
    waitpid $fork, 0;
    $why =~ s/[^ -~]+|["\\]/ /g;
    syswrite $channel, qq({"error":"$why"}\n);
  }
  sysread $channel, $input, 4096, length $input or exit 0;
}
sub relay {
  my ($pid, $user, @ports) = @_;
  for my $namespace ($user eq 'user' ? ('user', 'net') : 'net') {
    open my $file, '<', "/proc/$pid/ns/$namespace" or fail("the $namespace namespace of $pid");
    syscall(SETNS, fileno $file, 0) == 0 or fail("setns $namespace");
  }
  for my $port (@ports) {
    socket my $server, 2, 1, 0 or fail('socket');
    setsockopt $server, 1, 2, pack 'i', 1;
    my $address = pack 'S n a4 x8', 2, $port, "\x7f\0\0\1";
    for (my $count = 0; !bind $server, $address; $count++) {
      fail("127.0.0.1:$port") if $! != 99 || $count == $tries;
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
}
`;
