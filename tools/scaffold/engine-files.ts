/** The files of a new engine: a contract, the suite that every implementation passes, and the first implementation. */
import type { Names } from './names.ts';
import type { Scaffold } from './scaffold.ts';

export function engineScaffold({ pascal, camel, kebab, words }: Names): Scaffold {
  const folder = `packages/server/src/engines/${kebab}`;
  return {
    files: {
      [`${folder}/contract.ts`]: `/**
 * The ${words} engine. Describe what uses it and what it does not know.
 */
export interface ${pascal} {
  /** Resolves when the engine is usable. May take a second. @throws DaisError with the remedy. */
  check(): Promise<void>;
  /** Releases all resources. Idempotent; call no other method afterwards. */
  close(): Promise<void>;
}
`,
      [`${folder}/suite.ts`]: `/** The tests that every implementation of the ${words} engine passes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ${pascal} } from './contract.ts';

export function ${camel}Suite(name: string, open: () => Promise<${pascal}>): void {
  describe(\`${words} engine: \${name}\`, () => {
    let engine: ${pascal};
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(async () => await engine.close());

    test('is usable after it is opened', async () => {
      await expect(engine.check()).resolves.toBeUndefined();
    });

    test('can be closed twice', async () => {
      const other = await open();
      await other.close();
      await expect(other.close()).resolves.toBeUndefined();
    });
  });
}
`,
      [`${folder}/memory/memory-${kebab}.ts`]: `import type { ${pascal} } from '../contract.ts';

/** Keeps all data in the memory of this process. */
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
      `write the contract in ${folder}/contract.ts: for each method, whether it blocks, whether it is idempotent, what a missing object means, what it throws`,
      `test the contract in ${folder}/suite.ts; every implementation calls this suite`,
      'add its options to packages/api/src/config/spec.ts',
      'npm run generate, then npm run check',
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
