/** JSON as Python writes it: with `NaN` and `Infinity`. */

const SPECIAL: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity, '-Infinity': -Infinity };
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

/** Special numbers within arrays and objects become texts. Returns undefined for what is not JSON. */
export function looseJson(text: string): unknown {
  const special = SPECIAL[text.trim()];
  if (special !== undefined) return special;
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(text.replaceAll(TOKEN, (token) => (token.startsWith('"') ? token : `"${token}"`)));
    } catch {
      return undefined;
    }
  }
}
