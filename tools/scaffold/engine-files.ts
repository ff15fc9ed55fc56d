/** The files of a new engine: a contract, the suite that every implementation passes, and the first implementation. */
import type { Names } from './names.ts';
import type { Scaffold } from './scaffold.ts';

export function engineScaffold({ pascal, camel, kebab, words }: Names): Scaffold {
  const folder = `packages/server/src/engines/${kebab}`;
  return {
    files: {
      [`${folder}/contract.ts`]: `/**
 * The ${words} engine: say here what stands on it, and what it does not know.
 */
export interface ${pascal} {
  /** Resolves when the engine can be used; throws a DaisError that names the remedy. May block for a second. */
  check(): Promise<void>;
  /** Gives back what it holds. Idempotent; no other method may be called afterwards. */
  close(): Promise<void>;
}
`,
      [`${folder}/suite.ts`]: `/** What every implementation of the ${words} engine must do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ${pascal} } from './contract.ts';

export function ${camel}Suite(name: string, open: () => Promise<${pascal}>): void {
  describe(\`${words} engine: \${name}\`, () => {
    let engine: ${pascal};
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(async () => await engine.close());

    test('it can be used', async () => {
      await expect(engine.check()).resolves.toBeUndefined();
    });

    test('closing twice is closing once', async () => {
      const other = await open();
      await other.close();
      await expect(other.close()).resolves.toBeUndefined();
    });
  });
}
`,
      [`${folder}/memory/memory-${kebab}.ts`]: `import type { ${pascal} } from '../contract.ts';

/** Keeps everything in this process: for one process, until it ends. */
export function memory${pascal}(): ${pascal} {
  return {
    check: async () => {},
    close: async () => {},
  };
}
`,
      [`${folder}/memory/memory-${kebab}.test.ts`]: `import { ${camel}Suite } from '../suite.ts';
import { memory${pascal} } from './memory-${kebab}.ts';

${camel}Suite('memory', async () => memory${pascal}());
`,
    },
    edits: {
      'packages/server/src/compose.ts': (text) => addEngineToCompose(text, { pascal, camel, kebab, words }),
    },
    next: [
      `write the contract in ${folder}/contract.ts: on each method, may it block, is it idempotent, what does absence mean, what may it throw`,
      `hold it in ${folder}/suite.ts; the second implementation calls the same suite`,
      'its options: a variant in packages/api/src/config/spec.ts; then npm run generate and npm run check',
    ],
  };
}

function addEngineToCompose(
  text: string,
  { pascal, camel, kebab, words }: Pick<Names, 'pascal' | 'camel' | 'kebab' | 'words'>,
): string {
  const types = `import type { ${pascal} } from '#engines/${kebab}/contract.ts';\n`;
  const list = `
/** Implementations of the ${words} engine. */
export const ${camel}Engines = {
  memory: async (): Promise<${pascal}> => (await import('#engines/${kebab}/memory/memory-${kebab}.ts')).memory${pascal}(),
} as const;
`;
  const at = text.indexOf("import type { KindDefinition } from '#kernel/kind.ts';");
  if (at < 0)
    throw new Error(
      'packages/server/src/compose.ts has a form that this scaffold does not know: add the engine by hand',
    );
  return `${text.slice(0, at)}${types}${text.slice(at).trimEnd()}\n${list}`;
}
