/**
 * JSON with whole numbers of 64 bits, which JavaScript's own reader rounds beyond 2^53: ids of entities would silently become
 * those of others. They are texts here, as everywhere in Dais.
 */

/** A string, or a whole number of 16 digits and more; what stands in a string is passed over with it. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;

/** @throws SyntaxError for what is no JSON. */
export function readExactJson(text: string): unknown {
  // Only then is there anything to save; the search is quicker than the replacement.
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text.replaceAll(TOKENS, (token) => (token.startsWith('"') || isExact(token) ? token : `"${token}"`)));
}

function isExact(digits: string): boolean {
  return String(Number(digits)) === digits && Number.isSafeInteger(Number(digits));
}
