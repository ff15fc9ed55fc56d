import { targetKind } from '@dais/api/executions';
import type { KindDefinition } from '#kernel/kind.ts';
import { LOCAL_TARGET } from '#ledgers/executions/index.ts';

/** The desired state of a compute target. It is read when a run starts. */
export const target: KindDefinition = {
  spec: targetKind,
  admit: async (_tx, change) => await Promise.resolve({ status: { used: change.name === LOCAL_TARGET } }),
};
