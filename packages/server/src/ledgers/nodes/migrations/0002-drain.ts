import type { Migration } from '#engines/database/contract.ts';

/**
 * `claim`: the value in `node.json` of the data folder that owns the row; null in rows of an earlier version.
 * `drain_requested_at` is set while the node drains and after that, `drained_at` from the moment on when it takes no more part in
 * the work.
 */
export const nodesDrain: Migration = {
  id: '0002-drain',
  sql: `
alter table nodes.node
  add column claim uuid,
  add column drain_requested_at timestamptz,
  add column drain_until timestamptz,
  add column drained_at timestamptz,
  add column running_jobs int,
  add column running_steps int;
`,
};
