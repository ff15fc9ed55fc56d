/** Filters and paths of SCIM 2.0 (RFC 7644, sections 3.4.2.2 and 3.5.2). Names of attributes are in lower case. */

export interface AttributePath {
  /** URN of the schema, if the text names it; in lower case. */
  readonly schema?: string;
  readonly attribute: string;
  readonly sub?: string;
}

const operators = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
export type Operator = (typeof operators)[number];
export type FilterValue = string | number | boolean | null;

export type Filter =
  | { readonly op: 'and' | 'or'; readonly parts: readonly Filter[] }
  | { readonly op: 'not'; readonly part: Filter }
  | { readonly op: 'present'; readonly path: AttributePath }
  | {
      readonly op: 'compare';
      readonly path: AttributePath;
      readonly operator: Operator;
      readonly value: FilterValue;
    }
  /** Some value of the attribute matches: `emails[type eq "work"]`. */
  | { readonly op: 'some'; readonly path: AttributePath; readonly filter: Filter };

/** The target of a PATCH operation: `emails[type eq "work"].value`. */
export interface PatchPath {
  readonly path: AttributePath;
  readonly filter?: Filter;
}

/** The text is not valid. The message has its position. */
export class InvalidFilter extends Error {
  override readonly name = 'InvalidFilter';
}

/** In characters. */
const LONGEST = 2000;
const DEEPEST = 10;
const MOST_COMPARISONS = 50;

/** @throws InvalidFilter */
export function parseFilter(text: string): Filter {
  const parser = new Parser(text);
  const filter = parser.filter(0);
  parser.end();
  return filter;
}

/** @throws InvalidFilter */
export function parsePatchPath(text: string): PatchPath {
  const parser = new Parser(text);
  const path = parser.path();
  const filter = parser.valueFilter(0);
  if (filter === undefined) {
    parser.end();
    return { path };
  }
  const sub = parser.subAttribute();
  parser.end();
  if (path.sub !== undefined && sub !== undefined) throw new InvalidFilter(`"${text}" has two sub-attributes.`);
  return { path: { ...path, ...(sub !== undefined && { sub }) }, filter };
}

interface Token {
  readonly text: string;
  /** From 0. */
  readonly at: number;
}

// A string of JSON, a bracket, or a word: a path, an operator or a number.
const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[()[\]]|[^\s()[\]"]+)/suy;
const URN_PATH = /^(urn:[a-z0-9:._-]+?):([a-z$][a-z0-9$_-]*(?:\.[a-z$][a-z0-9$_-]*)?)$/;
const PLAIN_PATH = /^([a-z$][a-z0-9$_-]*)(?:\.([a-z$][a-z0-9$_-]*))?$/;

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #comparisons = 0;

  constructor(text: string) {
    if (text.length > LONGEST) throw new InvalidFilter(`The text has more than ${LONGEST} characters.`);
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  filter(depth: number): Filter {
    return this.#joined('or', depth, () => this.#joined('and', depth, () => this.#term(depth)));
  }

  path(): AttributePath {
    const token = this.#take('an attribute');
    const text = token.text.toLowerCase();
    const urn = URN_PATH.exec(text);
    const plain = PLAIN_PATH.exec(urn?.[2] ?? text);
    if (plain?.[1] === undefined) throw this.#error(token, 'an attribute');
    return {
      ...(urn?.[1] !== undefined && { schema: urn[1] }),
      attribute: plain[1],
      ...(plain[2] !== undefined && { sub: plain[2] }),
    };
  }

  /** The filter in square brackets, if one follows. */
  valueFilter(depth: number): Filter | undefined {
    if (this.#peek() !== '[') return undefined;
    this.#next++;
    const filter = this.filter(depth + 1);
    this.#expect(']');
    return filter;
  }

  /** `.value` after a bracket. */
  subAttribute(): string | undefined {
    if (this.#peek() === undefined) return undefined;
    const token = this.#take('a sub-attribute');
    const sub = /^\.([a-z$][a-z0-9$_-]*)$/.exec(token.text.toLowerCase())?.[1];
    if (sub === undefined) throw this.#error(token, 'a sub-attribute');
    return sub;
  }

  end(): void {
    const token = this.#tokens[this.#next];
    if (token !== undefined) throw this.#error(token, 'the end');
  }

  #joined(op: 'and' | 'or', depth: number, part: () => Filter): Filter {
    if (depth > DEEPEST) throw new InvalidFilter(`The filter has more than ${DEEPEST} levels.`);
    const parts = [part()];
    while (this.#peek()?.toLowerCase() === op) {
      this.#next++;
      parts.push(part());
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { op, parts };
  }

  #term(depth: number): Filter {
    const word = this.#peek();
    if (word?.toLowerCase() === 'not' && this.#tokens[this.#next + 1]?.text === '(') {
      this.#next += 2;
      const part = this.filter(depth + 1);
      this.#expect(')');
      return { op: 'not', part };
    }
    if (word === '(') {
      this.#next++;
      const inner = this.filter(depth + 1);
      this.#expect(')');
      return inner;
    }
    return this.#comparison(depth);
  }

  #comparison(depth: number): Filter {
    if (++this.#comparisons > MOST_COMPARISONS)
      throw new InvalidFilter(`The filter has more than ${MOST_COMPARISONS} comparisons.`);
    const path = this.path();
    const inner = this.valueFilter(depth);
    if (inner !== undefined) return { op: 'some', path, filter: inner };
    const token = this.#take('an operator');
    const word = token.text.toLowerCase();
    if (word === 'pr') return { op: 'present', path };
    const operator = operators.find((one) => one === word);
    if (operator === undefined) throw this.#error(token, `one of ${operators.join(', ')}, pr`);
    return { op: 'compare', path, operator, value: this.#value() };
  }

  #value(): FilterValue {
    const token = this.#take('a value');
    try {
      // Entra ID sends `True` and `False`.
      const value: unknown = JSON.parse(token.text.startsWith('"') ? token.text : token.text.toLowerCase());
      // The database stores no text with U+0000.
      const isText = typeof value === 'string' && !value.includes('\u0000');
      if (value === null || isText || typeof value === 'number' || typeof value === 'boolean') return value;
    } catch {
      // Reported below.
    }
    throw this.#error(token, 'a text in double quotes, a number, true, false or null');
  }

  #peek(): string | undefined {
    return this.#tokens[this.#next]?.text;
  }

  #take(expected: string): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw new InvalidFilter(`The text ends where ${expected} is expected.`);
    this.#next++;
    return token;
  }

  #expect(text: string): void {
    const token = this.#take(`"${text}"`);
    if (token.text !== text) throw this.#error(token, `"${text}"`);
  }

  #error({ at }: Token, expected: string): InvalidFilter {
    return new InvalidFilter(
      `Character ${at + 1} is ${JSON.stringify(this.#text.slice(at, at + 20))}; expected ${expected}.`,
    );
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const match = TOKEN.exec(text);
    if (match?.[1] === undefined) {
      const rest = text.slice(at).trimStart();
      if (rest === '') break;
      throw new InvalidFilter(`Character ${text.length - rest.length + 1} is ${JSON.stringify(rest.slice(0, 20))}.`);
    }
    tokens.push({ text: match[1], at: TOKEN.lastIndex - match[1].length });
  }
  return tokens;
}
