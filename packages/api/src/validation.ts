import type { z } from 'zod';
import type { Issue } from '#errors.ts';
import { nearest } from '#nearest.ts';
import { fieldNames, schemaAt } from '#schema-walk.ts';

/** Deeper nesting than any kind has; keeps recursive readers safe. */
export const MAX_DEPTH = 64;

/** `spec.send.to[2]`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text;
}

/** Returns each problem that a schema found as readable text: what was expected, and the nearest valid name. */
export function schemaIssues(error: z.ZodError, schema: z.ZodType, value: unknown): Issue[] {
  return error.issues.flatMap((issue) => issuesOf(issue, schema, value));
}

function issuesOf(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): Issue[] {
  const path = formatPath(issue.path);
  const given = valueAt(value, issue.path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const schemaHere = schemaAt(schema, issue.path, value);
      const names = schemaHere === undefined ? [] : fieldNames(schemaHere, given);
      return issue.keys.map((key) => {
        const near = nearest(key, names);
        return {
          path: formatPath([...issue.path, key]),
          message: `there is no field "${clip(key)}" here`,
          ...(names.length > 0 && { expected: `one of ${names.join(', ')}` }),
          ...(near !== undefined && { nearest: near }),
        };
      });
    }
    case 'invalid_type':
      return [
        given === undefined
          ? { path, message: 'is required', expected: article(issue.expected) }
          : { path, message: `is ${article(typeName(given))}`, expected: article(issue.expected) },
      ];
    case 'invalid_value': {
      const values = issue.values.map(String);
      const near = typeof given === 'string' ? nearest(given, values) : undefined;
      return [
        {
          path,
          message: given === undefined ? 'is required' : `is ${show(given)}`,
          expected: values.length === 1 ? `"${values[0]}"` : `one of ${values.join(', ')}`,
          ...(near !== undefined && { nearest: near }),
        },
      ];
    }
    case 'invalid_union': {
      // A discriminated union reports only the invalid discriminator; other unions report the problems of the likeliest member.
      if (issue.errors.length === 0) {
        const options = ('options' in issue ? (issue.options ?? []) : []).map(String);
        const near = typeof given === 'string' ? nearest(given, options) : undefined;
        return [
          {
            path,
            message: given === undefined ? 'is required' : `is ${show(given)}`,
            ...(options.length > 0 && { expected: `one of ${options.join(', ')}` }),
            ...(near !== undefined && { nearest: near }),
          },
        ];
      }
      return likeliest(issue.errors).flatMap((inner) =>
        issuesOf({ ...inner, path: [...issue.path, ...inner.path] }, schema, value),
      );
    }
    case 'invalid_key':
      return issue.issues.map((inner) => ({
        path,
        message: `the key ${show(issue.path.at(-1))} is not valid`,
        expected: inner.message,
      }));
    case 'too_big': {
      const limit = `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum} ${units(issue.origin)}`;
      return [{ path, message: 'is too large', expected: limit.trim() }];
    }
    case 'too_small': {
      const limit = `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum} ${units(issue.origin)}`;
      return [{ path, message: 'is too small', expected: limit.trim() }];
    }
    case 'invalid_format':
      return [{ path, message: `is ${show(given)}`, expected: formatName(issue) }];
    default:
      return [{ path, message: issue.message }];
  }
}

/** Returns the problems of the likeliest member: of the members with the type of the value, the one with the fewest problems. */
function likeliest(members: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  const ofOtherType = (problems: readonly z.core.$ZodIssue[]) =>
    problems.some((problem) => problem.code === 'invalid_type' && problem.path.length === 0);
  const [best] = members.toSorted((a, b) => Number(ofOtherType(a)) - Number(ofOtherType(b)) || a.length - b.length);
  return best ?? [];
}

function formatName(issue: z.core.$ZodIssueInvalidStringFormat): string {
  if (issue.format !== 'regex') return `a valid ${issue.format}`;
  return issue.message.startsWith('Invalid') ? `text that matches ${String(issue.pattern)}` : issue.message;
}

function units(origin: string): string {
  if (origin === 'string') return 'characters';
  return origin === 'array' || origin === 'record' || origin === 'map' || origin === 'set' ? 'entries' : '';
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}

const WORDS: Readonly<Record<string, string>> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  list: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  null: 'null',
};

function article(type: string): string {
  return WORDS[type] ?? type;
}

/** Returns a short readable text for any value that a parser can return. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'object' && value !== null) return article(typeName(value));
  // JSON has no form for a bigint, an infinity or NaN.
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return clip(JSON.stringify(value) ?? typeof value);
}

/** Values of users are echoed, but shortened. */
function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Record<PropertyKey, unknown>)[key];
  }
  return here;
}

/**
 * Rejects values that cannot be stored exactly, whatever the schema: text that PostgreSQL cannot store (NUL, half of a
 * surrogate pair), numbers that JavaScript or JSON cannot represent, more than `MAX_DEPTH` levels, and the key
 * `__proto__`, which zod skips silently. Rejected by path, before anything is stored.
 */
export function storableIssues(value: unknown): Issue[] {
  return isStorable(value, 0) ? [] : unstorable(value, []);
}

/**
 * The same rules without positions: almost no input needs positions, which took a quarter of a process's CPU time where
 * requests log 1,000 metrics each.
 */
function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed();
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'bigint') return false;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true;
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isStorable(item, depth + 1)) return false;
    return true;
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__' || !isStorable(key, depth)) return false;
    if (!isStorable((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

function unstorable(value: unknown, path: readonly PropertyKey[]): Issue[] {
  const refuse = (message: string, expected?: string): Issue[] => [
    { path: formatPath(path), message, ...(expected !== undefined && { expected }) },
  ];
  if (typeof value === 'string') {
    if (value.includes('\0')) return refuse('contains the character NUL');
    return value.isWellFormed() ? [] : refuse('contains half of a surrogate pair');
  }
  if (typeof value === 'number') return Number.isFinite(value) ? [] : refuse('is not a finite number');
  if (typeof value === 'bigint') {
    return refuse('is too large a number to keep exactly', 'between -9007199254740991 and 9007199254740991');
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  if (path.length > MAX_DEPTH) return refuse(`nests deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return value.flatMap((item, index) => unstorable(item, [...path, index]));
  return Object.entries(value).flatMap(([key, item]) => [
    ...unstorable(key, [...path, key]),
    ...(key === '__proto__' ? [{ path: formatPath([...path, key]), message: 'is a key that cannot be used' }] : []),
    ...unstorable(item, [...path, key]),
  ]);
}
