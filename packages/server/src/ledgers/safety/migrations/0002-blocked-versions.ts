import type { Migration } from '#engines/database/contract.ts';

/** Index for the list of blocked versions, which otherwise reads all scans. */
export const blockedVersionIndexes: Migration = {
  id: '0002-blocked-versions',
  sql: `
create index finding_blocks on safety.finding (project_id, version_key) where state = 'open' and severity = 'block';
create index scan_failed on safety.scan (project_id) where state = 'failed';
`,
};
