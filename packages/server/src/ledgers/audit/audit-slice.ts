import type { Slice } from '#engines/database/contract.ts';
import { auditTables } from './migrations/0001-audit.ts';

export const auditSlice: Slice = {
  schema: 'audit',
  migrations: [auditTables],
  // A restored copy continues as a new branch and records that in its next entry. Checkpoints that were signed
  // after the backup then show which entries are missing, and do not indicate tampering. Deliveries restart
  // for the new branch.
  afterImport: `
update audit.state set forked_from = coalesce(forked_from, branch),
  forked_at = case when forked_from is null then size else forked_at end,
  branch = substr(gen_random_uuid()::text, 1, 8);
update audit.self_check set size = 0, hashes = '{}';
`,
};
