/** The tokens of a filter. Never fails: an unknown character is a token of its own, and the parser rejects it. */

export type FilterTokenKind =
  /** A run of letters, digits and `_ . - / :`. */
  | 'word'
  /** A number that does not continue as a word. */
  | 'number'
  /** In single quotes: text. */
  | 'text'
  /** In double quotes: text or a name, by the expectation. */
  | 'double'
  /** In backticks: a name. */
  | 'name'
  | 'operator'
  | 'dot'
  | 'comma'
  | 'open'
  | 'close'
  /** Anything else, such as an unterminated quote. */
  | 'other';

export interface FilterToken {
  readonly kind: FilterTokenKind;
  readonly offset: number;
  /** The source text. */
  readonly raw: string;
  /** Without quotes. */
  readonly text: string;
}

const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_])/uy;
/** Names of metrics and tags contain slashes, dashes, colons and dots. */
const WORD = /[\p{L}\p{N}_][\p{L}\p{N}\p{M}_./:-]*/uy;
const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`/y;
const OPERATOR = /[=<>!~]+/y;
const SPACE = /\s+/y;
const QUOTES = { "'": 'text', '"': 'double', '`': 'name' } as const;
const SIGNS = { '.': 'dot', ',': 'comma', '(': 'open', ')': 'close' } as const;

export function lexFilter(text: string): FilterToken[] {
  const tokens: FilterToken[] = [];
  let offset = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset;
    return pattern.exec(text)?.[0];
  };
  const push = (kind: FilterTokenKind, raw: string, inner = raw) => {
    tokens.push({ kind, offset, raw, text: inner });
    offset += raw.length;
  };
  while (offset < text.length) {
    const space = match(SPACE);
    if (space !== undefined) {
      offset += space.length;
      continue;
    }
    const quoted = match(QUOTED);
    if (quoted !== undefined) {
      const quote = quoted[0] as keyof typeof QUOTES;
      push(QUOTES[quote], quoted, quoted.slice(1, -1).replaceAll(quote + quote, quote));
      continue;
    }
    // Digits after a dot are a name: `` `metrics`.5 ``.
    const number = tokens.at(-1)?.kind === 'dot' ? undefined : match(NUMBER);
    if (number !== undefined) {
      push('number', number);
      continue;
    }
    const word = match(WORD);
    if (word !== undefined) {
      // `metrics.` before a quoted name: the dot joins both.
      const joins = word.endsWith('.') && '`"\''.includes(text[offset + word.length] ?? ' ');
      push('word', joins ? word.slice(0, -1) : word);
      continue;
    }
    const operator = match(OPERATOR);
    if (operator !== undefined) {
      push('operator', operator);
      continue;
    }
    const sign = text[offset] ?? '';
    if (sign in SIGNS) push(SIGNS[sign as keyof typeof SIGNS], sign);
    // The whole character, not half of a surrogate pair. For an unterminated quote, the rest of the text.
    else push('other', sign in QUOTES ? text.slice(offset) : String.fromCodePoint(text.codePointAt(offset) ?? 0));
  }
  return tokens;
}
