/** The operations that bring here what another server holds. */
import {
  importExperimentOperation,
  importLoggedModelOperation,
  importMetricsOperation,
  importRunOperation,
  listImportedOperation,
  noteImportedOperation,
} from '@dais/api';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import type { TrackingParts } from '../parts.ts';
import { importExperiment, type ImportedExperiment } from './import-experiment.ts';
import { importLoggedModel, type ImportedLoggedModel } from './import-logged-model.ts';
import { importMetrics, type ImportedMetrics } from './import-metrics.ts';
import { importRun, type ImportedRun } from './import-run.ts';
import { listImported, noteImported, type ImportedPage, type ImportedRecord } from './imported-records.ts';

export function importEntries(parts: TrackingParts): readonly OperationEntry[] {
  return [
    {
      operation: listImportedOperation,
      handle: async (tx, { input }: Call<ImportedPage>) => await listImported(tx, input),
    },
    {
      operation: noteImportedOperation,
      handle: async (tx, { input }: Call<ImportedRecord>) => {
        await noteImported(tx, input);
        return {};
      },
    },
    {
      operation: importExperimentOperation,
      handle: async (tx, { input }: Call<ImportedExperiment>) => await importExperiment(tx, input, parts),
    },
    {
      operation: importRunOperation,
      handle: async (tx, { input }: Call<ImportedRun>) => await importRun(tx, input, parts),
    },
    {
      operation: importMetricsOperation,
      handle: async (tx, { input }: Call<ImportedMetrics>) => await importMetrics(tx, input),
    },
    {
      operation: importLoggedModelOperation,
      handle: async (tx, { input }: Call<ImportedLoggedModel>) => await importLoggedModel(tx, input, parts),
    },
  ];
}
