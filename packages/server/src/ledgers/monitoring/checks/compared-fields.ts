/** Both sides of each column of a window. Pure. */
import type { ColumnSummary } from '#lib/statistics/column-summary.ts';
import type { Baseline, StoredField } from '../baselines.ts';
import { isNamed, keyOfField, type Field } from '../fields.ts';

export interface ComparedField {
  readonly field: Pick<Field, 'side' | 'name' | 'family' | 'masked'>;
  readonly current: ColumnSummary;
  readonly baseline: StoredField | undefined;
}

/** Where the baseline has a field, and where its `rest` has it: what the training data cannot have. */
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

/** Inputs that a check is about. */
export function chosen(fields: readonly ComparedField[], choice: Choice): readonly ComparedField[] {
  return fields.filter(({ field }) => field.side === 'input' && isChosen(field, choice));
}

export function isChosen(field: Pick<Field, 'name'>, { columns, exclude }: Choice): boolean {
  return (columns === undefined || isNamed(field, columns)) && (exclude === undefined || !isNamed(field, exclude));
}

/** Names that a check asks for and the window does not have. */
export function absent(fields: readonly ComparedField[], columns: readonly string[] | undefined): readonly string[] {
  return (columns ?? []).filter(
    (name) => !fields.some(({ field }) => field.side === 'input' && isNamed(field, [name])),
  );
}
