import type { Slice } from '#engines/database/contract.ts';
import { nodesTables } from './migrations/0001-nodes.ts';
import { nodesDrain } from './migrations/0002-drain.ts';
import { nodesTokens } from './migrations/0003-tokens.ts';
import { nodesCertificates } from './migrations/0004-certificates.ts';
import { nodesSharedKeys } from './migrations/0005-shared-keys.ts';

export const nodesSlice: Slice = {
  schema: 'nodes',
  migrations: [nodesTables, nodesDrain, nodesTokens, nodesCertificates, nodesSharedKeys],
};
