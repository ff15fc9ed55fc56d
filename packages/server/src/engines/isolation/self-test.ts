/**
 * Runs a program inside a boundary that tries to escape. A boundary is used only if every forbidden action of this program
 * fails; versions and settings of the machine are not evidence.
 */
import { once } from 'node:events';
import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { run } from '#lib/process.ts';
import type { Boundary, Confined, IsolatedRun } from './contract.ts';
import { createScratch } from './run-process.ts';

const TIMEOUT_MS = 10_000;
const OWNER = 'self-test';

/**
 * Prints one line per successful forbidden action. Arguments: the boundary, its scratch folder, a file and a folder outside,
 * and of the tester a TCP port, a socket file, an abstract socket name and its process id.
 */
const ATTEMPTS = String.raw`
use strict;
use Socket;
my ($boundary, $scratch, $canary, $outside, $port, $socket, $abstract, $tester) = @ARGV;
my $bubblewrap = $boundary =~ /^bubblewrap/;
sub could { print "it $_[0]\n" }
my ($own, $tcp, $local, $named);
open $own, '>', "$scratch/own" and print $own 'x' and close $own or could('cannot write its scratch folder');
open my $read, '<', "$scratch/given" or could('cannot read its scratch folder');
open my $secret, '<', $canary and could('reads a file outside');
opendir my $folder, $outside and could('lists a folder outside');
open my $write, '>>', $canary and could('writes a file outside');
open my $new, '>', "$outside/new" and could('makes a file outside');
open my $usr, '>', "/usr/dais-self-test" and could('writes to /usr') and unlink '/usr/dais-self-test';
chmod 0666, $canary;
truncate $canary, 0 and could('truncates a file outside');
socket $tcp, PF_INET, SOCK_STREAM, 0 and connect $tcp, pack_sockaddr_in($port, INADDR_LOOPBACK) and could('reaches a TCP port');
socket $local, PF_UNIX, SOCK_STREAM, 0 and connect $local, pack_sockaddr_un($socket) and could('reaches a socket file');
socket $named, PF_UNIX, SOCK_STREAM, 0 and connect $named, pack_sockaddr_un("\0$abstract") and could('reaches an abstract socket');
if (!$bubblewrap) {
  kill 0, $tester and could('can signal another process');
  socket my $udp, PF_INET, SOCK_DGRAM, 0 and could('has a UDP socket');
}
else {
  open my $first, '<', '/proc/1/comm';
  my $name = $first ? <$first> : '';
  could("sees the process $name") if $name ne '' && $name !~ /^bwrap/;
  open my $devices, '<', '/proc/net/dev';
  my @lines = $devices ? <$devices> : ();
  could('sees the network of the machine') if @lines > 3;
}
open my $status, '<', $boundary eq 'landlock' ? "/proc/$$/status" : '/proc/self/status';
my $text = $status ? join '', <$status> : '';
could('has no status') if $text eq '' && $boundary ne 'bubblewrap-without-proc';
if ($text ne '') {
  could('may gain rights') unless $text =~ /^NoNewPrivs:\t1$/m;
  could('has no filter of system calls') unless $text =~ /^Seccomp:\t2$/m;
  could('has capabilities') unless $text =~ /^CapEff:\t0+$/m;
}
my $child = fork;
could('cannot create a process') unless defined $child;
if (defined $child && !$child) { exec 'unshare', '-U', 'true' or exit 1 }
waitpid $child, 0;
could('creates a user namespace') if $? == 0;
print "end\n";
`;

/** The subset that a shell can test, without Perl. */
const SHELL_ATTEMPTS = `
shift
echo x >"$1/own" || echo 'it cannot write its scratch folder'
cat "$1/given" >/dev/null || echo 'it cannot read its scratch folder'
cat "$2" >/dev/null 2>&1 && echo 'it reads a file outside'
ls "$3" >/dev/null 2>&1 && echo 'it lists a folder outside'
touch "$3/new" 2>/dev/null && echo 'it creates a file outside'
touch /usr/dais-self-test 2>/dev/null && echo 'it writes to /usr'
if [ -r /proc/1/comm ]; then read -r first </proc/1/comm; [ "$first" = bwrap ] || echo "it sees the process $first"; fi
unshare -U true 2>/dev/null && echo 'it creates a user namespace'
echo end
`;

export interface SelfTestDependencies {
  readonly boundary: Boundary;
  readonly perl: string | undefined;
  readonly path: string;
  readonly confine: (run: IsolatedRun) => Confined;
}

/** Returns why the boundary failed; undefined when it works. */
export async function testBoundary({
  boundary,
  perl,
  path,
  confine,
}: SelfTestDependencies): Promise<string | undefined> {
  const location = await createScratch();
  const servers: Server[] = [];
  try {
    const [scratch, outside] = [join(location, 'scratch'), join(location, 'outside')];
    for (const folder of [scratch, outside]) await mkdir(folder, { mode: 0o700 });
    const [canary, socket] = [join(outside, 'canary'), join(outside, 'socket')];
    await writeFile(canary, 'canary', { mode: 0o600 });
    await writeFile(join(scratch, 'given'), 'given', { mode: 0o600 });
    const abstract = `dais-self-test-${process.pid}-${Date.now()}`;
    const tcp = await listen(servers, 0);
    await listen(servers, socket);
    await listen(servers, `\0${abstract}`);
    const { port } = tcp.address() as AddressInfo;
    const inside = boundary === 'landlock' ? scratch : '/scratch';
    const words = [boundary, inside, canary, outside, String(port), socket, abstract, String(process.pid)];
    const confined = confine({
      workload: 'trial-load',
      owner: OWNER,
      command:
        perl === undefined ? ['sh', '-c', SHELL_ATTEMPTS, 'self-test', ...words] : [perl, '-e', ATTEMPTS, ...words],
      limits: {},
      network: { type: 'none' },
      files: { readable: [], writable: [{ outside: scratch, inside }] },
    });
    if (confined.uid !== undefined) {
      for (const own of [scratch, join(scratch, 'given')]) await chown(own, confined.uid, confined.uid);
    }
    const [program, ...args] = confined.command;
    // Standard input is the filter.
    const result = await run(program, args, {
      env: { PATH: path },
      timeoutMs: TIMEOUT_MS,
      group: true,
      ...(confined.filter.length > 0 && { input: confined.filter }),
    });
    if (result.timedOut) return `it did not end within ${TIMEOUT_MS / 1000} s`;
    const lines = result.stdout.toString('utf8').trim().split('\n');
    if (lines.at(-1) !== 'end') {
      const errorText = result.stderr.trim().split('\n').at(-1) ?? '';
      return errorText === '' ? `it ended with exit code ${result.code}` : errorText;
    }
    if (lines.length > 1) return lines.slice(0, -1).join('; ');
    const { mode } = await stat(canary);
    if ((await readFile(canary, 'utf8')) !== 'canary' || (mode & 0o777) !== 0o600) return 'it changes a file outside';
    return undefined;
  } finally {
    for (const server of servers) server.close();
    await chmod(location, 0o700).catch(() => {});
    await rm(location, { recursive: true, force: true });
  }
}

async function listen(servers: Server[], where: number | string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  server.unref();
  if (typeof where === 'number') server.listen(where, '127.0.0.1');
  else server.listen(where);
  await once(server, 'listening');
  return server;
}
