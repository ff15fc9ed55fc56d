/** The audit ledger: all actions and denials in commit order, as a tamper-evident log. */
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { LedgerDefinition, ProcessWork } from '#ledgers/ledger.ts';
import type { LoopDependencies } from '#lib/concurrency/loop.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { auditSubscriber } from './append.ts';
import { archiveHandler } from './archive-job.ts';
import { ArchiveStore, nameAuditOwners } from './archive-store.ts';
import { auditEntries } from './audit-entries.ts';
import { AuditKeyring } from './audit-keys.ts';
import { folderReceiver, webhookReceiver } from './checkpoint-receivers.ts';
import { Checkpointer, type CheckpointerDependencies } from './checkpointer.ts';
import { auditSlice } from './audit-slice.ts';
import { countByKey, KEYS_QUEUE, rewrapHandler } from './key-rotation.ts';
import { Persons } from './persons.ts';
import { selfCheckHandler } from './self-check.ts';

export { auditSlice } from './audit-slice.ts';

export interface AuditLedgerDependencies extends LoopDependencies {
  readonly database: Database;
  readonly keys: KeyStore;
  readonly blobs: BlobStore;
  readonly outbound: Outbound;
  /** Identifies this process in leases. */
  readonly holder: string;
  /** Folders of append-only checkpoint files. */
  readonly checkpointFolders: readonly string[];
  readonly checkpointWebhook: string | undefined;
  /** Retention of entries in the table, in days. */
  readonly days: number;
  /** Set by tests. */
  readonly checkpoints?: Pick<CheckpointerDependencies, 'everyEntries' | 'everyMs'>;
  readonly archiveEntries?: number;
}

export interface AuditLedger {
  readonly subscribers: readonly Subscriber[];
  readonly jobs: readonly JobHandler[];
  readonly entries: readonly OperationEntry[];
  /** Signs and delivers checkpoints, in processes that run controllers. */
  readonly start: (work: Pick<ProcessWork, 'controller'>) => Promise<void>;
  /** Signs the last entries after the kernel has stopped. */
  readonly close: () => Promise<void>;
}

export function auditLedger(dependencies: AuditLedgerDependencies): AuditLedger {
  const { database, keys, blobs, clock, log } = dependencies;
  const ring = new AuditKeyring(database, keys);
  const persons = new Persons(ring, keys);
  const archives = new ArchiveStore(new Content({ database, blobs, clock, ...CONTENT_DEFAULTS }));
  const { checkpointFolders, checkpointWebhook, days, archiveEntries } = dependencies;
  const checkpointer = new Checkpointer({
    ...dependencies,
    ...dependencies.checkpoints,
    ring,
    receivers: [
      ...checkpointFolders.map(folderReceiver),
      ...(checkpointWebhook === undefined ? [] : [webhookReceiver(checkpointWebhook, dependencies.outbound)]),
    ],
  });
  return {
    subscribers: [auditSubscriber(persons)],
    jobs: [
      archiveHandler(archives, { days, ...(archiveEntries !== undefined && { objectEntries: archiveEntries }) }),
      selfCheckHandler({ ring, archives, log }),
      rewrapHandler(keys, persons),
    ],
    entries: auditEntries({ ring, persons, archives }),
    start: async ({ controller }) => {
      if (controller) await checkpointer.start();
    },
    close: async () => await checkpointer.stop(),
  };
}

export const ledger: LedgerDefinition<AuditLedgerDependencies, AuditLedger> = {
  name: 'audit',
  slice: auditSlice,
  nameOwners: nameAuditOwners,
  keyRotation: { countByKey, queue: KEYS_QUEUE },
  open: auditLedger,
};
