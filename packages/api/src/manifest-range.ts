/**
 * The range of a manifest part in its text. Nodes of the YAML library are detected by their shape, so that this file
 * does not depend on it.
 */
import { formatPath } from '#validation.ts';

/** Characters from the start of the text. */
export interface TextRange {
  readonly from: number;
  readonly to: number;
}

interface Node {
  readonly range?: readonly [number, number, number] | null;
  /** Of a map or a list. */
  readonly items?: readonly unknown[];
  /** Of a scalar; a map or a list has none. */
  readonly value?: string | number | boolean | bigint | null;
}

interface Pair {
  readonly key: unknown;
  readonly value: unknown;
}

/** The key (or list item) at `path`, or the nearest ancestor in the text. `contents` is that of a document. */
export function rangeAt(contents: unknown, path: string): TextRange {
  let node = contents;
  let at = keyRange(node);
  let text = '';
  while (text !== path && itemsOf(node) !== undefined) {
    const steps = (itemsOf(node) ?? []).flatMap((item, index) => {
      const key = isPair(item) ? scalarOf(item.key) : index;
      if (key === undefined) return [];
      const location = formatPath([...(text === '' ? [] : [text]), key]);
      const leads = path === location || path.startsWith(`${location}.`) || path.startsWith(`${location}[`);
      return leads
        ? [{ place: location, key: isPair(item) ? item.key : item, value: isPair(item) ? item.value : item }]
        : [];
    });
    // Keys can contain dots: the longest match applies.
    const [found] = steps.toSorted((one, other) => other.place.length - one.place.length);
    if (found === undefined) break;
    ({ place: text, value: node } = found);
    at = keyRange(found.key);
  }
  return at;
}

function keyRange(node: unknown): TextRange {
  const range = (node as Node | null | undefined)?.range ?? undefined;
  if (range === undefined) return { from: 0, to: 1 };
  // Marking a whole map would be too much: its first key is marked instead.
  const [first] = itemsOf(node) ?? [];
  if (isPair(first)) return keyRange(first.key);
  return { from: range[0], to: Math.max(range[1], range[0] + 1) };
}

function itemsOf(node: unknown): readonly unknown[] | undefined {
  return (node as Node | null | undefined)?.items;
}

function isPair(item: unknown): item is Pair {
  return typeof item === 'object' && item !== null && 'key' in item;
}

function scalarOf(node: unknown): string | undefined {
  const { items, value } = (node ?? {}) as Node;
  return items === undefined && value !== undefined ? String(value) : undefined;
}
