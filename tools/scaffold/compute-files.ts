/** The files of a new implementation of the compute engine. It rejects every task until it is written. */
import type { Names } from './names.ts';
import type { Scaffold } from './scaffold.ts';
import { replaceIn } from './text-edits.ts';

const SPEC = 'packages/api/src/config/spec.ts';
const COMPUTE = 'packages/server/src/compose/compute.ts';

export function computeScaffold({ pascal, kebab, words }: Names): Scaffold {
  const folder = `packages/server/src/engines/compute/${kebab}`;
  const key = kebab.includes('-') ? `'${kebab}'` : kebab;
  return {
    files: {
      [`${folder}/${kebab}-compute.ts`]: `/** Runs steps with ${words}. */
import { DaisError } from '@dais/api';
import type { Compute } from '../contract.ts';

export async function open${pascal}Compute(): Promise<Compute> {
  return await Promise.resolve({
    abilities: async () => ({ isolationProblem: 'The engine does not isolate steps.', limits: 'rlimit', resources: {} }),
    submit: async () => {
      throw new DaisError('invalid_request', 'The compute engine "${kebab}" cannot run a step: \`submit\` is not implemented.');
    },
    status: async () => undefined,
    wait: async () => undefined,
    logs: () => nothing(),
    outputs: () => nothing(),
    cancel: async () => {},
    forget: async () => {},
    attempts: () => nothing(),
    close: async () => {},
  });
}

async function* nothing<Item>(): AsyncGenerator<Item> {
  yield* [];
}
`,
      [`${folder}/${kebab}-compute.test.ts`]: `import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import { expect, test } from 'vitest';
import { task } from '../suite.ts';
import { open${pascal}Compute } from './${kebab}-compute.ts';

test('an unknown attempt has no state and no logs', async () => {
  const compute = await open${pascal}Compute();
  expect(await compute.status('none')).toBeUndefined();
  expect(await buffer(Readable.from(compute.logs('none')))).toHaveLength(0);
  await compute.forget('none');
  await compute.close();
});

test('a step is rejected', async () => {
  const compute = await open${pascal}Compute();
  await expect(compute.submit(task(['true']))).rejects.toBeInstanceOf(DaisError);
});
`,
    },
    edits: {
      [SPEC]: (text) => {
        const changed = text.replace(
          /(engine: z\s*\.enum\(\[)([^\]]*?),?\s*(\]\))/,
          (_, head: string, list: string, end: string) => `${head}${list}, '${kebab}'${end}`,
        );
        if (changed === text) throw new Error(`${SPEC} has no list of compute engines: add "${kebab}" by hand`);
        return changed;
      },
      [COMPUTE]: (text) =>
        replaceIn(text, COMPUTE, /(const computeEngines[^=]*= \{\n)/, (head) => {
          const open = `(await import('#engines/compute/${kebab}/${kebab}-compute.ts')).open${pascal}Compute()`;
          return `${head}  ${key}: async () => await ${open},\n`;
        }),
    },
    next: [
      `implement the contract of packages/server/src/engines/compute/contract.ts in ${folder}/${kebab}-compute.ts`,
      `call computeSuite of packages/server/src/engines/compute/suite.ts in ${folder}/${kebab}-compute.test.ts`,
      `describe "${kebab}" in the description of \`executions.engine\` in ${SPEC}`,
      'npm run generate, then npm run check',
    ],
  };
}
