/** The operations that search. */
import {
  searchDatasetsOperation,
  experimentActivityOperation,
  searchExperimentsOperation,
  searchLoggedModelsOperation,
  searchRunsOperation,
  countRunsOperation,
} from '@dais/api';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import type { TrackingOptions } from '../options.ts';
import { experimentActivity } from './experiment-activity.ts';
import { searchDatasetSummaries, type DatasetSummaryInput } from './dataset-summaries.ts';
import { searchExperiments } from './experiment-search.ts';
import { searchModels, type ModelSearchInput } from './model-search.ts';
import { countRuns, searchRuns, type RunSearchInput } from './run-search.ts';
import type { SearchInput } from './search-page.ts';

export function searchEntries(options: TrackingOptions): readonly OperationEntry[] {
  return [
    {
      operation: searchRunsOperation,
      handle: async (tx, call: Call<RunSearchInput>) => await searchRuns(tx, call, options),
    },
    {
      operation: countRunsOperation,
      handle: async (tx, call: Call<RunSearchInput>) => await countRuns(tx, call, options),
    },
    {
      operation: searchExperimentsOperation,
      handle: async (tx, call: Call<SearchInput>) => await searchExperiments(tx, call, options),
    },
    {
      operation: experimentActivityOperation,
      handle: async (tx, call: Call<{ readonly ids: readonly string[] }>) => await experimentActivity(tx, call),
    },
    {
      operation: searchLoggedModelsOperation,
      handle: async (tx, call: Call<ModelSearchInput>) => await searchModels(tx, call, options),
    },
    {
      operation: searchDatasetsOperation,
      handle: async (tx, call: Call<DatasetSummaryInput>) => await searchDatasetSummaries(tx, call),
    },
  ];
}
