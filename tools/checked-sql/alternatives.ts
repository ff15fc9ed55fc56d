/** Combines alternatives and refuses what the source does not determine. */
import type { Node } from 'typescript/unstable/ast';
import { NotStatic, type Value } from './values.ts';

/** Most alternatives of one expression. */
export const MOST_ALTERNATIVES = 256;

/** Returns the error that names `node` by its text and line. */
export function refuse(node: Node, why: string): NotStatic {
  const file = node.getSourceFile();
  const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
  return new NotStatic(`${node.getText(file).slice(0, 60).replaceAll(/\s+/g, ' ')} (line ${line}) ${why}`);
}

/** Joins each of `left` with each of `right`. Throws `NotStatic` beyond `MOST_ALTERNATIVES`. */
export function cross<A, B, C>(node: Node, left: readonly A[], right: readonly B[], join: (a: A, b: B) => C): C[] {
  if (left.length * right.length > MOST_ALTERNATIVES) throw refuse(node, 'has too many alternatives');
  return left.flatMap((a) => right.map((b) => join(a, b)));
}

/** Returns the text that a template makes of `value`. Throws `NotStatic` for what has no text. */
export function textOf(node: Node, value: Value): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw refuse(node, 'is not a text');
}
