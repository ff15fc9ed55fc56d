/** Formats a count with its noun: `1 row`, `2,500 rows`. `noun` is singular and has a regular plural. */
export function countNoun(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
