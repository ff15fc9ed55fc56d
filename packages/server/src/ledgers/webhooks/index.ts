/** The webhooks ledger: subscriptions to events of a project, and their deliveries. */
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { deliveryHandler } from './delivery-job.ts';
import { webhookOutbox } from './outbox.ts';
import { webhookEntries } from './webhook-entries.ts';
import type { WebhookDependencies } from './webhook-dependencies.ts';
import { countByKey, KEYS_QUEUE, rewrapHandler } from './webhook-secret.ts';
import { webhooksSlice } from './webhooks-slice.ts';

export { nativeFormat } from './webhook-format.ts';
export type { Message, Signing, WebhookFormat } from './webhook-format.ts';
export type { Sealer, WebhookDependencies } from './webhook-dependencies.ts';
export { webhooksSlice } from './webhooks-slice.ts';

export interface WebhooksLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  readonly subscribers: readonly Subscriber[];
}

function webhooksLedger(dependencies: WebhookDependencies): WebhooksLedger {
  return {
    entries: webhookEntries(dependencies),
    jobs: [deliveryHandler(dependencies), rewrapHandler(dependencies.sealer)],
    subscribers: [webhookOutbox(dependencies.formats, dependencies.clock)],
  };
}

/** Deletes the webhooks of a deleted project. */
async function removeProjectWebhooks(tx: Transaction, projectId: string): Promise<void> {
  const home = tx.projectId;
  await tx.enter(projectId);
  await tx.sql.query('delete from webhooks.webhook where project_id = $1', [projectId]);
  await tx.enter(home);
}

export const ledger: LedgerDefinition<WebhookDependencies, WebhooksLedger> = {
  name: 'webhooks',
  slice: webhooksSlice,
  project: { remove: async (tx, { id }) => await removeProjectWebhooks(tx, id) },
  keyRotation: { countByKey, queue: KEYS_QUEUE },
  open: webhooksLedger,
};
