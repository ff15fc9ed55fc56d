import { pipelineKind } from '@dais/api/executions';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitPipeline, authorizePipelineSpec } from '#ledgers/executions/index.ts';

/** The desired state of a pipeline. Each change of its steps creates a version in the executions ledger. */
export const pipeline: KindDefinition = {
  spec: pipelineKind,
  authorizeSpec: authorizePipelineSpec,
  admit: async (tx, change) => {
    await admitPipeline(tx, change);
    return {};
  },
};
