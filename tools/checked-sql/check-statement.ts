import { compareRow } from './compare-row.ts';
import type { Statement } from './collect-statements.ts';
import type { StatementDescriber } from './describe-statement.ts';

/** Describes every text of a statement; returns what is wrong with it or with its declared row type. */
export async function checkStatement(
  describer: StatementDescriber,
  { at, texts = [], row, values }: Statement,
): Promise<readonly string[]> {
  const problems = new Set<string>();
  for (const text of texts) {
    try {
      const described = await describer.describe(text);
      const { parameters } = described;
      if (values !== undefined && values !== parameters) {
        problems.add(`${at}: ${values} values are passed, and the statement takes ${parameters}`);
      }
      // A type parameter is compared for each caller that names its type.
      if (row === undefined || row.generic) continue;
      for (const problem of compareRow(row, described)) problems.add(`${at}: ${problem}`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      problems.add(`${at}: ${why}: ${text.replaceAll(/\s+/g, ' ').trim().slice(0, 300)}`);
    }
  }
  return [...problems];
}

/** Returns names that are given to statements of different texts: a connection prepares one text under a name. */
export function checkNames(statements: readonly Statement[]): readonly string[] {
  const first = new Map<string, { readonly at: string; readonly text: string }>();
  return statements.flatMap(({ at, names, texts = [] }) => {
    const [name] = names;
    const [text] = texts;
    // Of several texts with several names, the pairs are unknown.
    if (name === undefined || text === undefined || names.length > 1 || texts.length > 1) return [];
    const known = first.get(name);
    if (known === undefined) first.set(name, { at, text });
    return known === undefined || known.text === text
      ? []
      : `${at}: the name "${name}" is that of another statement at ${known.at}`;
  });
}
