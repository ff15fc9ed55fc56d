/** Evaluates a SCIM filter on one value of a complex attribute, for paths of PATCH operations. Pure. */
import type { AttributePath, Filter, FilterValue, Operator } from './filter.ts';

/** Whether `value`, for example an email address with its type, matches. Texts are compared in any case. */
export function matchesFilter(filter: Filter, value: Readonly<Record<string, unknown>>): boolean {
  switch (filter.op) {
    case 'and':
      return filter.parts.every((part) => matchesFilter(part, value));
    case 'or':
      return filter.parts.some((part) => matchesFilter(part, value));
    case 'not':
      return !matchesFilter(filter.part, value);
    case 'present':
      return isPresent(valueAt(value, filter.path));
    case 'compare':
      return compare(valueAt(value, filter.path), filter.operator, filter.value);
    case 'some':
      return false;
    default:
      return filter satisfies never;
  }
}

function valueAt(value: Readonly<Record<string, unknown>>, { attribute, sub }: AttributePath): unknown {
  if (sub !== undefined) return undefined;
  return Object.entries(value).find(([name]) => name.toLowerCase() === attribute)?.[1];
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function compare(actual: unknown, operator: Operator, expected: FilterValue): boolean {
  if (operator === 'ne') return !compare(actual, 'eq', expected);
  if (expected === null) return operator === 'eq' && !isPresent(actual);
  if (typeof actual === 'boolean' || typeof expected === 'boolean')
    return operator === 'eq' && String(actual).toLowerCase() === String(expected).toLowerCase();
  if (typeof actual !== 'string' && typeof actual !== 'number') return false;
  const [a, b] = [String(actual).toLowerCase(), String(expected).toLowerCase()];
  switch (operator) {
    case 'eq':
      return a === b;
    case 'co':
      return a.includes(b);
    case 'sw':
      return a.startsWith(b);
    case 'ew':
      return a.endsWith(b);
    case 'gt':
      return a > b;
    case 'ge':
      return a >= b;
    case 'lt':
      return a < b;
    case 'le':
      return a <= b;
    default:
      return operator satisfies never;
  }
}
