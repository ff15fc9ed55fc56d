/**
 * Limits CPU of runs without control groups: each run is pinned to its number of cores, and the seccomp filter prevents
 * changes. On a machine with four cores or more, no run gets the first core, so that runs cannot starve Dais. Runs without a
 * waiting caller also have a low priority.
 */
import { readFileSync } from 'node:fs';
import type { Workload } from '../contract.ts';

export interface CpuShare {
  /** Mask of cores in hexadecimal; empty: unknown machine. */
  readonly cores: string;
  readonly nice: number;
}

/** Callers wait for predictions and queries, so they keep the normal priority. */
const WITHOUT_DELAY: readonly Workload[] = ['python-model', 'onnx-model', 'query'];
const LOW_PRIORITY = 10;

export function cpuShare(workload: Workload, cpu: number | undefined): CpuShare {
  return { cores: coresOf(cpu), nice: WITHOUT_DELAY.includes(workload) ? 0 : LOW_PRIORITY };
}

/** From this number of cores on, one core is reserved for Dais. */
const LEAST_CORES_TO_RESERVE = 4;

/** System call numbers of sched_setaffinity. */
const CALLS: Readonly<Record<string, number>> = { x64: 203, arm64: 122 };

let nextCore = 0;

/** `cpu`: number of cores of the run; undefined: all except the reserved core. */
export function coresOf(cpu: number | undefined, own: readonly number[] = ownCores()): string {
  const free = own.length >= LEAST_CORES_TO_RESERVE ? own.slice(1) : own;
  if (free.length === 0) return '';
  const count = Math.min(free.length, Math.max(1, Math.ceil(cpu ?? Infinity)));
  // Each run gets the cores after those of the previous one, so that two small runs do not share a core while others are idle.
  const first = count === free.length ? 0 : nextCore % free.length;
  nextCore += count;
  return maskOf(Array.from({ length: count }, (_, n) => free[(first + n) % free.length] ?? 0));
}

/** Returns the cores that this process may use. */
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

/** Little endian, in words of the kernel, in hexadecimal. */
function maskOf(cores: readonly number[]): string {
  const bytes = Buffer.alloc(8 * Math.ceil((Math.max(...cores) + 1) / 64));
  for (const core of cores) bytes[core >> 3]! |= 1 << (core & 7);
  return bytes.toString('hex');
}

/**
 * A Perl function that applies a share to its process. Arguments: cores, nice. With autogroups, the kernel schedules whole
 * sessions, so the weight of the session is lowered, too.
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
