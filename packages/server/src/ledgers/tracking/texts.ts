/** Truncates a text to a number of characters, so that a long note does not stop a training. */
export function truncateText(text: string, longest: number): string {
  // A character has at most two UTF-16 units, so nearly every text returns here.
  if (text.length <= longest) return text;
  let [units, characters] = [0, 0];
  while (units < text.length && characters < longest) {
    units += (text.codePointAt(units) ?? 0) > 0xff_ff ? 2 : 1;
    characters += 1;
  }
  return text.slice(0, units);
}

export const LONGEST = { runTag: 8000, param: 6000, runName: 250 } as const;

/** Returns arrays for `unnest` in key order, so that calls that write the same rows cannot deadlock. */
export function columns(pairs: ReadonlyMap<string, string>): [keys: string[], values: string[]] {
  const keys = [...pairs.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  return [keys, keys.map((key) => pairs.get(key) ?? '')];
}
