/**
 * Conditions of steps as text: the part of CEL that compares values. They are parsed here, so that errors are found
 * where they are written; a pipeline run stores the parsed form, so that a long run does not depend on a later parser.
 */

export type ConditionExpression =
  | { readonly value: ConditionValue }
  | { readonly reference: readonly string[] }
  | {
      readonly compare: ComparisonOperator;
      readonly left: ConditionExpression;
      readonly right: ConditionExpression;
    }
  | { readonly all: readonly ConditionExpression[] }
  | { readonly any: readonly ConditionExpression[] }
  | { readonly not: ConditionExpression }
  | { readonly number: ConditionExpression };

type ConditionValue = string | number | boolean | null;
type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** An error of a condition with its character position. */
export class ConditionError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

interface Token {
  readonly kind: 'name' | 'value' | 'sign' | 'end';
  readonly text: string;
  readonly value?: ConditionValue;
  readonly at: number;
}

const LONGEST = 4096;
const DEEPEST = 50;
const SIGNS = /^(&&|\|\||==|!=|<=|>=|[<>!()[\].,])/;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?/;
const TEXT = /^("([^"\\\n]|\\.)*"|'([^'\\\n]|\\.)*')/;
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*/;
const WORDS: ReadonlyMap<string, ConditionValue> = new Map<string, ConditionValue>([
  ['true', true],
  ['false', false],
  ['null', null],
]);
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** @throws ConditionError */
export function parseCondition(text: string): ConditionExpression {
  if (text.length > LONGEST) throw new ConditionError(`has more than ${LONGEST} characters`, LONGEST);
  const reader = new Reader(tokensOf(text));
  const expression = reader.any(0);
  reader.end();
  return expression;
}

/** Every `inputs.NAME`, `parameters.NAME`, … that a condition uses. */
export function conditionReferences(expression: ConditionExpression): readonly (readonly string[])[] {
  if ('reference' in expression) return [expression.reference];
  if ('compare' in expression) return [expression.left, expression.right].flatMap(conditionReferences);
  if ('all' in expression) return expression.all.flatMap(conditionReferences);
  if ('any' in expression) return expression.any.flatMap(conditionReferences);
  if ('not' in expression) return conditionReferences(expression.not);
  return 'number' in expression ? conditionReferences(expression.number) : [];
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (kind: Token['kind'], length: number, value?: ConditionValue) => {
    tokens.push({ kind, text: text.slice(at, at + length), at, ...(value !== undefined && { value }) });
    at += length;
  };
  for (;;) {
    at += /^\s*/.exec(text.slice(at))?.[0].length ?? 0;
    const rest = text.slice(at);
    if (rest === '') return [...tokens, { kind: 'end', text: '', at }];
    const sign = SIGNS.exec(rest)?.[0];
    const number = NUMBER.exec(rest)?.[0];
    const quoted = TEXT.exec(rest)?.[0];
    const name = NAME.exec(rest)?.[0];
    if (sign !== undefined) take('sign', sign.length);
    else if (number !== undefined) take('value', number.length, Number(number));
    else if (quoted !== undefined) take('value', quoted.length, unquoted(quoted, at));
    else if (name !== undefined) {
      const word = WORDS.get(name);
      take(word === undefined ? 'name' : 'value', name.length, word);
    } else throw new ConditionError(`"${rest[0]}" has no meaning here`, at);
  }
}

function unquoted(quoted: string, at: number): string {
  return quoted.slice(1, -1).replaceAll(/\\(u[0-9a-fA-F]{4}|.)/g, (_, escaped: string) => {
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    const plain = { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"', "'": "'" }[escaped];
    if (plain === undefined) throw new ConditionError(`\\${escaped} is no escape`, at);
    return plain;
  });
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  any(depth: number): ConditionExpression {
    if (depth > DEEPEST) throw new ConditionError(`has more than ${DEEPEST} parts in each other`, this.#next.at);
    const parts = this.#joined('||', () => this.#all(depth));
    return parts.length === 1 ? parts[0]! : { any: parts };
  }

  end(): void {
    if (this.#next.kind !== 'end') throw this.#unexpected('the end, `&&` or `||`');
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  #all(depth: number): ConditionExpression {
    const parts = this.#joined('&&', () => this.#comparison(depth));
    return parts.length === 1 ? parts[0]! : { all: parts };
  }

  #joined(sign: string, read: () => ConditionExpression): ConditionExpression[] {
    const parts = [read()];
    while (this.#took(sign)) parts.push(read());
    return parts;
  }

  #comparison(depth: number): ConditionExpression {
    const left = this.#single(depth);
    const { text, kind } = this.#next;
    if (kind === 'name' && text === 'in') {
      this.#at += 1;
      return { any: this.#list(depth).map((right) => ({ compare: '==', left, right })) };
    }
    if (kind !== 'sign' || !COMPARISONS.has(text)) return left;
    this.#at += 1;
    return { compare: text as ComparisonOperator, left, right: this.#single(depth) };
  }

  #list(depth: number): ConditionExpression[] {
    this.#demand('[');
    const items: ConditionExpression[] = [];
    if (this.#took(']')) return items;
    do items.push(this.#single(depth));
    while (this.#took(','));
    this.#demand(']');
    return items;
  }

  #single(depth: number): ConditionExpression {
    if (this.#took('!')) return { not: this.#single(depth + 1) };
    if (this.#took('(')) {
      const inner = this.any(depth + 1);
      this.#demand(')');
      return inner;
    }
    const token = this.#next;
    if (token.kind === 'value') {
      this.#at += 1;
      return { value: token.value ?? null };
    }
    if (token.kind !== 'name') throw this.#unexpected('a value, `inputs.NAME` or `parameters.NAME`');
    this.#at += 1;
    if (this.#took('(')) return this.#call(token, depth);
    const path = [token.text];
    for (;;) {
      if (this.#took('.')) path.push(this.#member());
      else if (this.#took('[')) {
        const { kind, value, at } = this.#next;
        if (kind !== 'value' || (typeof value !== 'string' && !(typeof value === 'number' && value >= 0))) {
          throw new ConditionError('a member is named by text or by a number', at);
        }
        this.#at += 1;
        path.push(String(value));
        this.#demand(']');
      } else return { reference: path };
    }
  }

  #call({ text, at }: Token, depth: number): ConditionExpression {
    if (!['int', 'double', 'uint'].includes(text)) {
      throw new ConditionError(`there is no function ${text}; conditions have int() and double()`, at);
    }
    const inner = this.any(depth + 1);
    this.#demand(')');
    return { number: inner };
  }

  #member(): string {
    const { kind, text } = this.#next;
    if (kind !== 'name' && !WORDS.has(text)) throw this.#unexpected('the name of a member');
    this.#at += 1;
    return text;
  }

  #took(sign: string): boolean {
    if (this.#next.kind !== 'sign' || this.#next.text !== sign) return false;
    this.#at += 1;
    return true;
  }

  #demand(sign: string): void {
    if (!this.#took(sign)) throw this.#unexpected(`\`${sign}\``);
  }

  #unexpected(expected: string): ConditionError {
    const { kind, text, at } = this.#next;
    return new ConditionError(`${kind === 'end' ? 'it ends' : `it has ${text}`} where ${expected} is expected`, at);
  }
}
