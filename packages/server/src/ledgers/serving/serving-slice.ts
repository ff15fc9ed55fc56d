import type { Slice } from '#engines/database/contract.ts';
import { servingTables } from './migrations/0001-serving.ts';
import { usageTables } from './migrations/0002-usage.ts';
import { quarantineColumns } from './migrations/0003-quarantine.ts';
import { refusedVariantColumns } from './migrations/0004-refused-variants.ts';
import { gatewayTables } from './migrations/0005-gateways.ts';

export const servingSlice: Slice = {
  schema: 'serving',
  migrations: [servingTables, usageTables, quarantineColumns, refusedVariantColumns, gatewayTables],
};
