import type { Slice } from '#engines/database/contract.ts';
import { nodesTables } from './migrations/0001-nodes.ts';

export const nodesSlice: Slice = { schema: 'nodes', migrations: [nodesTables] };
