/** Search operations. */
import {
  searchDatasetsOperation,
  experimentActivityOperation,
  searchExperimentsOperation,
  searchLoggedModelsOperation,
  searchRunsOperation,
  countRunsOperation,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { TrackingOptions } from '../dependencies.ts';
import type { KnownHomes } from '../experiments/experiment-lookup.ts';
import { experimentActivity, searchExperiments } from './experiment-search.ts';
import { searchDatasetSummaries } from './dataset-summaries.ts';
import { searchModels } from './model-search.ts';
import { countRuns, searchRuns } from './run-search.ts';

export function searchEntries(options: TrackingOptions, homes: KnownHomes): readonly OperationEntry[] {
  return [
    entry(searchRunsOperation, async (tx, call) => await searchRuns(tx, call, options, homes)),
    entry(countRunsOperation, async (tx, call) => await countRuns(tx, call, options, homes)),
    entry(searchExperimentsOperation, async (tx, call) => await searchExperiments(tx, call, options)),
    entry(experimentActivityOperation, async (tx, call) => await experimentActivity(tx, call)),
    entry(searchLoggedModelsOperation, async (tx, call) => await searchModels(tx, call, options)),
    entry(searchDatasetsOperation, async (tx, call) => await searchDatasetSummaries(tx, call)),
  ];
}
