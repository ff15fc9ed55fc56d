import type { Migration } from '#engines/database/contract.ts';

/**
 * `missing_ids`: nodes that did not run during the erasure. While there are any, the row keeps the value, and the erasure is
 * repeated when one of them runs again.
 */
export const missingNodes: Migration = {
  id: '0002-missing-nodes',
  sql: `
alter table predictions.erasure add column missing_ids jsonb not null default '[]';
create index erasure_missing on predictions.erasure (id) where missing_ids <> '[]';
`,
};
