/**
 * Checks that every boundary must pass, on any machine and as any user: `suite.ts` runs them as tests, and
 * `check-program.testing.ts` runs them without a test runner, as another user or in a container. The self-test of the boundary,
 * which is part of each `report`, covers files, sockets, signals and permissions; these checks cover limits and termination.
 *
 * Every hostile program stops on its own (600 MB, 300 processes, 128 MiB of files, 60 s), so that it does no harm if a limit
 * fails.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type AddressInfo } from 'node:net';
import { sweepScratch } from '../run-process.ts';
import type { Boundary, IsolatedEnd, IsolatedRun, IsolatedStart, Isolation, IsolationReport } from '../contract.ts';

export interface CheckWorld {
  readonly isolation: Isolation;
  readonly report: IsolationReport;
  /** Starts a process that starts a run with this marker and keeps it running. `kill` ends that process with SIGKILL. */
  readonly holdRun: (mark: string) => Promise<{ readonly pid: number; readonly kill: () => void }>;
}

export interface Check {
  readonly title: string;
  /** Throws an error with the failed requirement. */
  readonly run: (world: CheckWorld) => Promise<void>;
}

export interface CheckReport {
  readonly boundary: Boundary;
  readonly limits: IsolationReport['limits'];
  /** Title and reason of each failed check. */
  readonly failures: Readonly<Record<string, string>>;
}

const MIB = 2 ** 20;
const LIMIT = 256 * MIB;
/** Memory that a run may allocate between two checks of the guard, at 2 GB/s on a busy machine. */
const OVERSHOOT = LIMIT;
const GONE_MS = 5000;
/** mmap, read, memfd_create, sched_setaffinity, sched_getaffinity. */
const CALLS = process.arch === 'arm64' ? [222, 63, 279, 122, 123] : [9, 0, 319, 203, 204];

let lastMark = 0;

/** Marker on the command line of each process of one run. */
function newMark(): string {
  lastMark += 1;
  return `isolation-check-${process.pid}-${lastMark}`;
}

const MEMORY_BOMBS: Readonly<Record<string, string>> = {
  'private memory': `my @all; for (1 .. 600) { push @all, ('x' x 1048575) . ($_ % 10) } print "survived\\n"; sleep 1;`,
  'shared memory': `my $at = syscall ${CALLS[0]}, 0, 600 << 20, 3, 0x21, -1, 0;
    exit 1 if $at == -1;
    open my $zero, '<', '/dev/zero' or exit 1;
    for (0 .. 599) { syscall(${CALLS[1]}, fileno($zero), $at + ($_ << 20), 1 << 20) == 1 << 20 or exit 1 }
    print "survived\\n"; sleep 1;`,
  'memory behind a descriptor': `my $name = 'bomb'; my $fd = syscall ${CALLS[2]}, $name, 0;
    exit 1 if $fd < 0;
    open my $file, '>&=', $fd or exit 1;
    for (1 .. 600) { defined syswrite $file, 'x' x 1048576 or exit 1 }
    print "survived\\n"; sleep 1;`,
  'files in memory': `open my $file, '>', '/dev/shm/bomb' or exit 1;
    for (1 .. 600) { (syswrite($file, 'x' x 1048576) // 0) == 1048576 or exit 1 }
    print "survived\\n"; sleep 1;`,
  children: `my ($bytes, @children) = (5 << 20);
    sub fill { my @held; for (1 .. 15) { push @held, 'x' x $bytes; select undef, undef, undef, 0.04 } sleep 2; exit 0 }
    for (1 .. 8) { my $child = fork // exit 1; fill() if !$child; push @children, $child }
    for (@children) { waitpid $_, 0; exit 1 if $? } print "survived\\n";`,
};

interface Outcome {
  readonly end: IsolatedEnd;
  readonly output: string;
  readonly peakBytes: number;
  readonly tookMs: number;
}

interface Attempt {
  readonly mark?: string;
  readonly limits?: IsolatedRun['limits'];
  readonly network?: IsolatedRun['network'];
  readonly files?: IsolatedRun['files'];
  readonly owner?: string;
  readonly identity?: NonNullable<IsolatedRun['identity']>;
  readonly start?: Partial<IsolatedStart>;
}

/** Runs a program in Perl to its end. */
async function attempt({ isolation }: CheckWorld, program: string, options: Attempt = {}): Promise<Outcome> {
  return await execute(isolation, ['perl', '-e', `$| = 1; ${program}`, options.mark ?? newMark()], options);
}

async function execute(isolation: Isolation, command: readonly string[], options: Attempt): Promise<Outcome> {
  const { limits = {}, network = { type: 'none' }, files = { readable: [], writable: [] }, owner = 'check' } = options;
  let output = '';
  const from = performance.now();
  const started = await isolation.start(
    {
      workload: 'python-model',
      owner,
      command,
      limits: { wallMs: 30_000, ...limits },
      network,
      files,
      ...(options.identity !== undefined && { identity: options.identity }),
    },
    {
      variables: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      onOutput: (chunk) => (output += chunk.toString('utf8')),
      ...options.start,
    },
  );
  started.ref();
  let peakBytes = 0;
  const timer = setInterval(() => (peakBytes = Math.max(peakBytes, started.memoryBytes())), 15);
  const end = await started.ended;
  clearInterval(timer);
  return { end, output, peakBytes, tookMs: performance.now() - from };
}

function must(holds: boolean, what: string, seen: unknown): void {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(seen)}`);
}

/** Processes with the marker on the whole machine. */
function marked(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(mark);
    } catch {
      return false;
    }
  });
}

async function mustBeGone(mark: string): Promise<void> {
  const until = performance.now() + GONE_MS;
  while (marked(mark).length > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
  must(marked(mark).length === 0, 'processes are left', marked(mark));
}

export const CHECKS: readonly Check[] = [
  {
    title: 'ordinary programs run',
    run: async (world) => {
      const shell = await execute(
        world.isolation,
        ['sh', '-c', 'sort /etc/passwd | head -n 1 | wc -l; echo "$HOME"'],
        {},
      );
      must(shell.end.cause === 'exit' && shell.output.startsWith('1\n'), 'a shell does not run', shell);
      const node = await execute(
        world.isolation,
        [process.execPath, '-e', 'setTimeout(() => console.log(6 * 7), 10)'],
        {
          files: { readable: [process.execPath], writable: [] },
        },
      );
      must(node.output === '42\n', 'Node does not run', node);
      const exit = await attempt(world, 'exit 7');
      must(exit.end.cause === 'exit' && exit.end.code === 7, 'an exit code is lost', exit);
      const signal = await attempt(world, 'kill "SEGV", $$; sleep 5');
      must(signal.end.signal === 'SIGSEGV', 'a signal is lost', signal);
    },
  },
  {
    title: 'a run talks over its socket, and has no other descriptor and no variable of its parent',
    run: async ({ isolation }) => {
      const program = `use POSIX (); open my $socket, '+<&=', 3; my $line = <$socket>;
        my @open = grep { defined(my $copy = POSIX::dup($_)) } 4 .. 300;
        syswrite $socket, join(' ', 'heard', $line =~ /(\\w+)/, 'open', @open, 'variables', sort keys %ENV) . "\\n";`;
      for (const level of ['required', 'none'] as const) {
        const started = await isolation.start(
          {
            workload: 'python-model',
            owner: 'check',
            command: ['perl', '-e', program],
            limits: {},
            network: { type: 'none' },
            files: { readable: [], writable: [] },
            isolation: level,
          },
          { variables: { PATH: '/usr/bin:/bin', MARK: 'yes' }, hasSocket: true },
        );
        started.ref();
        let answer = '';
        started.socket?.on('data', (chunk: Buffer) => (answer += chunk.toString('utf8')));
        started.socket?.write('hello\n');
        await started.ended;
        const expected = /^heard hello open variables (HOME )?MARK PATH( PWD)?( TMPDIR)?\n$/;
        must(expected.test(answer), `with isolation ${level}, it has more or less`, answer);
      }
    },
  },
  ...Object.entries(MEMORY_BOMBS).map(([kind, program]): Check => ({
    title: `memory is held: ${kind}`,
    run: async (world) => {
      const outcome = await attempt(world, program, { limits: { memoryBytes: LIMIT, threads: 1 } });
      must(!outcome.output.includes('survived'), 'it got 600 MB at a limit of 256 MiB', outcome);
      must(outcome.end.cause !== 'exit' || outcome.end.code !== 0, 'it ended as if all were well', outcome);
      must(outcome.peakBytes < LIMIT + OVERSHOOT, 'it held too much for a while', outcome);
      if (outcome.end.cause === 'memory') {
        const reason = "The model's process used more than its memory limit of 256 MiB and was terminated";
        must(outcome.end.reason === reason, 'the reason is unclear', outcome);
      }
      must(outcome.end.cause !== 'signal', 'its owner receives only a signal', outcome);
    },
  })),
  {
    title: 'processes are held, and none is left',
    run: async (world) => {
      const mark = newMark();
      const program = `my $made = 0; for (1 .. 300) { my $child = fork; last unless defined $child; if (!$child) { sleep 20; exit } $made += 1 }
        print "$made made\\n"; sleep 1;`;
      const { end, output } = await attempt(world, program, { mark, limits: { processes: 64 } });
      const made = Number(/^(\d+) made/.exec(output)?.[1] ?? NaN);
      must(end.cause === 'processes' || made < 64, 'it made too many', { end, output });
      await mustBeGone(mark);
    },
  },
  {
    title: 'CPU is held',
    run: async (world) => {
      if (availableParallelism() < 2) return;
      const children = `my $all = pack 'H*', 'ff' x 8; syscall ${CALLS[3]}, 0, 8, $all; my $from = Time::HiRes::time(); my @children;
        for (1 .. 4) { my $child = fork // exit 1; if (!$child) { while (Time::HiRes::time() - $from < 1.5) { } exit } push @children, $child }
        waitpid $_, 0 for @children; my (undef, undef, $user, $system) = times; printf '%.3f', ($user + $system) / (Time::HiRes::time() - $from);
        my $own = "\\0" x 128; syscall ${CALLS[4]}, 0, 128, $own; print ' ' . unpack '%32b*', $own;`;
      const { output } = await attempt(world, `use Time::HiRes (); ${children}`, { limits: { cpu: 1 } });
      const [used = NaN, cores] = output.split(' ').map(Number);
      must(used > 0 && used < 1.25, 'four busy processes used more than one core', output);
      // On a busy machine they could not have used more.
      if (world.report.limits === 'rlimit') must(cores === 1, 'it gave itself more cores', output);
    },
  },
  {
    title: 'a large file is held',
    run: async (world) => {
      const program = `my $place = $ENV{TMPDIR} // '/tmp'; open my $file, '>', "$place/large" or exit 1;
        for (1 .. 128) { (syswrite($file, 'x' x 1048576) // 0) == 1048576 or exit 9 } print "survived\\n";`;
      const { end, output } = await attempt(world, program, { limits: { diskBytes: 32 * MIB } });
      must(!output.includes('survived'), 'it wrote 128 MiB at a limit of 32 MiB', { end, output });
      must(end.cause === 'disk' || end.code === 9, 'it ended otherwise', end);
    },
  },
  {
    title: 'many files together are held',
    run: async (world) => {
      const program = `my $place = $ENV{TMPDIR} // '/tmp';
        for my $n (1 .. 8) { open my $file, '>', "$place/$n" or exit 9; for (1 .. 16) { (syswrite($file, 'x' x 1048576) // 0) == 1048576 or exit 9 } }
        sleep 3; print "survived\\n";`;
      const { end, output } = await attempt(world, program, { limits: { diskBytes: 32 * MIB } });
      must(!output.includes('survived'), 'it kept 128 MiB at a limit of 32 MiB', { end, output });
    },
  },
  {
    title: 'one that sleeps beyond its time and ignores TERM is ended, with its children',
    run: async (world) => {
      const mark = newMark();
      const program = `$SIG{TERM} = $SIG{INT} = $SIG{HUP} = 'IGNORE'; fork; sleep 60;`;
      const { end, tookMs } = await attempt(world, program, { mark, limits: { wallMs: 500 } });
      must(end.cause === 'wall-time' && /time limit of 500 ms/.test(end.reason), 'the reason is unclear', end);
      must(tookMs < 8000, 'it took too long', tookMs);
      await mustBeGone(mark);
    },
  },
  {
    title: 'what a run leaves behind in sessions of its own ends with it',
    run: async (world) => {
      const mark = newMark();
      const program = `use POSIX (); if (!fork) { POSIX::setsid(); if (!fork) { $SIG{TERM} = 'IGNORE'; close STDOUT; close STDERR; sleep 60 } exit 0 } select undef, undef, undef, 0.3; exit 0;`;
      const { end } = await attempt(world, program, { mark });
      must(end.cause === 'exit' && end.code === 0, 'it ended otherwise', end);
      await mustBeGone(mark);
    },
  },
  {
    title: 'kill gives its reason and ends all',
    run: async ({ isolation }) => {
      const mark = newMark();
      const started = await isolation.start(
        {
          workload: 'python-model',
          owner: 'check',
          command: ['perl', '-e', 'fork; sleep 60', mark],
          limits: {},
          network: { type: 'none' },
          files: { readable: [], writable: [] },
        },
        { variables: { PATH: '/usr/bin:/bin' } },
      );
      started.ref();
      while (marked(mark).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      started.kill('nobody needs it');
      const end = await started.ended;
      must(end.cause === 'killed' && end.reason === 'nobody needs it', 'the reason is lost', end);
      await mustBeGone(mark);
    },
  },
  {
    title: 'a run ends with the process that started it',
    run: async ({ holdRun }) => {
      const mark = newMark();
      const { pid, kill } = await holdRun(mark);
      must(marked(mark).length > 0, 'it did not start', mark);
      kill();
      await mustBeGone(mark);
      await sweepScratch();
      const left = readdirSync(tmpdir()).filter(
        (name) => name.startsWith('dais-scratch-') && name.includes(`-${pid}-`),
      );
      must(left.length === 0, 'its scratch folder is left', left);
    },
  },
  {
    title: 'two owners have user ids of their own, where Dais may give them',
    run: async (world) => {
      if (world.report.identity !== 'own-user') return;
      const [first, again, other] = await Promise.all(
        ['a', 'a', 'b'].map(async (owner) => (await attempt(world, 'print $>', { owner })).output),
      );
      must(first === again && first !== other && Number(first) > 1_000_000_000, 'ids', [first, again, other]);
    },
  },
  {
    title: 'a run with the user id of Dais reads its files only, and has no rights of this user',
    run: async (world) => {
      const path = await mkdtemp(join(tmpdir(), 'dais-identity-'));
      try {
        const [given, canary] = [join(path, 'given'), join(path, 'canary')];
        for (const file of [given, canary]) await writeFile(file, 'text', { mode: 0o600 });
        const program = `my ($given, $canary) = @ARGV; sub could { print "it $_[0]; " }
          open my $own, '<', $given or could('cannot read its file');
          open my $change, '>>', $given and could('writes to a file that it may read');
          open my $other, '<', $canary and could('reads another file');
          for ('/proc/sys/kernel/core_pattern', '/proc/sys/vm/drop_caches', '/proc/sysrq-trigger') { open my $setting, '>>', $_ and could("can write $_") }
          for ("/proc/$$/status", '/proc/self/status') {
            open my $file, '<', $_ or next; local $/; my $status = <$file>;
            could('has capabilities') unless $status =~ /^CapPrm:\t0+$/m && $status =~ /^CapEff:\t0+$/m;
            could('may gain rights') unless $status =~ /^NoNewPrivs:\t1$/m && $status =~ /^Seccomp:\t2$/m;
            last;
          }
          system('unshare -U true 2>/dev/null') == 0 and could('makes a user namespace');
          print "end with $>";`;
        const { output } = await execute(world.isolation, ['perl', '-e', program, given, canary], {
          identity: 'dais',
          files: { readable: [given], writable: [] },
        });
        must(/^end with \d+$/.test(output), 'it does more or less', output);
      } finally {
        await rm(path, { recursive: true });
      }
    },
  },
  {
    title: 'only the permitted port is reached',
    run: async (world) => {
      const servers = [0, 1].map(() => createServer((socket) => socket.on('error', () => {}).end('hello')));
      try {
        const ports: number[] = [];
        for (const server of servers) {
          server.listen(0, '127.0.0.1');
          await once(server, 'listening');
          ports.push((server.address() as AddressInfo).port);
        }
        const program = `use Socket; my $reached = ''; for my $port (${ports.join(', ')}) { my $socket;
            $reached .= "$port " if socket($socket, PF_INET, SOCK_STREAM, 0) && connect $socket, pack_sockaddr_in($port, INADDR_LOOPBACK) } print "[$reached]";`;
        const { output } = await attempt(world, program, { network: { type: 'ports', ports: [ports[0]!] } });
        // With namespaces it is a port of the private loopback device, where nothing listens here.
        const expected =
          world.report.boundary === 'landlock' && world.report.landlockAbi >= 4 ? `[${ports[0]} ]` : '[]';
        must(output === expected, 'ports reached', { output, expected });
      } finally {
        for (const server of servers) server.close();
      }
    },
  },
];

/** Runs all checks, one after another. */
export async function runChecks(isolation: Isolation, holdRun: CheckWorld['holdRun']): Promise<CheckReport> {
  const report = await isolation.report();
  const failures: Record<string, string> = {};
  for (const { title, run } of CHECKS) {
    try {
      await run({ isolation, report, holdRun });
    } catch (error) {
      failures[title] = error instanceof Error ? error.message : String(error);
    }
  }
  await isolation.close();
  return { boundary: report.boundary, limits: report.limits, failures };
}
