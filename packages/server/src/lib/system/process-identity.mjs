/** Identifies processes. The tools import this file before `npm ci` and on Node 20, so it is JavaScript without dependencies. */
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Identifies one process permanently: a pid alone is reused. The start time counts clock ticks since boot (proc(5),
 * field 22 of /proc/pid/stat); the pid namespace distinguishes containers on one machine.
 * @typedef {object} ProcessIdentity
 * @property {number} pid
 * @property {string} startTime
 * @property {string} bootId
 * @property {string} pidNamespace
 */

/**
 * Undefined if there is no such process, if it is a zombie, or without /proc (macOS).
 * @param {number} pid
 * @returns {Readonly<ProcessIdentity> | undefined}
 */
export function processIdentity(pid) {
  const read = readIdentity(pid);
  return typeof read === 'string' ? undefined : read;
}

/**
 * @param {number} pid
 * @returns {ProcessIdentity | 'gone' | 'unknown'}
 */
function readIdentity(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command, in parentheses, may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return 'gone';
    const startTime = fields[19];
    if (startTime === undefined) return 'unknown';
    return {
      pid,
      startTime,
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
      // The process is in this pid namespace, because its pid is visible.
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
    };
  } catch (error) {
    // A process without free file descriptors sees no other processes, and must not take over what belongs to running
    // ones.
    const { code = '' } = /** @type {NodeJS.ErrnoException} */ (error);
    return code === 'ENOENT' || code === 'ESRCH' ? 'gone' : 'unknown';
  }
}

/**
 * `other`: recorded before a reboot, or in another container or machine, where its pid has no meaning here; or
 * unreadable.
 * @param {Readonly<ProcessIdentity>} recorded
 * @returns {'alive' | 'gone' | 'other'}
 */
export function checkProcess(recorded) {
  const self = processIdentity(process.pid);
  if (self === undefined) return 'other';
  if (recorded.bootId !== self.bootId || recorded.pidNamespace !== self.pidNamespace) return 'other';
  const now = readIdentity(recorded.pid);
  if (now === 'unknown') return 'other';
  return now !== 'gone' && now.startTime === recorded.startTime ? 'alive' : 'gone';
}

/**
 * The command line of a process, for messages; empty when it cannot be read.
 * @param {number} pid
 */
export function processCommand(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
