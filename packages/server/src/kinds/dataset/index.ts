import { datasetKind } from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitDataset, readDatasetFacts, dataSlice, type DatasetFacts } from '#ledgers/data/index.ts';
import { forgetDatasetLabels } from '#ledgers/labeling/index.ts';
import { forgetDatasetFindings } from '#ledgers/privacy/index.ts';
import { planDataset } from './dataset-plan.ts';

/** The desired state of a dataset. Its versions are in the data ledger, which has a record for each dataset. */
export function dataset(
  clock: { readonly now: () => number },
  /** Facts of other modules for policies. */
  more: Pick<KindDefinition, 'facts'> = {},
): KindDefinition {
  return {
    spec: datasetKind,
    slice: dataSlice,
    admit: async (tx, change) => {
      await admitDataset(tx, change, clock.now());
      if (change.action === 'delete' && !change.dryRun) {
        await forgetDatasetFindings(tx, change.uid);
        await forgetDatasetLabels(tx, change.uid);
      }
      return {};
    },
    controller: {
      observe: async (resource, io): Promise<DatasetFacts> =>
        await io.read(async (tx) => await readDatasetFacts(tx, resource.metadata.name)),
      plan: ({ resource, observed }) => planDataset(resource, observed as DatasetFacts),
      perform: async () => {},
    },
    ...more,
  };
}
