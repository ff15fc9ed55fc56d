/**
 * Between those who push rows of a view and the job that appends them. Its end looks for what came since; who commits after that look
 * and before that end has found a job under its key, and adds none: their rows would wait for the next push. So a push holds
 * a shared lock until it commits, and the end waits for all of those, and holds off further ones.
 */
import type { Sql } from '#engines/database/contract.ts';

const LOCK = (mode: '_shared' | '') =>
  `select pg_advisory_xact_lock${mode}(hashtextextended('features append ' || $1, 0))`;

/** Of a push, before its rows are written: until its transaction ends. `view`: its uid. */
export function shareAppending(sql: Sql, view: string): void {
  sql.defer(LOCK('_shared'), [view], 'share_appending');
}

/** Of the end of the job, before it looks for rows: until its transaction ends. */
export function endAppending(sql: Sql, view: string): void {
  sql.defer(LOCK(''), [view], 'end_appending');
}
