/**
 * Converts CEL conditions of tasks to expressions of a plan: the conditions that SDKs generate, and simple ones beyond that.
 * An unsupported condition is rejected when the pipeline is read, not when its task runs.
 */
import type { Expression } from '#ledgers/executions/index.ts';

export class ConditionError extends Error {}

type Token =
  | { readonly is: 'text' | 'name' | 'symbol'; readonly text: string }
  | { readonly is: 'number'; readonly value: number };

const TOKEN =
  /\s*(?:(?<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?<symbol>&&|\|\||[=!<>]=|[<>!()[\].,-]))/y;
const LONGEST = 10_000;
/** Nesting depth of brackets, because the parser is recursive. */
const DEEPEST = 100;

type Comparison = Extract<Expression, { readonly compare: string }>['compare'];
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** @throws ConditionError that names the unsupported part. */
export function conditionOf(text: string): Expression {
  if (text.length > LONGEST) throw new ConditionError(`has ${text.length} characters, and the limit is ${LONGEST}`);
  const parser = new Parser(tokensOf(text));
  const expression = parser.any();
  parser.end();
  return expression;
}

/** Returns the member path of a selector such as `parseJson(string_value)["a"]`. @throws ConditionError */
export function selectorPath(text: string): readonly string[] {
  const parser = new Parser(tokensOf(text));
  for (const word of ['parseJson', '(', 'string_value', ')']) parser.expect(word);
  const path = parser.members();
  parser.end();
  if (path.length === 0) throw new ConditionError('does not select a member');
  return path;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (const end = text.trimEnd().length; TOKEN.lastIndex < end;) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text)?.groups;
    if (found === undefined) {
      throw new ConditionError(
        `has ${JSON.stringify(text.slice(at, at + 20))}, which is not supported (write a quote inside a literal as \\')`,
      );
    }
    if (found['number'] !== undefined) tokens.push({ is: 'number', value: Number(found['number']) });
    else if (found['text'] !== undefined) tokens.push({ is: 'text', text: unquoted(found['text']) });
    else if (found['name'] !== undefined) tokens.push({ is: 'name', text: found['name'] });
    else tokens.push({ is: 'symbol', text: found['symbol'] ?? '' });
  }
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unquoted(text: string): string {
  return text
    .slice(1, -1)
    .replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, letter: string) =>
      code === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
    );
}

function shown(token: Token): string {
  return 'value' in token ? String(token.value) : JSON.stringify(token.text);
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  any(): Expression {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new ConditionError(`is nested more than ${DEEPEST} levels deep`);
    const parts = [this.#all()];
    while (this.#take('||')) parts.push(this.#all());
    this.#depth -= 1;
    return parts.length === 1 ? parts[0]! : { any: parts };
  }

  #all(): Expression {
    const parts = [this.#comparison()];
    while (this.#take('&&')) parts.push(this.#comparison());
    return parts.length === 1 ? parts[0]! : { all: parts };
  }

  #comparison(): Expression {
    const left = this.#unary();
    const token = this.#tokens[this.#at];
    if (token?.is !== 'symbol' || !COMPARISONS.has(token.text)) return left;
    this.#at += 1;
    return { compare: token.text as Comparison, left, right: this.#unary() };
  }

  #unary(): Expression {
    let negations = 0;
    while (this.#take('!')) negations += 1;
    const one = this.#primary();
    return negations % 2 === 1 ? { not: one } : one;
  }

  #primary(): Expression {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new ConditionError('is incomplete');
    this.#at += 1;
    if (token.is === 'number') return { value: token.value };
    if (token.is === 'text') return { value: token.text };
    if (token.is === 'name') return this.#named(token.text);
    if (token.text === '(') {
      const inner = this.any();
      this.expect(')');
      return inner;
    }
    const next = this.#tokens[this.#at];
    if (token.text === '-' && next?.is === 'number') {
      this.#at += 1;
      return { value: -next.value };
    }
    throw new ConditionError(`has ${JSON.stringify(token.text)} where a value is expected`);
  }

  #named(name: string): Expression {
    if (name === 'true' || name === 'false') return { value: name === 'true' };
    if (name === 'null') return { value: null };
    if (name === 'inputs') return this.#input();
    if (!['int', 'double', 'string', 'parseJson'].includes(name)) {
      throw new ConditionError(
        `uses the unsupported function ${name}; supported are int, double, string and parseJson`,
      );
    }
    this.expect('(');
    const inner = this.any();
    this.expect(')');
    if (name === 'int') return { number: inner, whole: true };
    if (name === 'double') return { number: inner };
    if (name === 'string') return { text: inner };
    const path = this.members();
    if (!('input' in inner)) throw new ConditionError('uses parseJson on something other than an input');
    return { ...inner, path: [...(inner.path ?? []), ...path] };
  }

  #input(): Expression {
    const [kind, input, ...path] = this.members();
    if (kind === undefined || input === undefined) throw new ConditionError('does not name an input');
    if (kind === 'parameter_values' || kind === 'parameterValues' || kind === 'parameters') {
      return path.length === 0 ? { input } : { input, path };
    }
    const [artifacts, index, ...members] = path;
    if (kind !== 'artifacts' || artifacts !== 'artifacts' || !/^\d+$/.test(index ?? '')) {
      throw new ConditionError(
        "names an input in an unsupported form; supported are inputs.parameter_values['NAME'] and inputs.artifacts['NAME'].artifacts[0]",
      );
    }
    return { input, artifact: Number(index), path: members };
  }

  /** `.a['b'][0]` */
  members(): string[] {
    const path: string[] = [];
    for (;;) {
      if (this.#take('.')) {
        const token = this.#tokens[this.#at++];
        if (token?.is !== 'name') throw new ConditionError('has a dot without a name after it');
        path.push(token.text);
      } else if (this.#take('[')) {
        const token = this.#tokens[this.#at++];
        if (token?.is !== 'text' && token?.is !== 'number') throw new ConditionError('has brackets without a name');
        path.push('value' in token ? String(token.value) : token.text);
        this.expect(']');
      } else return path;
    }
  }

  expect(text: string): void {
    if (!this.#take(text)) throw new ConditionError(`has no ${text} where one is expected`);
  }

  end(): void {
    const token = this.#tokens[this.#at];
    if (token === undefined) return;
    throw new ConditionError(`continues with ${shown(token)}, which is not supported`);
  }

  #take(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.is === 'number' || token.is === 'text' || token.text !== text) return false;
    this.#at += 1;
    return true;
  }
}
