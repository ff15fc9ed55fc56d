/** A convention of span attributes, as functions that read one part of a span, and helpers to write them. */

export type Attributes = Readonly<Record<string, unknown>>;

export interface SpanEvent {
  readonly name: string;
  readonly attributes: Attributes;
}

export type Read = (attributes: Attributes) => unknown;
type ReadEvents = (events: readonly SpanEvent[], attributes: Attributes) => unknown;

/** Undefined results mean that the span does not have the part in this convention. */
export interface Convention {
  readonly type?: (attributes: Attributes) => string | undefined;
  readonly tokens?: (attributes: Attributes) => Readonly<Record<string, number>> | undefined;
  readonly inputs?: Read;
  readonly outputs?: Read;
  /** For writers that record messages as events. */
  readonly inputsOfEvents?: ReadEvents;
  readonly outputsOfEvents?: ReadEvents;
  readonly model?: Read;
  readonly provider?: Read;
  readonly tools?: Read;
  /** The format of the messages, for pages that show them as a conversation. */
  readonly format?: (attributes: Attributes) => string | undefined;
}

/** Returns the first value that is not empty. A pattern represents all attributes that it matches. */
export function first(...keys: readonly (string | RegExp)[]): Read {
  return (attributes) => {
    for (const key of keys) {
      const candidates = typeof key === 'string' ? [key] : Object.keys(attributes).filter((name) => key.test(name));
      for (const name of candidates) {
        const value = own(attributes, name);
        if (!isEmpty(value)) return value;
      }
    }
    return undefined;
  };
}

/** Maps the text of an attribute to a span type. */
export function kinds(key: string, types: Readonly<Record<string, string>>): NonNullable<Convention['type']> {
  return (attributes) => lookUp(types, own(attributes, key));
}

export interface TokenKeys {
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly total?: readonly string[];
  readonly cacheRead?: readonly string[];
  readonly cacheCreation?: readonly string[];
}

/** Reads numbers of tokens. The total is the sum of input and output unless the span contains it. */
export function tokens(keys: TokenKeys): NonNullable<Convention['tokens']> {
  return (attributes) => {
    const count = (names: readonly string[] = []) =>
      names.map((name) => whole(own(attributes, name))).find((value) => value !== undefined);
    return usageOf({
      input: count(keys.input),
      output: count(keys.output),
      total: count(keys.total),
      cacheRead: count(keys.cacheRead),
      cacheCreation: count(keys.cacheCreation),
    });
  };
}

interface TokenCounts {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly total?: number | undefined;
  readonly cacheRead: number | undefined;
  readonly cacheCreation: number | undefined;
}

export function usageOf(counts: TokenCounts): Readonly<Record<string, number>> | undefined {
  const { input, output, cacheRead, cacheCreation } = counts;
  const total = counts.total ?? (input !== undefined && output !== undefined ? input + output : undefined);
  if (input === undefined && output === undefined && total === undefined) return undefined;
  return {
    ...(input !== undefined && { input_tokens: input }),
    ...(output !== undefined && { output_tokens: output }),
    ...(total !== undefined && { total_tokens: total }),
    ...(cacheRead !== undefined && { cache_read_input_tokens: cacheRead }),
    ...(cacheCreation !== undefined && { cache_creation_input_tokens: cacheCreation }),
  };
}

export function own(attributes: Attributes, key: string): unknown {
  return Object.hasOwn(attributes, key) ? attributes[key] : undefined;
}

export function lookUp(map: Readonly<Record<string, string>>, key: unknown): string | undefined {
  const text = decoded(key);
  return typeof text === 'string' && Object.hasOwn(map, text) ? map[text] : undefined;
}

/** A whole number, or a text of one. */
export function whole(value: unknown): number | undefined {
  const plain = decoded(value);
  const number = typeof plain === 'number' ? plain : typeof plain === 'string' && plain !== '' ? Number(plain) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Longer texts are not parsed. */
const LONGEST = 1 << 20;
/** Lists and maps in each other, which readers of attributes can handle. */
const MAX_DEPTH = 12;

/** Returns the value of a JSON text that is a text, list or map: many writers store structures as JSON. */
export function decoded(value: unknown): unknown {
  if (typeof value !== 'string' || value.length > LONGEST || !/^\s*["[{]/.test(value)) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    return isShallow(parsed, MAX_DEPTH) ? parsed : value;
  } catch {
    return value;
  }
}

function isShallow(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return left > 0 && Object.values(value).every((one) => isShallow(one, left - 1));
}

export function isEmpty(value: unknown): boolean {
  const plain = decoded(value);
  if (plain === undefined || plain === null || plain === '' || plain === 0 || plain === false) return true;
  return typeof plain === 'object' && Object.keys(plain).length === 0;
}
