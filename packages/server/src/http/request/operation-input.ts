/** Maps the parts of an HTTP request to the input of an operation, as its binding defines. */
import { DaisError, nearest, unwrapSchema, type Issue, type Operation } from '@dais/api';
import { z } from 'zod';
import { ifMatchVersion } from '#http/request/conditional.ts';

export interface RawRequest {
  readonly params: Readonly<Record<string, string>>;
  /** The query string without `?`. */
  readonly query: string;
  readonly body: unknown;
  readonly ifMatch: string | undefined;
  /** The header `Dais-Ticket`. */
  readonly ticket?: string | undefined;
}

/** Converts the text of a query value to the type of the schema; undefined if it does not fit. */
type Coercion = (text: string) => unknown;

/** Compiled once per operation. */
export class OperationInput {
  readonly #operation: Operation;
  readonly #coercions: ReadonlyMap<string, { readonly coerce: Coercion; readonly expected: string }>;
  readonly #params: readonly string[];

  constructor(operation: Operation) {
    this.#operation = operation;
    const shape = (operation.input as unknown as z.ZodObject).shape as Record<string, z.ZodType>;
    const { query = [], path, bodyField, ifMatchField, queryField, ticketField } = operation.http;
    this.#params = [...path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] ?? '');
    for (const field of [...query, ...this.#params, bodyField, ifMatchField, queryField, ticketField]) {
      if (field !== undefined && shape[field] === undefined) {
        throw new Error(`${operation.name} binds "${field}", which is not a field of its input`);
      }
    }
    this.#coercions = new Map(query.map((name) => [name, coercion(shape[name] as z.ZodType)]));
  }

  /** @throws DaisError `invalid_request` with all errors of the query, the headers and the outer form of the body. */
  build(request: RawRequest): Record<string, unknown> {
    const issues: Issue[] = [];
    const { bodyField, ifMatchField, queryField, ticketField } = this.#operation.http;
    const input: Record<string, unknown> =
      bodyField === undefined ? this.#bodyFields(request.body, issues) : { [bodyField]: request.body };
    const set = (path: string, name: string, value: unknown) => {
      if (input[name] === undefined) input[name] = value;
      else issues.push({ path, message: 'occurs twice: here and in the body', expected: 'one of the two' });
    };
    if (queryField !== undefined) set('query', queryField, checkedText('query', request.query, issues));
    else if (request.query !== '') this.#readQuery(request.query, set, issues);
    for (const name of this.#params) set(name, name, checkedText(name, request.params[name] ?? '', issues));
    if (ticketField !== undefined && request.ticket !== undefined) set('Dais-Ticket', ticketField, request.ticket);
    const version = ifMatchVersion(request.ifMatch);
    if (version !== undefined) {
      if (ifMatchField !== undefined) set('If-Match', ifMatchField, version);
      else if (this.#operation.mode === 'write') {
        issues.push({ path: 'If-Match', message: 'is not a condition that this operation supports' });
      }
    }
    if (issues.length > 0) throw new DaisError('invalid_request', summary(issues), { issues });
    return input;
  }

  #bodyFields(body: unknown, issues: Issue[]): Record<string, unknown> {
    if (body === undefined || body === null) return {};
    if (typeof body === 'object' && !Array.isArray(body)) return { ...body };
    issues.push({ path: 'body', message: `is ${Array.isArray(body) ? 'a list' : typeof body}`, expected: 'a map' });
    return {};
  }

  #readQuery(text: string, set: (path: string, name: string, value: unknown) => void, issues: Issue[]): void {
    const values = parseQuery(text);
    // `watch` selects the operation; it is not an input of either.
    for (const [name, given] of values) {
      if (name === 'watch' && this.#operation.http.method === 'GET') continue;
      const path = `query.${name.slice(0, 80)}`;
      const known = this.#coercions.get(name);
      if (known === undefined) {
        const names = [...this.#coercions.keys()];
        const near = nearest(name, names);
        issues.push({
          path,
          message: 'is not a known query parameter',
          ...(names.length > 0 && { expected: `one of ${names.join(', ')}` }),
          ...(near !== undefined && { nearest: near }),
        });
        continue;
      }
      if (given.length > 1) issues.push({ path, message: `occurs ${given.length} times`, expected: 'once' });
      const value = known.coerce(checkedText(path, given[0] ?? '', issues));
      if (value === undefined) {
        issues.push({ path, message: `is "${(given[0] ?? '').slice(0, 80)}"`, expected: known.expected });
      } else set(path, name, value);
    }
  }
}

function coercion(schema: z.ZodType): { readonly coerce: Coercion; readonly expected: string } {
  const inner = unwrapSchema(schema);
  if (inner instanceof z.ZodNumber) {
    const coerce = (text: string) => (/^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : undefined);
    return { coerce, expected: 'a number' };
  }
  if (inner instanceof z.ZodBoolean) {
    const coerce = (text: string) => (text === 'true' ? true : text === 'false' ? false : undefined);
    return { coerce, expected: 'true or false' };
  }
  return { coerce: (text) => text, expected: 'text' };
}

/** PostgreSQL text cannot contain NUL, so no name or value can. */
function checkedText(path: string, text: string, issues: Issue[]): string {
  if (text.includes('\0')) issues.push({ path, message: 'contains the character NUL' });
  return text;
}

function summary(issues: readonly Issue[]): string {
  const [first] = issues;
  const head = `${first?.path}: ${first?.message}`;
  return issues.length === 1 ? `${head}.` : `${head}, and ${issues.length - 1} more.`;
}

/** Whether a query requests the stream of a path that list and watch share. @throws DaisError `invalid_request`. */
export function requestsStream(query: string): boolean {
  if (!query.includes('watch')) return false;
  const given = parseQuery(query).get('watch');
  if (given === undefined) return false;
  if (given.length === 1 && (given[0] === 'true' || given[0] === 'false')) return given[0] === 'true';
  throw new DaisError('invalid_request', 'query.watch must be true or false.', {
    issues: [{ path: 'query.watch', message: `is "${given.join(',').slice(0, 80)}"`, expected: 'true or false, once' }],
  });
}

/**
 * Returns every value of every name of a query string, decoded. @throws DaisError `invalid_request` for an invalid
 * escape.
 */
export function parseQuery(text: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return values;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    throw new DaisError('invalid_request', `The query string is not percent-encoded UTF-8: "${text.slice(0, 80)}".`, {
      cause: error,
    });
  }
}
