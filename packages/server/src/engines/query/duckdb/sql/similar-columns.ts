/** Suggests column names for an unknown name. Pure. */
import { nearest } from '@dais/api/nearest';

const MOST = 5;
/** Shorter names are substrings of too many names. */
const MIN_LENGTH = 3;

/** Returns columns whose name contains the name (`in_age` for `age`), also with a typo; empty without a match. */
export function similarColumns(name: string, columns: readonly string[]): readonly string[] {
  const word = lastPart(name).toLowerCase();
  const holding = columns.filter((column) => {
    const lower = column.toLowerCase();
    return lower.endsWith(`_${word}`) || lower.startsWith(`${word}_`);
  });
  const within = word.length < MIN_LENGTH ? [] : columns.filter((column) => column.toLowerCase().includes(word));
  const behind = new Map(columns.map((column) => [column.slice(column.indexOf('_') + 1), column]));
  const slips = [nearest(word, columns), behind.get(nearest(word, [...behind.keys()]) ?? '')];
  const found = [...holding, ...within, ...slips.filter((one) => one !== undefined)];
  return [...new Set(found)].slice(0, MOST);
}

/** `orders.nme`: the table is correct. */
function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
