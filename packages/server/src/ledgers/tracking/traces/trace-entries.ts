/** Operations on traces and their assessments. */
import { logSpansOperation } from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { TraceDependencies } from './trace-conventions.ts';
import { assessmentEntries } from './assessments.ts';
import { logSpans } from './log-spans.ts';
import { traceDeleteEntries } from './trace-delete.ts';
import { traceInfoEntries } from './trace-info.ts';
import { traceMetricEntries } from './trace-metrics.ts';
import { traceReadEntries } from './trace-read.ts';
import { traceSearchEntries } from './trace-search.ts';

export function traceEntries(dependencies: TraceDependencies): readonly OperationEntry[] {
  return [
    entry(logSpansOperation, async (tx, { input }) => await logSpans(tx, input, dependencies)),
    ...traceInfoEntries(dependencies),
    ...traceReadEntries(dependencies),
    ...traceSearchEntries(dependencies),
    ...traceMetricEntries(dependencies),
    ...traceDeleteEntries(dependencies),
    ...assessmentEntries(dependencies),
  ];
}
