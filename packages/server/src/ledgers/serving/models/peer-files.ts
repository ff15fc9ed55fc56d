/** Files of models that other nodes have, for a node that the object store cannot give them to. */
import type { Readable } from 'node:stream';
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import { liveGateways, type NodeConnections, type ThisNode } from '#ledgers/nodes/index.ts';
import type { NodeAddress } from '#lib/node-tls/node-client.ts';
import { GATEWAY_CONTENT } from '../publishing/internal-routes.ts';

export interface PeerFilesDependencies {
  readonly database: Database;
  readonly self: ThisNode;
  readonly connections: Pick<NodeConnections, 'open'>;
}

/** Nodes that are asked for one file. */
const MAX_NODES = 8;

/** Opens a file by its digest at a node that serves it. Undefined: no node that can be reached does. */
export async function openPeerFile(
  { database, self, connections }: PeerFilesDependencies,
  digest: string,
): Promise<Readable | undefined> {
  for (const address of (await peers(database, self)).slice(0, MAX_NODES)) {
    const bytes = await connections.open(address, `${GATEWAY_CONTENT}/${digest}`).catch(() => undefined);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

async function peers(database: Database, self: ThisNode): Promise<NodeAddress[]> {
  const live = await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => await liveGateways(sql));
  return live.flatMap(({ id, address }) => (address === undefined || id === self.id() ? [] : [address]));
}
