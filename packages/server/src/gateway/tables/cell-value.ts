import type { JsonValue } from '#lib/formats/json-reader.ts';

/** A cell of CSV. `asText`: of a column of texts, where `007` has its zeros. */
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
