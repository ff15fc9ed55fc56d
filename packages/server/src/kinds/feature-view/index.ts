import { featureViewKind } from '@dais/api/data';
import { DaisError } from '@dais/api';
import type { KindDefinition, Controller } from '#kernel/kind.ts';
import {
  admitFeatureView,
  featuresSlice,
  readOnlineState,
  startMaterialization,
  type OnlineState,
} from '#ledgers/features/index.ts';
import { SYSTEM_ORIGIN } from '#kernel/transaction.ts';
import { planFeatureView, type Refresh, type ViewFacts } from './feature-view-plan.ts';

/** Features, where they come from and how long they are true. Their values are in the ledger of features. */
export function featureView(clock: { readonly now: () => number }): KindDefinition {
  return {
    spec: featureViewKind,
    slice: featuresSlice,
    admit: async (tx, change) => {
      await admitFeatureView(tx, change);
      return {};
    },
    controller: featureViewController(clock),
  };
}

/** Reports the freshness of a view in the online store, and materializes it if its manifest has a schedule. */
function featureViewController(clock: { readonly now: () => number }): Controller<ViewFacts, Refresh> {
  return {
    observe: async ({ metadata }, io) => {
      const state: OnlineState = await io.read(async (tx) => await readOnlineState(tx, metadata.uid));
      return { ...state, nowMs: clock.now() };
    },
    plan: ({ resource, observed }) => planFeatureView(resource, observed),
    perform: async ({ view }, { metadata }, io) => {
      await io.write(async (tx) => {
        // A concurrent start of another one is also sufficient.
        if ((await readOnlineState(tx, metadata.uid)).underWay) return;
        const call = {
          input: { view, mode: 'incremental' },
          tenant: { id: tx.projectId, name: metadata.project ?? '' },
        } as const;
        await startMaterialization(tx, { ...call, context: SYSTEM_ORIGIN }, clock.now()).catch((error: unknown) => {
          if (!(error instanceof DaisError) || error.code !== 'invalid_state') throw error;
        });
      });
    },
  };
}
