/** The columns of a window with their baseline. Pure. */
import type { ColumnSummary } from '#lib/statistics/column-summary.ts';
import type { Baseline, StoredField } from '../baselines/baselines.ts';
import { isNamed, keyOfField, type Field } from '../metrics/fields.ts';

export interface ComparedField {
  readonly field: Pick<Field, 'side' | 'name' | 'family' | 'masked'>;
  readonly current: ColumnSummary;
  readonly baseline: StoredField | undefined;
}

/** Pairs fields with the baseline, or with its complement for fields that training data cannot contain. */
export function compareFields(
  current: readonly StoredField[],
  baseline: Pick<Baseline, 'fields'> | undefined,
  rest: Pick<Baseline, 'fields'> | undefined,
): readonly ComparedField[] {
  return current.map((field) => {
    const key = keyOfField(field);
    return { field, current: field.summary, baseline: baseline?.fields.get(key) ?? rest?.fields.get(key) };
  });
}

interface Choice {
  readonly columns?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
}

/** Returns the inputs that a check applies to. */
export function chosen(fields: readonly ComparedField[], choice: Choice): readonly ComparedField[] {
  return fields.filter(({ field }) => field.side === 'input' && isChosen(field, choice));
}

export function isChosen(field: Pick<Field, 'name'>, { columns, exclude }: Choice): boolean {
  return (columns === undefined || isNamed(field, columns)) && (exclude === undefined || !isNamed(field, exclude));
}

/** Returns the columns of a check that the window does not contain. */
export function absent(fields: readonly ComparedField[], columns: readonly string[] | undefined): readonly string[] {
  return (columns ?? []).filter(
    (name) => !fields.some(({ field }) => field.side === 'input' && isNamed(field, [name])),
  );
}
