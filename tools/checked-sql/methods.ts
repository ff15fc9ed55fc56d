/** Methods of texts and lists that build statements. */
import type { Node } from 'typescript/unstable/ast';
import { refuse } from './alternatives.ts';
import { isList, isValueObject, type Value } from './values.ts';

/** Other methods are not evaluated. */
export const METHODS = new Set([
  'trim',
  'toLowerCase',
  'repeat',
  'split',
  'slice',
  'replace',
  'replaceAll',
  'join',
  'concat',
  'map',
  'flatMap',
  'filter',
]);

/** Undefined for a method that no statement uses. */
export function callOfText(text: string, method: string, given: readonly Value[]): Value {
  const [first, second] = given;
  switch (method) {
    case 'trim':
      return text.trim();
    case 'toLowerCase':
      return text.toLowerCase();
    case 'repeat':
      return text.repeat(Number(first));
    case 'split':
      return typeof first === 'string' ? text.split(first) : undefined;
    case 'slice':
      return text.slice(numberOf(first), numberOf(second));
    case 'replace':
      return typeof first === 'string' && typeof second === 'string' ? text.replace(first, second) : undefined;
    case 'replaceAll':
      return typeof first === 'string' && typeof second === 'string' ? text.replaceAll(first, second) : undefined;
    default:
      return undefined;
  }
}

/** Undefined for a method that no statement uses. */
export function callOfList(list: readonly Value[], method: string, given: readonly Value[]): Value {
  const [first, second] = given;
  if (method === 'concat' && isList(first)) return [...list, ...first];
  return method === 'slice' ? list.slice(numberOf(first), numberOf(second)) : undefined;
}

/** Replaces what a pattern, as written in the source (`/x/g`), matches. */
export function replacePattern(text: string, [written, to]: readonly Value[]): string | undefined {
  if (typeof written !== 'string') return undefined;
  const [, pattern = '', flags = ''] = /^\/(.*)\/([a-z]*)$/s.exec(written) ?? [];
  return typeof to === 'string' ? text.replace(new RegExp(pattern, flags), to) : undefined;
}

function numberOf(value: Value): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** Evaluates `Object.keys`. Throws `NotStatic` for other methods of `Object`. */
export function callOfObject(node: Node, method: string, value: Value): Value {
  if (method === 'keys' && isValueObject(value)) return [...value.fields.keys()];
  throw refuse(node, 'is not constant');
}
