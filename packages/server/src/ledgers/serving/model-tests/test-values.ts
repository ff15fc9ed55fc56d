/** Rows as bodies of `/invocations`, and the value of a response that a test checks. Pure. */
import type { ModelTest } from '@dais/api/serving';

/** A row: values by column, or a list of numbers. */
export type TestRow = Readonly<Record<string, unknown>> | readonly unknown[];

/** Default tolerance: a relative difference of 1e-6 is rounding in single precision. */
const ROUNDING = 1e-6;

export function bodyOf(row: TestRow): string {
  if (isList(row)) return JSON.stringify({ inputs: [row] });
  // A table has a scalar in each cell; lists are tensors by name.
  const tensors = Object.values(row).some((value) => Array.isArray(value));
  if (!tensors) return JSON.stringify({ dataframe_records: [row] });
  return JSON.stringify({ inputs: Object.fromEntries(Object.entries(row).map(([name, value]) => [name, [value]])) });
}

/** Returns the first row of a stored input example; undefined for other formats. */
export function firstRow(example: string | null): TestRow | undefined {
  if (example === null) return undefined;
  const body = JSON.parse(example) as Readonly<Record<string, unknown>>;
  const split = body['dataframe_split'] as { columns?: readonly string[]; data?: readonly unknown[][] } | undefined;
  if (split !== undefined) {
    const { columns, data: [row] = [] } = split;
    if (row === undefined) return undefined;
    return columns === undefined ? row : Object.fromEntries(columns.map((name, at) => [name, row[at]]));
  }
  const rows = body['dataframe_records'] ?? body['instances'] ?? body['inputs'];
  if (Array.isArray(rows)) {
    const [row] = rows as readonly unknown[];
    return typeof row === 'object' && row !== null ? (row as TestRow) : undefined;
  }
  if (typeof rows !== 'object' || rows === null) return undefined;
  return Object.fromEntries(
    Object.entries(rows).map(([name, values]) => [name, Array.isArray(values) ? (values[0] as unknown) : values]),
  );
}

/** Returns the row with another value in a column; undefined if it has no such column. */
export function withValue(row: TestRow, column: string | number, value: unknown): TestRow | undefined {
  if (isList(row)) {
    if (typeof column !== 'number' || column >= row.length) return undefined;
    return row.map((old, index) => (index === column ? value : old));
  }
  return Object.hasOwn(row, String(column)) ? { ...row, [column]: value } : undefined;
}

/** Returns the value of the tested row in the text of a response; a message if there is none. */
export function valueOf(
  answer: string,
  { output, at }: Pick<ModelTest, 'output' | 'at'>,
): { readonly value: unknown } | { readonly problem: string } {
  const { predictions } = JSON.parse(answer) as { readonly predictions: unknown };
  let value: unknown = Array.isArray(predictions)
    ? (predictions as readonly unknown[])[0]
    : isObject(predictions)
      ? Object.fromEntries(
          Object.entries(predictions).map(([name, all]) => [name, Array.isArray(all) ? (all[0] as unknown) : all]),
        )
      : predictions;
  if (isObject(value)) {
    const names = Object.keys(value);
    if (output !== undefined) {
      if (!Object.hasOwn(value, output)) return { problem: `no output "${output}", only ${names.join(', ')}` };
      value = value[output];
    } else if (names.length === 1) value = Object.values(value)[0];
  }
  if (at !== undefined) {
    if (!Array.isArray(value) || at >= value.length)
      return { problem: `${formatValue(value)}, which has no position ${at}` };
    value = (value as readonly unknown[])[at];
  }
  return { value: unwrapped(value) };
}

/** Unwraps lists with one element: models return columns of one number. */
function unwrapped(value: unknown): unknown {
  let inner = value;
  while (Array.isArray(inner) && inner.length === 1) inner = (inner as readonly unknown[])[0];
  return isObject(inner)
    ? Object.fromEntries(Object.entries(inner).map(([name, one]) => [name, unwrapped(one)]))
    : inner;
}

/** Whether a value matches the expected one; of an object, only the expected fields are compared. */
export function matchesExpected(expected: unknown, got: unknown, tolerance: number | undefined): boolean {
  const [expectedValue, found] = [unwrapped(expected), unwrapped(got)];
  if (typeof expectedValue === 'number') {
    // JSON has no NaN: a missing value is null.
    return (
      typeof found === 'number' && Math.abs(expectedValue - found) <= (tolerance ?? roundingOf(expectedValue, found))
    );
  }
  if (Array.isArray(expectedValue)) {
    if (!Array.isArray(found) || found.length !== expectedValue.length) return false;
    return expectedValue.every((one, index) => matchesExpected(one, (found as readonly unknown[])[index], tolerance));
  }
  if (isObject(expectedValue)) {
    return (
      isObject(found) &&
      Object.entries(expectedValue).every(([name, one]) => matchesExpected(one, found[name], tolerance))
    );
  }
  return expectedValue === found;
}

export function roundingOf(...values: readonly number[]): number {
  return ROUNDING * Math.max(1, ...values.map(Math.abs));
}

/** Formats a value for messages, shortened. */
export function formatValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(row: TestRow): row is readonly unknown[] {
  return Array.isArray(row);
}
