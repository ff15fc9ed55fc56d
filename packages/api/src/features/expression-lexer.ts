export interface ExpressionToken {
  /** `name`: in double quotes. `text`: in single quotes. `other`: outside of the language. */
  readonly kind: 'word' | 'number' | 'text' | 'name' | 'sign' | 'other';
  /** Start position. */
  readonly at: number;
  readonly raw: string;
  /** Without quotes. */
  readonly text: string;
}

const TOKEN =
  /(?<space>\s+)|(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<word>[\p{L}_][\p{L}\p{N}_]*)|(?<text>'(?:[^']|'')*')|(?<name>"(?:[^"]|"")*")|(?<sign>\|\||<=|>=|<>|!=|==|[-+*/%=<>(),.])|(?<other>.)/suy;

/** Never fails: an unknown character is a token of its own. */
export function lexExpression(text: string): ExpressionToken[] {
  const tokens: ExpressionToken[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const found = TOKEN.exec(text)?.groups;
    if (found === undefined) break;
    const kind = (['number', 'word', 'text', 'name', 'sign', 'other'] as const).find((one) => found[one] !== undefined);
    if (kind === undefined) continue;
    const raw = found[kind] ?? '';
    const quote = kind === 'text' ? "'" : kind === 'name' ? '"' : undefined;
    tokens.push({ kind, at, raw, text: quote === undefined ? raw : raw.slice(1, -1).replaceAll(quote + quote, quote) });
  }
  return tokens;
}
