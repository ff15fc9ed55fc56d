/** Converts a labeled task to a row of a dataset. Pure. */
import type { AnnotationRow, TaskRow } from './task-rows.ts';

/** Columns of the labels, in addition to those of `data`. */
const OWN = ['label', 'label_result', 'label_guideline', 'label_agreeing', 'label_at'] as const;

/**
 * Returns the fields of `data`, nested values as JSON text, and the label. A field with the name of a label column gets the prefix
 * `data_`. Annotators are not included. Undefined for a task without an accepted label.
 */
export function tableRow(
  { body, number }: TaskRow,
  annotations: readonly AnnotationRow[],
  left: ReadonlySet<string>,
): Readonly<Record<string, unknown>> | undefined {
  const accepted = annotations.find(({ reviews }) => reviews.at(-1)?.verdict === 'accepted');
  if (accepted === undefined) return undefined;
  const label = accepted.label.join(' + ');
  const data = Object.entries((body['data'] ?? {}) as Record<string, unknown>)
    .filter(([key]) => !left.has(key) && key !== '')
    .map(([key, value]) => [renamed(key), flat(value)] as const);
  return {
    label_task: number,
    ...Object.fromEntries(data),
    label,
    label_result: JSON.stringify(accepted.body['result'] ?? []),
    label_guideline: accepted.guideline,
    label_agreeing: annotations.filter((one) => !one.cancelled && one.label.join(' + ') === label).length,
    label_at: accepted.labelled_at === null ? null : new Date(Number(accepted.labelled_at)).toISOString(),
  };
}

function renamed(key: string): string {
  return key === 'label_task' || OWN.some((own) => own === key) ? `data_${key}` : key;
}

function flat(value: unknown): unknown {
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : value;
}
