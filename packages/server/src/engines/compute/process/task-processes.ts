/** Finds and signals every process of a task with /proc, including those that left its session or were reparented to init. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import type { GroupUsage } from '#engines/isolation/limits/control-groups.ts';
import type { TaskUsage } from '../contract.ts';

export interface TaskMarks {
  /** Value of TASK_VARIABLE. */
  readonly mark: string;
  /** Pid of the shim; undefined when it has ended. */
  readonly shim: number | undefined;
  /** `cgroup.procs` of a task that has control groups. */
  readonly groupFiles: readonly string[];
}

interface ProcessLine {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  readonly session: number;
  readonly startTime: string;
  readonly rssPages: number;
  readonly cpuTicks: number;
}

export function readProcess(pid: number): ProcessLine | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command, in parentheses, may contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return {
      pid,
      name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      parent: Number(fields[1]),
      session: Number(fields[3]),
      startTime: fields[19]!,
      rssPages: Number(fields[21]),
      cpuTicks: Number(fields[11]) + Number(fields[12]),
    };
  } catch {
    return undefined;
  }
}

const PAGE_BYTES = 4096;
/** Clock tick of /proc, on every Linux that Node supports. */
const TICK_MS = 10;

/** Returns the total usage of the processes: bytes of memory, and milliseconds of CPU since each started. */
export function usageOf(processes: readonly ProcessLine[]): { readonly bytes: number; readonly cpuMs: number } {
  return {
    bytes: processes.reduce((sum, { rssPages }) => sum + rssPages * PAGE_BYTES, 0),
    cpuMs: processes.reduce((sum, { cpuTicks }) => sum + cpuTicks * TICK_MS, 0),
  };
}

type Sampled = Pick<TaskUsage, 'cpuMs' | 'peakMemoryBytes'>;

/** Returns the usage that the kernel counted for the whole task, otherwise the maximum of samples and waited children. */
export function usageAtEnd(wallMs: number, waitedCpuMs: number, sampled: Sampled, counted: GroupUsage): TaskUsage {
  return {
    wallMs: Math.max(0, Math.round(wallMs)),
    cpuMs: counted.cpuMs ?? Math.max(waitedCpuMs, sampled.cpuMs),
    peakMemoryBytes: counted.peakMemoryBytes ?? sampled.peakMemoryBytes,
  };
}

/** The variable that marks each process of a task. */
export const TASK_VARIABLE = 'DAIS_TASK';

/**
 * Returns the processes of the task, without the shim and its log writer. Its control groups list them all. Without control
 * groups, they are descendants of the shim in other sessions, processes with its variable, and all processes in a session of
 * one of these.
 */
export function taskProcesses(marks: TaskMarks): ProcessLine[] {
  if (marks.groupFiles.length > 0) {
    const members = new Set(marks.groupFiles.flatMap(groupMembers));
    return [...members].flatMap((pid) => readProcess(pid) ?? []);
  }
  const all = new Map<number, ProcessLine>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = readProcess(Number(name));
    if (line !== undefined) all.set(line.pid, line);
  }
  const marker = Buffer.from(`${TASK_VARIABLE}=${marks.mark}\0`);
  const found = new Set<number>();
  for (const line of all.values()) {
    if (line.pid !== process.pid && (descends(line, marks.shim, all) || carries(line.pid, marker))) found.add(line.pid);
  }
  for (const line of all.values()) if (found.has(line.session)) found.add(line.pid);
  for (const line of all.values()) if (marks.shim !== undefined && line.session === marks.shim) found.delete(line.pid);
  return [...found].flatMap((pid) => all.get(pid) ?? []);
}

/**
 * Returns the process in the network namespace of an isolated task and in the user namespace that owns it: the child of the
 * outermost bwrap.
 */
export function namespaceMember(marks: TaskMarks): number | undefined {
  const all = taskProcesses(marks);
  const outer = all.find(({ parent }) => parent === marks.shim);
  const member = all.find(({ parent }) => outer !== undefined && parent === outer.pid);
  try {
    const isOther =
      member !== undefined && readlinkSync(`/proc/${member.pid}/ns/net`) !== readlinkSync('/proc/self/ns/net');
    return isOther ? member.pid : undefined;
  } catch {
    return undefined;
  }
}

function descends(line: ProcessLine, shim: number | undefined, all: ReadonlyMap<number, ProcessLine>): boolean {
  if (shim === undefined || line.session === shim) return false;
  for (let at: ProcessLine | undefined = line, depth = 0; at !== undefined && depth < 10_000; depth++) {
    if (at.parent === shim) return true;
    at = all.get(at.parent);
  }
  return false;
}

function carries(pid: number, marker: Buffer): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(marker);
  } catch {
    return false;
  }
}

function groupMembers(file: string): number[] {
  try {
    return readFileSync(file, 'latin1').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A process that has already ended is not an error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended, or belongs to another user.
  }
}

const NAMES = new Map<number, string>(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** Returns `SIGKILL` for 9, and `signal N` for a number without a name (a real-time signal). */
export function signalName(number: number): string {
  return NAMES.get(number) ?? `signal ${number}`;
}

/** The exit code that a shell reports for SIGKILL. */
export const KILLED = 128 + 9;
