import { createHash } from 'node:crypto';
import type { TreeHasher } from '@dais/api/tlog';

const NODE = Buffer.from([1]);

/** The hashes of RFC 6962, with SHA-256 of Node. */
export const treeHasher: TreeHasher = {
  leaf: (entry) => createHash('sha256').update('\0').update(entry).digest(),
  node: (left, right) => createHash('sha256').update(NODE).update(left).update(right).digest(),
  empty: createHash('sha256').digest(),
};
