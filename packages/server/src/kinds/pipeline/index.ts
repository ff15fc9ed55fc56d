import { pipelineKind } from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitPipeline, authorizePipelineSpec } from '#ledgers/executions/index.ts';

/** What a person wants of a pipeline. Each change of its steps is a version, in the ledger of executions. */
export const pipeline: KindDefinition = {
  spec: pipelineKind,
  authorizeSpec: authorizePipelineSpec,
  admit: async (tx, change) => {
    await admitPipeline(tx, change);
    return {};
  },
};
