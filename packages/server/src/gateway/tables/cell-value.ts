import type { JsonValue } from '#lib/json-reader.ts';

/** Parses a CSV cell. `asText`: for a column of strings, where `007` keeps its zeros. */
export function cellValue(text: string, asText: boolean): JsonValue {
  if (text === '') return null;
  if (asText) return text;
  if (/^-?\d+$/.test(text)) {
    const whole = Number(text);
    return Number.isSafeInteger(whole) ? whole : BigInt(text);
  }
  if (/^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) return Number(text);
  if (text === 'NaN' || text === 'nan') return Number.NaN;
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  return text;
}
