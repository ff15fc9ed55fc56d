import type { Slice } from '#engines/database/contract.ts';
import { auditTables } from './migrations/0001-audit.ts';

export const auditSlice: Slice = {
  schema: 'audit',
  migrations: [auditTables],
  // A copy goes on as another branch than its original, and says so in its next entry: checkpoints that were signed
  // after the moment of the copy then tell what is gone, and are no sign of tampering. What was delivered outside is
  // told again for the new branch.
  afterImport: `
update audit.state set forked_from = coalesce(forked_from, branch),
  forked_at = case when forked_from is null then size else forked_at end,
  branch = substr(gen_random_uuid()::text, 1, 8);
update audit.self_check set size = 0, hashes = '{}';
`,
};
