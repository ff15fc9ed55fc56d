/** An entry that the palette can find. */
export interface PaletteEntry {
  readonly id: string;
  readonly title: string;
  readonly hint: string;
}

/**
 * Returns the entries whose title or hint contains every word; those that begin with the first word come first. Simple
 * enough to filter ten thousand entries on each key press.
 */
export function matchEntries<Entry extends PaletteEntry>(
  entries: readonly Entry[],
  text: string,
  most: number,
): readonly Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const [first] = words;
  if (first === undefined) return entries.slice(0, most);
  const begins: Entry[] = [];
  const holds: Entry[] = [];
  for (const entry of entries) {
    const title = entry.title.toLowerCase();
    if (!words.every((word) => title.includes(word) || entry.hint.includes(word))) continue;
    if (title.startsWith(first)) begins.push(entry);
    else holds.push(entry);
    if (begins.length >= most) break;
  }
  return [...begins, ...holds].slice(0, most);
}
