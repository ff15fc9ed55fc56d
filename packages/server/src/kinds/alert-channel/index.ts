import { findReferences } from '@dais/api';
import { alertChannelKind } from '@dais/api/webhooks';
import { kindActions, type ActionCall } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { channelController, type ChannelTools } from './alert-controller.ts';
import { deleteDeliveries } from './alert-deliveries.ts';
import { deliveryHandler, enqueueAlert } from './alert-delivery.ts';
import { alertSlice } from './alert-slice.ts';

export { enqueueAlert } from './alert-delivery.ts';

export interface AlertChannelDependencies {
  readonly kind: KindDefinition;
  readonly jobs: readonly JobHandler[];
}

export interface AlertChannelTools extends ChannelTools {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** Where alerts go. Their addresses come from users, so every call leaves through the guard of the outbound client. */
export function alertChannel(tools: AlertChannelTools): AlertChannelDependencies {
  return {
    kind: {
      spec: alertChannelKind,
      slice: alertSlice,
      admit: async (tx, { action, projectId, uid }) => {
        if (action === 'delete') await deleteDeliveries(tx.sql, projectId, uid);
        return {};
      },
      controller: channelController(tools),
      actions: kindActions(alertChannelKind, {
        test: async (tx, call) => {
          const { input, tenant } = call;
          await authorizeUses(tx, call);
          const deliveryId = await enqueueAlert(tx, input.name, {
            type: 'alert.test',
            severity: 'info',
            title: 'A test of this alert channel',
            text: input.message ?? 'If you can read this, the channel works.',
            at: new Date(tools.now()).toISOString(),
            project: tenant.name,
            subject: { kind: alertChannelKind.kind, name: input.name },
          });
          return { deliveryId };
        },
      }),
    },
    jobs: [deliveryHandler(tools, tools.now)],
  };
}

/**
 * A channel sends with the secrets that it names, so its author must be permitted to use them. @throws DaisError
 * `forbidden`
 */
async function authorizeUses(tx: Transaction, call: ActionCall<typeof alertChannelKind, 'test'>): Promise<void> {
  const { input, tenant } = call;
  const row = await readResource(tx.sql, tenant.id, alertChannelKind.kind, input.name);
  const used = row === undefined ? [] : findReferences(alertChannelKind.spec, row.spec);
  for (const { kind, name } of used) await call.authorize({ kind, name }, tenant, 'secret:use');
}
