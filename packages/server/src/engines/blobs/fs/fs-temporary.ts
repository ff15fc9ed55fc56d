/**
 * Names of temporary files. Each says which process writes it, so that what a killed one left is removed at the next start,
 * not after two days: a step's output may be as large as the disk.
 */
import { createHash } from 'node:crypto';
import { checkProcess, processIdentity, type ProcessIdentity } from '#lib/system/process-identity.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}';
/** The writer is missing where the system does not name processes. */
export const TEMPORARY_NAME = new RegExp(`^${UUID}(?:\\.(\\d+)\\.(\\d+)\\.([0-9a-f]{16}))?$`);

let own: ProcessIdentity | undefined;

export function temporaryName(id: string): string {
  own ??= processIdentity(process.pid);
  return own === undefined ? id : `${id}.${own.pid}.${own.startTime}.${scopeOf(own)}`;
}

/** Whether the process that wrote it is gone. False when that cannot be known: it is of another machine or container. */
export function isAbandoned(name: string): boolean {
  own ??= processIdentity(process.pid);
  const [, pid, startTime, scope] = TEMPORARY_NAME.exec(name) ?? [];
  if (own === undefined || pid === undefined || startTime === undefined || scope !== scopeOf(own)) return false;
  return checkProcess({ ...own, pid: Number(pid), startTime }) === 'gone';
}

/** Of the processes among which a pid is unique: those of one start of a machine, in one container. */
function scopeOf({ bootId, pidNamespace }: ProcessIdentity): string {
  return createHash('sha256').update(`${bootId} ${pidNamespace}`).digest('hex').slice(0, 16);
}
