/**
 * Parses JSON with 64-bit integers as texts. JSON.parse rounds integers beyond 2^53, so an entity id would silently become
 * another one.
 */

/** A string, or a number; numbers in strings are skipped with the string. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** @throws SyntaxError for invalid JSON */
export function readExactJson(text: string): unknown {
  // Only then the replacement is needed; the search is faster.
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text.replaceAll(TOKENS, (token) => (isRounded(token) ? `"${token}"` : token)));
}

function isRounded(token: string): boolean {
  return /^-?[1-9]\d{15,}$/.test(token) && !Number.isSafeInteger(Number(token));
}
