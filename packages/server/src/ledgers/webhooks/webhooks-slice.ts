import type { Slice } from '#engines/database/contract.ts';
import { webhookTables } from './migrations/0001-webhooks.ts';

export const webhooksSlice: Slice = { schema: 'webhooks', migrations: [webhookTables] };
