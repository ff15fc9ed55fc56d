/** Operations on traces and their assessments. */
import { logSpansOperation } from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { TraceParts } from './trace-conventions.ts';
import { assessmentEntries } from './assessments.ts';
import { logSpans } from './log-spans.ts';
import { traceDeleteEntries } from './trace-delete.ts';
import { traceInfoEntries } from './trace-info.ts';
import { traceMetricEntries } from './trace-metrics.ts';
import { traceReadEntries } from './trace-read.ts';
import { traceSearchEntries } from './trace-search.ts';

export function traceEntries(parts: TraceParts): readonly OperationEntry[] {
  return [
    entry(logSpansOperation, async (tx, { input }) => await logSpans(tx, input, parts)),
    ...traceInfoEntries(parts),
    ...traceReadEntries(parts),
    ...traceSearchEntries(parts),
    ...traceMetricEntries(parts),
    ...traceDeleteEntries(parts),
    ...assessmentEntries(parts),
  ];
}
