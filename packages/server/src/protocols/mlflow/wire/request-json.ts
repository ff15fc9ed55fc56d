/** The parameters of a request: the query string of a GET, else the JSON body. */
import { invalidUtf8At } from '#lib/formats/utf8.ts';
import type { Message } from './message.ts';
import { invalid, MlflowError } from './mlflow-error.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Deeper than any valid message; protects recursive readers of the parsed value. */
const MAX_DEPTH = 32;

/**
 * A GET with a query string: a list field is a repeated key.
 * @throws MlflowError `INVALID_PARAMETER_VALUE` for an invalid Boolean.
 */
export function queryJson(message: Message, query: string): Json {
  const given = new URLSearchParams(query);
  const json: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(message)) {
    if (!given.has(name)) continue;
    const value = given.get(name) ?? '';
    if (field.repeated) json[name] = given.getAll(name);
    else if (field.kind === 'bool') {
      const truth = value.toLowerCase();
      if (truth !== 'true' && truth !== 'false') {
        throw invalid(`Invalid boolean value: ${value.slice(0, 200)}, must be 'true' or 'false'.`);
      }
      json[name] = truth === 'true';
    } else json[name] = value;
  }
  return json;
}

/**
 * Returns the body as a map. Invalid JSON counts as an empty map, as in MLflow: the error then names the first missing
 * field. Old clients sent their JSON as a JSON string.
 * @throws MlflowError `BAD_REQUEST` for JSON that is not a map or is nested too deeply; `INVALID_PARAMETER_VALUE` for
 * bytes that are not UTF-8.
 */
export function bodyJson(bytes: Buffer): Json {
  const invalidAt = invalidUtf8At(bytes);
  if (invalidAt !== undefined) throw invalid(`The request body is not valid UTF-8 at byte ${invalidAt}.`);
  const value = parsed(bytes.toString('utf8'));
  const twice = typeof value === 'string' ? parsed(value) : value;
  if (twice === undefined || twice === null) return {};
  if (typeof twice !== 'object' || Array.isArray(twice)) {
    throw new MlflowError('BAD_REQUEST', 'Bad Request. The request body must be a JSON object.');
  }
  return twice as Json;
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isShallow(value, MAX_DEPTH)) {
    throw new MlflowError('BAD_REQUEST', `Bad Request. The JSON is nested deeper than ${MAX_DEPTH} levels.`);
  }
  return value;
}

/** Returns a number of the body as the caller wrote it, for messages: JavaScript reads `9.0` as `9`. */
export function numberSource(bytes: Buffer, name: string): string | undefined {
  const sources = new Map<unknown, string>();
  const note = function (this: unknown, key: string, value: unknown, context?: { readonly source?: string }) {
    if (key === name && typeof value === 'number' && context?.source !== undefined) sources.set(this, context.source);
    return value;
  };
  try {
    return sources.get(JSON.parse(bytes.toString('utf8'), note));
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (left === 0) return false;
  for (const key in value) {
    if (!isShallow((value as Json)[key], left - 1)) return false;
  }
  return true;
}

/** @throws MlflowError `INVALID_PARAMETER_VALUE`: MLflow accepts POST and PUT as JSON only. */
export function requireJsonType(contentType: string | undefined): void {
  if (contentType === undefined) throw invalid('Bad Request. Content-Type header is missing.');
  const type = contentType.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw invalid("Bad Request. Content-Type must be one of ['application/json'].");
  }
}
