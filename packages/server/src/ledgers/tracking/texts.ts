/** Longer texts are cut off: a training is not stopped by a long note. Counted in characters, as people count them. */
export function cutOff(text: string, longest: number): string {
  // A character is at most two units: nearly every text passes here.
  if (text.length <= longest) return text;
  let [units, characters] = [0, 0];
  while (units < text.length && characters < longest) {
    units += (text.codePointAt(units) ?? 0) > 0xff_ff ? 2 : 1;
    characters += 1;
  }
  return text.slice(0, units);
}

export const LONGEST = { runTag: 8000, param: 6000, runName: 250 } as const;

/** As arrays for `unnest`, in the order of the keys: two calls that write the same rows then wait, and never deadlock. */
export function columns(pairs: ReadonlyMap<string, string>): [keys: string[], values: string[]] {
  const keys = [...pairs.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  return [keys, keys.map((key) => pairs.get(key) ?? '')];
}
