/** The ledger of nodes: the process trees that share a database, each with the number of its gateway and its load. */
import { listNodesOperation, removeNodeOperation } from '@dais/api/access';
import type { Database } from '#engines/database/contract.ts';
import { entry } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import type { Ledger, LedgerDefinition } from '#ledgers/ledger.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';
import { readNodeFile, writeNodeFile, type NodeFile } from './node-file.ts';
import {
  claimNode,
  listNodes,
  recordContact,
  recordStop,
  removeNode,
  type LiveCounts,
  type NodeLoad,
} from './node-rows.ts';
import { nodesSlice } from './nodes-slice.ts';

export { readNodeFile } from './node-file.ts';
export { liveGateways, registeredGateways, type LiveGateway, type RegisteredGateway } from './node-rows.ts';

/** What other ledgers know of this node. */
export interface ThisNode {
  /** Undefined before the node is registered. */
  readonly id: () => string | undefined;
  /** Number of live nodes at the last contact, this one included. */
  readonly liveCount: () => number;
  /** Number of live nodes with a gateway at the last contact. */
  readonly liveGateways: () => number;
  /** A node that only runs controllers has no gateway. */
  readonly hasGateway: boolean;
}

export interface NodesLedger extends Ledger {
  readonly self: ThisNode;
}

export interface NodesDependencies extends LoopDependencies {
  readonly database: Database;
  /** Data folder. */
  readonly data: string;
  /** Identifies this control process in leases. */
  readonly holder: string;
  readonly host: string;
  readonly role: 'all' | 'api' | 'controller';
  readonly version: string;
  /** Load since the call before. */
  readonly load: () => NodeLoad;
  /** Set by tests. */
  readonly contactMs?: number;
}

/** From one contact to the next. */
const CONTACT_MS = 5000;

export const ledger: LedgerDefinition<NodesDependencies, NodesLedger> = {
  name: 'nodes',
  slice: nodesSlice,
  open: (dependencies) => {
    const { database, data, holder, host, role, version, clock, log, load, contactMs = CONTACT_MS } = dependencies;
    let node: NodeFile | undefined;
    let live: LiveCounts = { nodes: 1, gateways: 1 };
    const claim = async () => {
      const before = await readNodeFile(data);
      node = await transact(
        database,
        { mode: 'write', projectId: 'all' },
        async (tx) => await claimNode(tx, { before, holder, host, role, version }),
      );
      await writeNodeFile(data, node);
      return before?.gateway !== node.gateway;
    };
    const loop = new Loop('nodes', { clock, log, pollMs: contactMs }, async () => {
      const current = node;
      if (current === undefined) return false;
      const count = await transact(
        database,
        { mode: 'write', projectId: 'all' },
        async ({ sql }) => await recordContact(sql, current, load()),
      );
      // Somebody removed it while it could not reach the database, or a copy of its data folder took it over.
      if (count !== undefined) live = count;
      else if (await claim()) {
        log.warn('This node was registered again with another gateway number. Restart it to apply the number.', {
          gateway: node?.gateway,
        });
      }
      return false;
    });
    let running = false;
    return {
      self: {
        id: () => node?.id,
        liveCount: () => live.nodes,
        liveGateways: () => live.gateways,
        hasGateway: role !== 'controller',
      },
      entries: [
        entry(listNodesOperation, async (tx, { input }) => await listNodes(tx, input)),
        entry(removeNodeOperation, async (tx, { input }) => {
          await removeNode(tx, input.id);
          return {};
        }),
      ],
      // Before the gateway starts: it reads its number from the file.
      prepare: async () => void (await claim()),
      start: async () => {
        running = true;
        await loop.start();
      },
      stop: async () => {
        if (!running) return;
        running = false;
        await loop.stop();
        const current = node;
        if (current === undefined) return;
        await transact(
          database,
          { mode: 'write', projectId: 'all' },
          async ({ sql }) => await recordStop(sql, current),
        ).catch(() => log.warn('The stop of this node could not be recorded: it is listed as unreachable.'));
      },
    };
  },
};
