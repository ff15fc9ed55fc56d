/** The operations that bring here what another server holds. */
import {
  importEvaluationDatasetOperation,
  importEvaluationRecordsOperation,
  importExperimentOperation,
  importLoggedModelOperation,
  importMetricsOperation,
  importRunOperation,
  importScorerOperation,
  importSpansOperation,
  importTraceOperation,
  listImportedOperation,
  noteImportedOperation,
  type EvaluationRecord,
  type Span,
} from '@dais/api';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import type { TrackingParts } from '../parts.ts';
import type { TraceParts } from '../traces/trace-words.ts';
import {
  importDataset,
  importRecords,
  importScorer,
  type ImportedDataset,
  type ImportedScorer,
} from './import-evaluation.ts';
import { importExperiment, type ImportedExperiment } from './import-experiment.ts';
import { importLoggedModel, type ImportedLoggedModel } from './import-logged-model.ts';
import { importMetrics, type ImportedMetrics } from './import-metrics.ts';
import { importRun, type ImportedRun } from './import-run.ts';
import { importSpans, importTrace, type ImportedTrace } from './import-trace.ts';
import { listImported, noteImported, type ImportedPage, type ImportedRecord } from './imported-records.ts';

export function importEntries(parts: TrackingParts): readonly OperationEntry[] {
  const words = parts.options.traces;
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
    {
      operation: importEvaluationDatasetOperation,
      handle: async (tx, { input }: Call<ImportedDataset>) => await importDataset(tx, input),
    },
    {
      operation: importEvaluationRecordsOperation,
      handle: async (tx, { input }: Call<{ readonly id: string; readonly records: readonly EvaluationRecord[] }>) =>
        await importRecords(tx, input),
    },
    {
      operation: importScorerOperation,
      handle: async (tx, { input }: Call<ImportedScorer>) => await importScorer(tx, input),
    },
    ...(words === undefined ? [] : traceImports({ ...parts, words })),
  ];
}

function traceImports(parts: TraceParts): readonly OperationEntry[] {
  return [
    {
      operation: importTraceOperation,
      handle: async (tx, { input }: Call<ImportedTrace>) => await importTrace(tx, input, parts),
    },
    {
      operation: importSpansOperation,
      handle: async (tx, { input }: Call<{ readonly id: string; readonly spans: readonly Span[] }>) =>
        await importSpans(tx, input, parts),
    },
  ];
}
