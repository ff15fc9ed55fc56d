/**
 * CPU of runs where no control group holds it: each run is pinned to as many cores as it may use, which the filter of system calls
 * keeps it from changing. On a machine with four cores or more, the first core is never given to a run, so runs together cannot
 * starve Dais. Runs that nobody waits for have a low priority besides.
 */
import { readFileSync } from 'node:fs';
import type { Workload } from './contract.ts';

export interface CpuShare {
  /** Mask of cores as hexadecimal; empty: nothing is known of this machine. */
  readonly cores: string;
  readonly nice: number;
}

/** Callers wait for predictions and queries: on a busy machine they would come last. */
const WITHOUT_DELAY: readonly Workload[] = ['python-model', 'onnx-model', 'query'];
const LOW_PRIORITY = 10;

export function cpuShare(workload: Workload, cpu: number | undefined): CpuShare {
  return { cores: coresOf(cpu), nice: WITHOUT_DELAY.includes(workload) ? 0 : LOW_PRIORITY };
}

/** From this number of cores on, one is kept free of runs. */
const LEAST_CORES_TO_RESERVE = 4;

/** Numbers of sched_setaffinity. */
const CALLS: Readonly<Record<string, number>> = { x64: 203, arm64: 122 };

let nextCore = 0;

/** `cpu`: how many cores the run may use; undefined: all that are free. */
export function coresOf(cpu: number | undefined, own: readonly number[] = ownCores()): string {
  const free = own.length >= LEAST_CORES_TO_RESERVE ? own.slice(1) : own;
  if (free.length === 0) return '';
  const count = Math.min(free.length, Math.max(1, Math.ceil(cpu ?? Infinity)));
  // Each run starts after the cores of the one before: two small ones do not share a core while others are idle.
  const first = count === free.length ? 0 : nextCore % free.length;
  nextCore += count;
  return maskOf(Array.from({ length: count }, (_, n) => free[(first + n) % free.length] ?? 0));
}

/** Cores that this process may use. */
function ownCores(): number[] {
  try {
    const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
    return readCoreList(list);
  } catch {
    return [];
  }
}

/** `0-2,5`. */
export function readCoreList(list: string): number[] {
  return list
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, n) => first + n);
    });
}

/** Little endian, in whole words of the kernel, as hexadecimal. */
function maskOf(cores: readonly number[]): string {
  const bytes = Buffer.alloc(8 * Math.ceil((Math.max(...cores) + 1) / 64));
  for (const core of cores) bytes[core >> 3]! |= 1 << (core & 7);
  return bytes.toString('hex');
}

/**
 * A function in Perl that applies a share to its process. Arguments: cores, nice. The kernel weighs whole sessions where
 * it groups by them ("autogroup"): the weight of the session is lowered, too.
 */
export function shareCpuInPerl(machine: string): string {
  return String.raw`
sub share_cpu {
  my ($mask, $nice) = @_;
  return if $mask eq '';
  my $cores = pack 'H*', $mask;
  syscall ${CALLS[machine] ?? 0}, 0, length $cores, $cores;
  return unless $nice;
  setpriority 0, 0, $nice;
  if (open my $session, '>', '/proc/self/autogroup') { syswrite $session, $nice }
}
`;
}
