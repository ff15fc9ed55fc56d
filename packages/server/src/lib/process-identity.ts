import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Names one process for ever: a pid alone is used again. Start time counts clock ticks since boot (proc(5), field 22
 * of /proc/pid/stat); the pid namespace tells containers on one machine apart.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
  readonly pidNamespace: string;
}

/** Undefined when there is no such process, when it is a zombie, or where there is no /proc (macOS). */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command, in parentheses, may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const startTime = fields[19];
    if (startTime === undefined) return undefined;
    return {
      pid,
      startTime,
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
      // Ours: a pid that we can see lies in our namespace.
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
    };
  } catch {
    return undefined;
  }
}

/**
 * `other`: recorded before a reboot, or in another container or machine; its pid says nothing here.
 */
export function judgeProcess(recorded: ProcessIdentity): 'alive' | 'gone' | 'other' {
  const self = processIdentity(process.pid);
  if (self === undefined) return 'other';
  if (recorded.bootId !== self.bootId || recorded.pidNamespace !== self.pidNamespace) return 'other';
  return processIdentity(recorded.pid)?.startTime === recorded.startTime ? 'alive' : 'gone';
}

/** The command line of a process, for messages; empty when it cannot be read. */
export function processCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
