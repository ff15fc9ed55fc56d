/** CPU time of a process and all that it started, from /proc: 0 on other systems than Linux. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which is 100 on all that Dais supports. */
const TICK_MS = 10;

/**
 * CPU milliseconds of the process, its running descendants, and those that ended and were waited for. Orphaned
 * processes are not included.
 * @param {number} [pid]
 * @returns {number}
 */
export function treeCpuMs(pid = process.pid) {
  return ticksOf(pid) * TICK_MS + childrenOf(pid).reduce((sum, child) => sum + treeCpuMs(child), 0);
}

/** @param {number} pid */
function ticksOf(pid) {
  const text = readText(`/proc/${pid}/stat`);
  // A program may have spaces and brackets in its name. Own user and system time, then those of ended children.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return text === '' ? 0 : fields.slice(11, 15).reduce((sum, one) => sum + Number(one), 0);
}

/**
 * Each thread has its own list.
 * @param {number} pid
 */
function childrenOf(pid) {
  return threadsOf(pid).flatMap((thread) => {
    const text = readText(`/proc/${pid}/task/${thread}/children`).trim();
    return text === '' ? [] : text.split(' ').map(Number);
  });
}

/** @param {number} pid */
function threadsOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // It ended meanwhile, or this kernel does not report it.
    return '';
  }
}

/** Seconds that all processors of the machine have worked since it started; undefined on other systems than Linux. */
export function machineCpuSeconds() {
  // The fields are user, nice, system, idle, iowait, irq, softirq; the CPU of guests is part of user.
  const fields = /^cpu +(.*)$/m.exec(readText('/proc/stat'))?.[1]?.split(' ').map(Number);
  if (fields === undefined) return undefined;
  const idle = new Set([3, 4]);
  return fields.slice(0, 7).reduce((sum, ticks, at) => (idle.has(at) ? sum : sum + ticks), 0) * (TICK_MS / 1000);
}
