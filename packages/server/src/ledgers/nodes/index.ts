/** The ledger of nodes: the process trees that share a database, each with the number of its gateway, its load and its drain. */
import {
  createNodeTokenOperation,
  drainNodeOperation,
  listNodesOperation,
  listNodeTokensOperation,
  nodeWork,
  removeNodeOperation,
  resumeNodeOperation,
  revokeNodeTokenOperation,
  rotateAuthorityOperation,
  type NodeRole,
} from '@dais/api/access';
import type { Database } from '#engines/database/contract.ts';
import { entry } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import type { Ledger, LedgerDefinition } from '#ledgers/ledger.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';
import type { WorkGate } from '#lib/concurrency/work-gate.ts';
import { rotateAuthority } from './certificates/authority.ts';
import { countByKey, readGenerations } from './certificates/authority-rows.ts';
import { KEYS_QUEUE, rewrapHandler } from './certificates/key-rotation.ts';
import { NodeCredentials } from './certificates/node-credentials.ts';
import type { Sealer } from './certificates/sealer.ts';
import type { JoinRules } from './node-admission.ts';
import { claimNode } from './node-claim.ts';
import { NodeConnections } from './node-connections.ts';
import { Drain, drainNode, NODES_CHANNEL, notifyNodes, resumeNode } from './node-drain.ts';
import { readNodeFile } from './node-file.ts';
import {
  listNodes,
  recordContact,
  recordStop,
  removeNode,
  type ContactState,
  type LiveCounts,
  type NodeLoad,
  type OwnNode,
} from './node-rows.ts';
import { createNodeToken, listNodeTokens, revokeNodeToken } from './node-tokens.ts';
import { SharedKeys } from './shared-keys.ts';
import { nodesSlice } from './nodes-slice.ts';

export type { JoinRules } from './node-admission.ts';
export { readNodeFile } from './node-file.ts';
export type { NodeConnections } from './node-connections.ts';
export { liveGateways, registeredGateways, type LiveGateway, type RegisteredGateway } from './node-rows.ts';

/** What other ledgers know of this node. */
export interface ThisNode {
  /** Undefined before the node is registered. */
  readonly id: () => string | undefined;
  /** Number of live nodes at the last contact, this one included. */
  readonly liveCount: () => number;
  /** Number of live nodes with a gateway at the last contact. */
  readonly liveGateways: () => number;
  /** By its role. */
  readonly hasGateway: boolean;
}

export interface NodesLedger extends Ledger {
  readonly self: ThisNode;
  /** Connections to other nodes. */
  readonly connections: NodeConnections;
  /**
   * Id of the node at the start of this process, which its steps refer to. @throws Error before the node is registered: background
   * work starts after that.
   */
  readonly place: () => string;
  /** Number of live nodes that run steps at the last contact. */
  readonly liveWorkers: () => number;
  /**
   * Returns a random key of 32 bytes that all processes of the installation share, and creates it with the first call for its name.
   * @throws DaisError `keys_unavailable`, `key_missing`, `database_unavailable`
   */
  readonly sharedKey: (name: string) => Promise<Buffer>;
}

export interface NodesDependencies extends LoopDependencies {
  readonly database: Database;
  /** Data folder. */
  readonly data: string;
  /** Identifies this control process in leases. */
  readonly holder: string;
  readonly host: string;
  readonly role: NodeRole;
  readonly version: string;
  /** Encrypts the private keys of the certificate authority. */
  readonly sealer: Sealer;
  /** Names and addresses at which other nodes reach this one. */
  readonly hosts: readonly string[];
  readonly rules: JoinRules;
  /** Load since the call before. */
  readonly load: () => NodeLoad;
  /** Closed while this node drains. */
  readonly gate: WorkGate;
  /** Set by tests. */
  readonly contactMs?: number;
}

/** From one contact to the next. */
const CONTACT_MS = 5000;
/** The same while it drains. */
const DRAIN_CONTACT_MS = 500;
/** After its start, a control process needs this long to find the steps of the one before. */
const SETTLE_MS = 3000;

export const ledger: LedgerDefinition<NodesDependencies, NodesLedger> = {
  name: 'nodes',
  slice: nodesSlice,
  keyRotation: { countByKey, queue: KEYS_QUEUE },
  open: (dependencies) => {
    const { database, data, role, clock, log, load, gate, contactMs = CONTACT_MS } = dependencies;
    const credentials = new NodeCredentials({ ...dependencies, node: () => node?.id });
    const connections = new NodeConnections(dependencies, credentials, () => loop.wake());
    const sharedKeys = new SharedKeys(dependencies);
    const drain = new Drain(database, gate);
    let node: OwnNode | undefined;
    let place: string | undefined;
    let live: LiveCounts = { nodes: 1, gateways: 1, workers: 1 };
    let startedAt = clock.now();
    let reportedAt = -Infinity;
    const claim = async () => {
      const before = await readNodeFile(data);
      node = await claimNode(database, data, dependencies);
      return before?.gateway !== node.gateway;
    };
    let announced: number | undefined;
    let following: Promise<void> = Promise.resolve();
    const contact = async (current: OwnNode): Promise<ContactState | undefined> => {
      // Load is measured between two reports.
      const isDue = clock.now() - reportedAt >= contactMs;
      if (isDue) reportedAt = clock.now();
      const authority = credentials.trusted;
      const { address } = connections;
      const report = { ...drain.running(), load: isDue ? load() : undefined, address, authority };
      const [state, generations] = await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
        // Other nodes wait until this one trusts a new generation.
        if (authority !== announced) notifyNodes(sql);
        return [
          await recordContact(sql, current, report),
          authority === undefined ? undefined : await readGenerations(sql),
        ];
      });
      announced = authority;
      // The key store can be slow: contacts do not wait for it.
      if (generations !== undefined) following = credentials.follow(generations, () => loop.wake());
      return state;
    };
    let cancelNext = () => {};
    const loop: Loop = new Loop('nodes', { clock, log, pollMs: contactMs }, async () => {
      const current = node;
      if (current === undefined) return false;
      const state = await contact(current);
      if (state !== undefined) {
        ({ live } = state);
        const isSettled = clock.now() - startedAt >= SETTLE_MS;
        const again = await drain.follow(current, state, isSettled);
        cancelNext();
        if (again) cancelNext = clock.after(Math.min(DRAIN_CONTACT_MS, contactMs), () => loop.wake());
        return false;
      }
      if (!gate.isOpen) {
        node = undefined;
        log.warn('This drained node was removed. Stop Dais on it; a restart registers it as a new node.');
        return false;
      }
      // Somebody removed it while it could not reach the database, or a copy of its data folder took it over.
      if (await claim()) {
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
        hasGateway: nodeWork[role].gateway,
      },
      connections,
      jobs: [rewrapHandler(dependencies.sealer)],
      place: () => {
        if (place === undefined) throw new Error('the node is not registered yet');
        return place;
      },
      liveWorkers: () => live.workers,
      sharedKey: async (name) => await sharedKeys.get(name),
      entries: [
        entry(listNodesOperation, async (tx, { input }) => await listNodes(tx, input)),
        entry(removeNodeOperation, async (tx, { input }) => {
          await removeNode(tx, input.id);
          return {};
        }),
        entry(drainNodeOperation, async (tx, { input }) => await drainNode(tx, input)),
        entry(resumeNodeOperation, async (tx, { input }) => await resumeNode(tx, input.id)),
        entry(rotateAuthorityOperation, async (tx, { input }) => await rotateAuthority(tx, dependencies, input)),
        entry(
          createNodeTokenOperation,
          async (tx, { input, context }) => await createNodeToken(tx, input, context.principal),
        ),
        entry(listNodeTokensOperation, async (tx, { input }) => await listNodeTokens(tx, input)),
        entry(revokeNodeTokenOperation, async (tx, { input }) => {
          await revokeNodeToken(tx, input.id);
          return {};
        }),
      ],
      // Before the gateway starts: it reads its number from the file. Before all work: a drained node takes none.
      prepare: async () => {
        await claim();
        place = node?.id;
        startedAt = clock.now();
        const state = node && (await contact(node));
        if (state !== undefined) ({ live } = state);
        gate.isOpen = state?.drains !== true;
      },
      start: async () => {
        running = true;
        await loop.start((wake) => database.listen(NODES_CHANNEL, wake));
      },
      stop: async () => {
        if (!running) return;
        running = false;
        await loop.stop();
        await following;
        cancelNext();
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
