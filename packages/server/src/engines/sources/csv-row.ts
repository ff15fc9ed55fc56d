/** A row as CSV: every value in quotes, so that no value and an empty text stay apart. Pure. */

export function csvRow(values: readonly (string | null)[]): string {
  return `${values.map((value) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`)).join(',')}\n`;
}
