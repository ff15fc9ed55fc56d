/**
 * Expressions of on-demand features: the part of SQL with the same result in the query engine, over millions of rows,
 * and in the server, for one row. Other SQL is rejected with its position when the view is applied. Pure functions.
 */
import { lexExpression, type ExpressionToken } from '#features/expression-lexer.ts';

/**
 * Numbers are 64-bit floats, also for integer columns; the result of a NULL operand is NULL unless documented
 * otherwise; an undefined result (division by zero, the root of a negative number) is NULL.
 */
export type Expression =
  | { readonly of: 'literal'; readonly value: number | string | boolean | null }
  | { readonly of: 'column'; readonly name: string; readonly view?: string; readonly at: number }
  | { readonly of: 'call'; readonly name: FunctionWord; readonly values: readonly Expression[]; readonly at: number }
  | {
      readonly of: 'case';
      readonly branches: readonly { readonly when: Expression; readonly gives: Expression }[];
      readonly otherwise: Expression;
      readonly at: number;
    };

export const functionWords = [
  '+',
  '-',
  '*',
  '/',
  '%',
  'negate',
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'and',
  'or',
  'not',
  'is-null',
  'coalesce',
  'null-if',
  'least',
  'greatest',
  'abs',
  'floor',
  'ceil',
  'round',
  'sqrt',
  'ln',
  'exp',
  'power',
  'lower',
  'upper',
  'trim',
  'length',
  'concat',
  'starts-with',
  'contains',
  'epoch',
] as const;
export type FunctionWord = (typeof functionWords)[number];

/** SQL names of functions, with the number of arguments. */
const CALLS: Readonly<Record<string, { readonly word: FunctionWord; readonly least: number; readonly most: number }>> =
  {
    coalesce: { word: 'coalesce', least: 1, most: 100 },
    nullif: { word: 'null-if', least: 2, most: 2 },
    least: { word: 'least', least: 1, most: 100 },
    greatest: { word: 'greatest', least: 1, most: 100 },
    abs: { word: 'abs', least: 1, most: 1 },
    floor: { word: 'floor', least: 1, most: 1 },
    ceil: { word: 'ceil', least: 1, most: 1 },
    ceiling: { word: 'ceil', least: 1, most: 1 },
    round: { word: 'round', least: 1, most: 1 },
    sqrt: { word: 'sqrt', least: 1, most: 1 },
    ln: { word: 'ln', least: 1, most: 1 },
    exp: { word: 'exp', least: 1, most: 1 },
    power: { word: 'power', least: 2, most: 2 },
    pow: { word: 'power', least: 2, most: 2 },
    lower: { word: 'lower', least: 1, most: 1 },
    upper: { word: 'upper', least: 1, most: 1 },
    trim: { word: 'trim', least: 1, most: 1 },
    length: { word: 'length', least: 1, most: 1 },
    starts_with: { word: 'starts-with', least: 2, most: 2 },
    contains: { word: 'contains', least: 2, most: 2 },
    epoch: { word: 'epoch', least: 1, most: 1 },
  };

/** Limits recursion of the parser. */
const DEEPEST = 100;

export interface ExpressionProblem {
  /** Position in the text, from 0. */
  readonly at: number;
  readonly message: string;
}

export type ParsedExpression =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly problem: ExpressionProblem };

class Refused extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

export function parseExpression(text: string): ParsedExpression {
  try {
    const parser = new Parser(lexExpression(text), text.length);
    return { ok: true, expression: parser.whole() };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, problem: { at: error.at, message: error.message } };
    throw error;
  }
}

class Parser {
  readonly #tokens: readonly ExpressionToken[];
  readonly #end: number;
  #position = 0;
  #depth = 0;

  constructor(tokens: readonly ExpressionToken[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  whole(): Expression {
    const expression = this.#or();
    const rest = this.#tokens[this.#position];
    if (rest !== undefined) throw new Refused(rest.at, `"${rest.raw}" is more than one expression`);
    return expression;
  }

  get #at(): number {
    return this.#tokens[this.#position]?.at ?? this.#end;
  }

  /** Consumes a sign or a word, in any case, when it comes next. */
  #take(...words: readonly string[]): string | undefined {
    const token = this.#tokens[this.#position];
    if (token === undefined || (token.kind !== 'word' && token.kind !== 'sign')) return undefined;
    const word = token.raw.toLowerCase();
    if (!words.includes(word)) return undefined;
    this.#position += 1;
    return word;
  }

  #need(word: string): void {
    if (this.#take(word) !== undefined) return;
    const found = this.#tokens[this.#position];
    throw new Refused(this.#at, `${word} is missing${found === undefined ? ' at the end' : ` before "${found.raw}"`}`);
  }

  #or(): Expression {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new Refused(this.#at, `is nested deeper than ${DEEPEST}`);
    let left = this.#and();
    for (let at = this.#at; this.#take('or') !== undefined; at = this.#at) left = call('or', at, left, this.#and());
    this.#depth -= 1;
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    for (let at = this.#at; this.#take('and') !== undefined; at = this.#at) left = call('and', at, left, this.#not());
    return left;
  }

  #not(): Expression {
    const at = this.#at;
    let negated = false;
    while (this.#take('not') !== undefined) negated = !negated;
    const value = this.#comparison();
    return negated ? call('not', at, value) : value;
  }

  #comparison(): Expression {
    let left = this.#sum();
    for (;;) {
      const at = this.#at;
      const sign = this.#take('=', '==', '!=', '<>', '<', '<=', '>', '>=');
      if (sign !== undefined) {
        const word = sign === '==' ? '=' : sign === '<>' ? '!=' : (sign as FunctionWord);
        left = call(word, at, left, this.#sum());
        continue;
      }
      if (this.#take('is') !== undefined) {
        const negated = this.#take('not') !== undefined;
        this.#need('null');
        const isNull = call('is-null', at, left);
        left = negated ? call('not', at, isNull) : isNull;
        continue;
      }
      const before = this.#position;
      const negated = this.#take('not') !== undefined;
      const range = this.#range(left, at);
      if (range === undefined) {
        this.#position = before;
        return left;
      }
      left = negated ? call('not', at, range) : range;
    }
  }

  /** `between`, `in`. */
  #range(left: Expression, at: number): Expression | undefined {
    if (this.#take('between') !== undefined) {
      const low = this.#sum();
      this.#need('and');
      return call('and', at, call('>=', at, left, low), call('<=', at, left, this.#sum()));
    }
    if (this.#take('in') === undefined) return undefined;
    this.#need('(');
    const options = this.#list();
    const [first, ...rest] = options.map((option) => call('=', at, left, option));
    if (first === undefined) throw new Refused(this.#at, 'has nothing in `in ( )`');
    return rest.reduce((any, one) => call('or', at, any, one), first);
  }

  #sum(): Expression {
    let left = this.#product();
    for (;;) {
      const at = this.#at;
      const sign = this.#take('+', '-', '||');
      if (sign === undefined) return left;
      left = call(sign === '||' ? 'concat' : (sign as FunctionWord), at, left, this.#product());
    }
  }

  #product(): Expression {
    let left = this.#unary();
    for (;;) {
      const at = this.#at;
      const sign = this.#take('*', '/', '%');
      if (sign === undefined) return left;
      left = call(sign as FunctionWord, at, left, this.#unary());
    }
  }

  #unary(): Expression {
    const at = this.#at;
    let negated = false;
    for (let sign = this.#take('-', '+'); sign !== undefined; sign = this.#take('-', '+'))
      negated = (sign === '-') !== negated;
    const value = this.#primary();
    return negated ? call('negate', at, value) : value;
  }

  #primary(): Expression {
    const token = this.#tokens[this.#position];
    if (token === undefined) throw new Refused(this.#end, 'ends where a value is expected');
    this.#position += 1;
    if (token.kind === 'number') return { of: 'literal', value: Number(token.raw) };
    if (token.kind === 'text') return { of: 'literal', value: token.text };
    if (token.kind === 'name') return this.#column(token);
    if (token.kind === 'sign' && token.raw === '(') {
      const inner = this.#or();
      this.#need(')');
      return inner;
    }
    if (token.kind !== 'word') throw new Refused(token.at, `"${token.raw}" is not a value`);
    const word = token.raw.toLowerCase();
    if (word === 'null') return { of: 'literal', value: null };
    if (word === 'true' || word === 'false') return { of: 'literal', value: word === 'true' };
    if (word === 'case') return this.#case(token.at);
    if (this.#tokens[this.#position]?.raw === '(') return this.#call(token, word);
    if (RESERVED.has(word)) throw new Refused(token.at, `"${token.raw}" is not supported in features`);
    return this.#column(token);
  }

  #column(token: ExpressionToken): Expression {
    if (this.#take('.') === undefined) return { of: 'column', name: token.text, at: token.at };
    const next = this.#tokens[this.#position];
    if (next === undefined || (next.kind !== 'word' && next.kind !== 'name')) {
      throw new Refused(this.#at, `a feature of "${token.text}" is missing after the dot`);
    }
    this.#position += 1;
    return { of: 'column', name: next.text, view: token.text, at: token.at };
  }

  #call(token: ExpressionToken, word: string): Expression {
    const found = Object.hasOwn(CALLS, word) ? CALLS[word] : undefined;
    if (found === undefined) {
      const known = Object.keys(CALLS).join(', ');
      throw new Refused(token.at, `${token.raw}() is not a supported function. Functions: ${known}`);
    }
    this.#need('(');
    const values = this.#list();
    if (values.length < found.least || values.length > found.most) {
      const arity = found.least === found.most ? `${found.least}` : `${found.least} or more`;
      throw new Refused(token.at, `${token.raw}() takes ${arity} values, not ${values.length}`);
    }
    return call(found.word, token.at, ...values);
  }

  /** Up to and including the closing parenthesis. */
  #list(): Expression[] {
    const values: Expression[] = [];
    if (this.#take(')') !== undefined) return values;
    do values.push(this.#or());
    while (this.#take(',') !== undefined);
    this.#need(')');
    return values;
  }

  #case(at: number): Expression {
    const subject = this.#tokens[this.#position]?.raw.toLowerCase() === 'when' ? undefined : this.#or();
    const branches: { when: Expression; gives: Expression }[] = [];
    while (this.#take('when') !== undefined) {
      const condition = this.#or();
      this.#need('then');
      const when = subject === undefined ? condition : call('=', at, subject, condition);
      branches.push({ when, gives: this.#or() });
    }
    if (branches.length === 0) throw new Refused(this.#at, 'a case needs a `when`');
    const otherwise: Expression = this.#take('else') === undefined ? { of: 'literal', value: null } : this.#or();
    this.#need('end');
    return { of: 'case', branches, otherwise, at };
  }
}

function call(name: FunctionWord, at: number, ...values: readonly Expression[]): Expression {
  return { of: 'call', name, values, at };
}

/** SQL keywords that are not columns unless they are quoted. */
const RESERVED = new Set(
  'select from where group order by having limit union with over partition cast try_cast as exists when then else end and or not in is between like ilike distinct interval extract'.split(
    ' ',
  ),
);
