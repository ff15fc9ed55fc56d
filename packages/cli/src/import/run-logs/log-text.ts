/** Makes names and texts of a log storable. */
import { createHash } from 'node:crypto';
import { storable } from '../exact-json.ts';
import type { Pairs } from '../source.ts';

const LONGEST_KEY = 250;
const LONGEST_VALUE = 100_000;
const MOST_PAIRS = 10_000;
/** Characters of all values: they go to the server in one request. */
const LARGEST = 4 << 20;
/** Deeper values become JSON. */
const DEEPEST = 10;

/** Derives the id of a run from what identifies it in its log, so that every import finds the same run. */
export function runIdOf(...identity: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
}

/** Keys and values of parameters or tags, with the number of those that exceed a limit. */
export class PairList {
  readonly #pairs = new Map<string, string>();
  #size = 0;
  omitted = 0;

  set(key: string, value: string): void {
    const name = storable(key);
    const text = storable(value);
    const isFull = this.#pairs.size >= MOST_PAIRS && !this.#pairs.has(name);
    const size = this.#size - (this.#pairs.get(name)?.length ?? 0) + text.length;
    const isTooLarge = name.length > LONGEST_KEY || text.length > LONGEST_VALUE || size > LARGEST;
    if (name === '' || isTooLarge || isFull) {
      this.omitted += 1;
      return;
    }
    this.#pairs.set(name, text);
    this.#size = size;
  }

  /** Sets one pair for each value of nested maps, with `.` between the keys. */
  setNested(key: string, value: unknown, depth = 0): void {
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < DEEPEST) {
      const entries = Object.entries(value);
      for (const [name, inner] of entries) this.setNested(key === '' ? name : `${key}.${name}`, inner, depth + 1);
      if (entries.length > 0 || key === '') return;
    }
    this.set(key, plainText(value));
  }

  all(): Pairs {
    return Object.fromEntries(this.#pairs);
  }
}

export function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // Nested deeper than the stack of this process.
    return '';
  }
}

/** A relative path for a name of a log: no part leaves the folder or is hidden from file systems. */
export function pathOf(name: string): string {
  const parts = name
    .toWellFormed()
    .split(/[/\\]/)
    // oxlint-disable-next-line no-control-regex -- control characters are replaced here
    .map((part) => part.replaceAll(/[\u0000-\u001F\u007F<>:"|?*]/g, '_').slice(0, 100))
    .filter((part) => part !== '' && part !== '.' && part !== '..');
  return parts.length === 0 ? '_' : parts.slice(0, 20).join('/');
}
