import type { Slice } from '#engines/database/contract.ts';
import { nodesTables } from './migrations/0001-nodes.ts';
import { nodesDrain } from './migrations/0002-drain.ts';
import { nodesTokens } from './migrations/0003-tokens.ts';

export const nodesSlice: Slice = { schema: 'nodes', migrations: [nodesTables, nodesDrain, nodesTokens] };
