/** Formats a row as CSV: quotes every value, so that NULL and empty text differ. Pure. */

export function csvRow(values: readonly (string | null)[]): string {
  return `${values.map((value) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`)).join(',')}\n`;
}
