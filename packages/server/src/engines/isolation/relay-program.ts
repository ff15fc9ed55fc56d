/**
 * The helper of a relay, in Perl: enters the namespaces of a task, opens a listening socket for each port there, and passes it
 * to its parent over the IPC channel of Node, like a child of Node. A step with access to Dais costs 15 ms of CPU more than one
 * without network; with Node as the helper, 34 ms (`benchmarks/egress.ts`). Without Perl, `relay.ts` starts Node.
 */

interface SystemCalls {
  readonly setns: number;
  readonly sendmsg: number;
}

const CALLS: Readonly<Record<string, SystemCalls>> = {
  x64: { setns: 308, sendmsg: 46 },
  arm64: { setns: 268, sendmsg: 211 },
};

/** Its arguments: the id of a process in the namespaces, `user` or `keep` for its user namespace, and the ports. */
export function relayProgram(machine: string): string | undefined {
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
