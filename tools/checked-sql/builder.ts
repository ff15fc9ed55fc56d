/** How statements of `lib/composed-sql.ts` are evaluated. */
import { isFunctionDeclaration } from 'typescript/unstable/ast';
import type { FunctionNode } from './values.ts';

/** Placeholder of a bound value until numbers are assigned; no statement contains it. */
export const BOUND = '\u0001';
const BUILDER = '/packages/server/src/lib/composed-sql.ts';
/** Whether a function is `composeStatement`. */
export function isBuilder(source: FunctionNode): boolean {
  const name = isFunctionDeclaration(source) ? source.name?.text : undefined;
  return name === 'composeStatement' && source.getSourceFile().fileName.endsWith(BUILDER);
}

/** Returns the text after `@checkedAs` in the comment of a function; it may be empty. */
export function exampleOf(source: FunctionNode): string | undefined {
  const comment = source.getSourceFile().text.slice(source.pos, source.getStart());
  return /@checkedAs(?:[ \t]+(.*))?$/m
    .exec(comment)
    ?.slice(1)
    .map((text: string | undefined) => text?.trim() ?? '')[0];
}

/** Gives each bound value the next number after those that the text names itself. */
export function numberPlaceholders(text: string): string {
  let last = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
  return text.replaceAll(BOUND, () => {
    last += 1;
    return `$${last}`;
  });
}
