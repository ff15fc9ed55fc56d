/** Fields that hold JSON as text inside of the JSON of the request. */
import { invalid } from './mlflow-error.ts';
import { pythonJson, pythonType } from './python-text.ts';

type Json = Readonly<Record<string, unknown>>;

/** @throws MlflowError `INVALID_PARAMETER_VALUE` naming the field. */
export function jsonMap(text: string, name: string): Json {
  const value = parsed(text, name);
  if (!isMap(value)) throw notA('JSON object', value, name);
  return value;
}

/** @throws MlflowError `INVALID_PARAMETER_VALUE` naming the field, or the place in it. */
export function jsonMaps(text: string, name: string): readonly Json[] {
  const value = parsed(text, name);
  if (!Array.isArray(value)) throw notA('JSON list', value, name);
  return value.map((item: unknown, index) => {
    if (!isMap(item)) throw notA('JSON object', item, `${name}[${index}]`);
    return item;
  });
}

/** A map inside of it; undefined when there is none, or null. @throws MlflowError naming the place. */
export function innerMap(value: unknown, location: string): Json | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isMap(value)) throw notA('JSON object', value, location);
  return value;
}

/** The format of Python's `str` for a JSON value. */
export function pythonStr(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return JSON.stringify(value);
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(
      `Invalid value ${pythonJson(text.slice(0, 200))} for parameter '${name}' supplied: it is not valid JSON.`,
    );
  }
}

function notA(expected: string, value: unknown, location: string): Error {
  return invalid(
    `Invalid value for parameter '${location}' supplied: it must be a ${expected}, got ${pythonType(value)}.`,
  );
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
