/**
 * The guard: a small Perl process between Dais and a run whose limits the kernel does not enforce for the whole run. It ends
 * the run when memory or processes exceed their limit, when Dais ends (its standard input closes), and when the first process
 * of the run ends. It adopts orphaned processes (`PR_SET_CHILD_SUBREAPER`), so that none escapes.
 *
 * It writes one line to descriptor 5: `memory BYTES`, `processes N`, `exit CODE SIGNAL` or `error TEXT`.
 */
import { shareCpuInPerl, type CpuShare } from './cpu-share.ts';
import { TREE_WATCH } from './tree-watch.ts';

const PRCTL: Readonly<Record<string, number>> = { x64: 157, arm64: 167 };

export interface GuardLimits {
  readonly memoryBytes: number | undefined;
  readonly processes: number | undefined;
  /** Undefined: CPU is limited elsewhere. */
  readonly cpu: CpuShare | undefined;
}

/** Returns the command prefix. Undefined if the system call numbers are unknown. */
export function guardCommand(
  machine: string,
  perl: string,
  { memoryBytes, processes, cpu }: GuardLimits,
): string[] | undefined {
  const call = PRCTL[machine];
  if (call === undefined) return undefined;
  const program = PROGRAM.replaceAll('PRCTL', String(call)).replace('SHARE_CPU', shareCpuInPerl(machine));
  return [
    perl,
    '-e',
    program,
    String(Math.ceil(memoryBytes ?? 0)),
    String(processes ?? 0),
    cpu?.cores ?? '',
    String(cpu?.nice ?? 0),
  ];
}

const PROGRAM = String.raw`
use strict;
my ($memory, $processes, $cores, $nice) = (shift(@ARGV) + 0, shift(@ARGV) + 0, shift @ARGV, shift @ARGV);
$0 = 'dais-guard';
open my $report, '>&=', 5 or exit 125;
sub report { syswrite $report, "$_[0]\n" }
$SIG{CHLD} = sub { };
$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM PIPE);
syscall PRCTL, 36, 1, 0, 0, 0;
my $child = fork;
if (!defined $child) { report("error $!"); exit 125 }
if (!$child) {
  $SIG{$_} = 'DEFAULT' for qw(HUP INT QUIT TERM PIPE CHLD);
  setpgrp 0, 0;
  share_cpu($cores, $nice);
  syscall PRCTL, 1, 9, 0, 0, 0;
  close $report;
  open STDIN, '<', '/dev/null';
  exec { $ARGV[0] } @ARGV;
  print STDERR "$ARGV[0] could not be started: $!\n";
  exit 127;
}
# The guard holds none of the run's sockets.
for (3, 4) { if (open my $held, '>&=', $_) { close $held } }
${TREE_WATCH}
SHARE_CPU
my $why;
my $status;
for (;;) {
  my $gone = waitpid $child, 1;
  if ($gone == $child) { $status = $?; last }
  while ((my $other = waitpid -1, 1) > 0) { if ($other == $child) { $status = $?; last } }
  last if defined $status;
  my $ready = '';
  vec($ready, 0, 1) = 1;
  my $found = select $ready, undef, undef, pause_of($memory);
  if ($found > 0 && !sysread STDIN, my $none, 64) { $why = 'closed'; last }
  $why = exceeded(uptime(), $memory, $processes, $child, orphans());
  last if defined $why;
}
end_tree($$);
if (defined $why) { report($why) unless $why eq 'closed' }
else { report('exit ' . ($status >> 8) . ' ' . ($status & 127)) }
exit 0;
`;
