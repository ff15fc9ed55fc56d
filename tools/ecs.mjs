/** Whether a document is one of Elastic Common Schema, by the names and types that conformance/ecs/fields.json holds. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** @typedef {{ type: string, array?: boolean, allowed?: Readonly<Record<string, readonly string[]>> }} Field */

/** @type {{ fields: Readonly<Record<string, Field>> }} */
const { fields } = JSON.parse(readFileSync(new URL('../conformance/ecs/fields.json', import.meta.url), 'utf8'));

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** @type {Readonly<Record<string, (value: unknown) => boolean>>} */
const TYPES = {
  keyword: isText,
  constant_keyword: isText,
  wildcard: isText,
  match_only_text: isText,
  text: isText,
  long: (value) => Number.isSafeInteger(value),
  boolean: (value) => typeof value === 'boolean',
  ip: (value) => typeof value === 'string' && isIP(value) !== 0,
  date: (value) => typeof value === 'string' && TIME.test(value),
};

/**
 * What is wrong with a document, nested or with dots in its names; nothing when it is one of ECS.
 * @param {unknown} document
 * @param {string} own the one name that is not of ECS: what is below it is the program's own
 * @returns {string[]}
 */
export function ecsProblems(document, own) {
  const found = new Map(leaves(document, ''));
  const problems = ['@timestamp', 'ecs.version'].filter((name) => !found.has(name)).map((name) => `${name} is missing`);
  for (const [name, value] of found) {
    if (name.startsWith(`${own}.`)) continue;
    const field = fields[name];
    if (field === undefined) problems.push(`${name} is no field of ECS`);
    else problems.push(...problemsOf(name, field, value));
  }
  const categories = /** @type {readonly string[]} */ (found.get('event.category') ?? []);
  if (categories.length > 0) {
    const expected = categories.flatMap((one) => fields['event.category']?.allowed?.[one] ?? []);
    for (const type of /** @type {readonly string[]} */ (found.get('event.type') ?? []))
      if (!expected.includes(type)) problems.push(`event.type ${type} is not of ${categories.join(', ')}`);
  }
  return problems;
}

/**
 * @param {string} name
 * @param {Field} field
 * @param {unknown} value
 */
function problemsOf(name, { type, array = false, allowed }, value) {
  if (Array.isArray(value) !== array) return [`${name} is ${array ? 'no' : 'a'} list`];
  return [value].flat().flatMap((one) => {
    const is = TYPES[type];
    if (is === undefined) return [`${name} has the type ${type}, which this check does not support`];
    if (!is(one)) return [`${name} is no ${type}: ${JSON.stringify(one)}`];
    return allowed !== undefined && !(String(one) in allowed) ? [`${name} is never ${String(one)}`] : [];
  });
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {[string, unknown][]}
 */
function leaves(value, name) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[name, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, name === '' ? key : `${name}.${key}`));
}

/** @param {unknown} value */
function isText(value) {
  return typeof value === 'string';
}
