/**
 * Synchronizes pushes of a view with the job that appends their rows. At its end, the job searches for newer rows. A push that commits
 * between that search and the end of the job enqueues no job, because the key is in use, so its rows would wait for the next push.
 * Therefore a push holds a shared lock until it commits, and the end of the job takes the lock exclusively.
 */
import type { Sql } from '#engines/database/contract.ts';

const LOCK = (mode: '_shared' | '') =>
  `select pg_advisory_xact_lock${mode}(hashtextextended('features append ' || $1, 0))`;

/** Locks for a push, before it writes its rows, until its transaction ends. `view`: its uid. */
export function lockForPush(sql: Sql, view: string): void {
  sql.defer(LOCK('_shared'), [view], 'share_appending');
}

/** Locks for the end of the job, before it searches for rows, until its transaction ends. */
export function lockForAppendEnd(sql: Sql, view: string): void {
  sql.defer(LOCK(''), [view], 'end_appending');
}
