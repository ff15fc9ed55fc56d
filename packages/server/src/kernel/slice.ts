import type { Slice } from '#engines/database/contract.ts';
import { kernelTables } from '#kernel/migrations/0001-kernel.ts';
import { contentTables } from '#kernel/migrations/0002-content.ts';
import { uploadOrigin } from '#kernel/migrations/0003-upload-origin.ts';
import { contentDamageTables } from '#kernel/migrations/0004-content-damage.ts';

export const kernelSlice: Slice = {
  schema: 'kernel',
  migrations: [kernelTables, contentTables, uploadOrigin, contentDamageTables],
  // A copy diverges from its original: positions that the original issued are not valid here, and its leases are not
  // held here.
  afterImport: `
update kernel.cursor set epoch = gen_random_uuid();
delete from kernel.lease;
update kernel.reconcile set lease_owner = null, lease_until = null, epoch = epoch + 1;
update kernel.job set state = 'pending', lease_owner = null, lease_until = null, epoch = epoch + 1 where state = 'running';
delete from kernel.collection_pause;
`,
};
