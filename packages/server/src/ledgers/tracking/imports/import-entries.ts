/** Operations that import records of another server. */
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
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import type { TraceDependencies } from '../traces/trace-conventions.ts';
import { importDataset, importRecords, importScorer } from './import-evaluation.ts';
import { importExperiment } from './import-experiment.ts';
import { importLoggedModel } from './import-logged-model.ts';
import { importMetrics, importRun } from './import-run.ts';
import { importSpans, importTrace } from './import-trace.ts';
import { listImported, noteImported } from './imported-records.ts';

export function importEntries(dependencies: TrackingDependencies): readonly OperationEntry[] {
  const conventions = dependencies.options.traces;
  return [
    entry(listImportedOperation, async (tx, { input }) => await listImported(tx, input)),
    entry(noteImportedOperation, async (tx, { input }) => {
      await noteImported(tx, input);
      return {};
    }),
    entry(importExperimentOperation, async (tx, { input }) => await importExperiment(tx, input, dependencies)),
    entry(importRunOperation, async (tx, { input }) => await importRun(tx, input, dependencies)),
    entry(importMetricsOperation, async (tx, { input }) => await importMetrics(tx, input)),
    entry(importLoggedModelOperation, async (tx, { input }) => await importLoggedModel(tx, input, dependencies)),
    entry(importEvaluationDatasetOperation, async (tx, { input }) => await importDataset(tx, input)),
    entry(importEvaluationRecordsOperation, async (tx, { input }) => await importRecords(tx, input)),
    entry(importScorerOperation, async (tx, { input }) => await importScorer(tx, input)),
    ...(conventions === undefined ? [] : traceImports({ ...dependencies, conventions })),
  ];
}

function traceImports(dependencies: TraceDependencies): readonly OperationEntry[] {
  return [
    entry(importTraceOperation, async (tx, { input }) => await importTrace(tx, input, dependencies)),
    entry(importSpansOperation, async (tx, { input }) => await importSpans(tx, input, dependencies)),
  ];
}
