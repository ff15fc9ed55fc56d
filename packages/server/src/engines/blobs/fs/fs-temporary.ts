/**
 * Names of temporary files. Each contains the identity of the writing process, so that leftovers of a killed process are
 * removed at the next start, not after two days: the output of a step can be as large as the disk.
 */
import { createHash } from 'node:crypto';
import { judgeProcess, processIdentity, type ProcessIdentity } from '#lib/process-identity.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}';
/** The writer is missing on systems without process identities. */
export const TEMPORARY_NAME = new RegExp(`^${UUID}(?:\\.(\\d+)\\.(\\d+)\\.([0-9a-f]{16}))?$`);

let own: ProcessIdentity | undefined;

export function temporaryName(id: string): string {
  own ??= processIdentity(process.pid);
  return own === undefined ? id : `${id}.${own.pid}.${own.startTime}.${scopeOf(own)}`;
}

/**
 * Returns whether the process that wrote the file has ended. False when unknown, for a process of another machine or container.
 */
export function isAbandoned(name: string): boolean {
  own ??= processIdentity(process.pid);
  const [, pid, startTime, scope] = TEMPORARY_NAME.exec(name) ?? [];
  if (own === undefined || pid === undefined || startTime === undefined || scope !== scopeOf(own)) return false;
  return judgeProcess({ ...own, pid: Number(pid), startTime }) === 'gone';
}

/** Identifies the scope in which a pid is unique: one boot of a machine, in one container. */
function scopeOf({ bootId, pidNamespace }: ProcessIdentity): string {
  return createHash('sha256').update(`${bootId} ${pidNamespace}`).digest('hex').slice(0, 16);
}
