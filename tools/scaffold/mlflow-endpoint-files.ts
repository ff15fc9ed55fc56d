/** The files of a new MLflow endpoint: its operation, the entry in the tracking ledger, the route, and a test of both. */
import type { Names } from './names.ts';
import type { Scaffold } from './scaffold.ts';
import { addImport, addToList, replaceIn } from './text-edits.ts';

const TRACKING = 'packages/server/src/ledgers/tracking';
const MLFLOW = 'packages/server/src/protocols/mlflow';
const RECIPES = 'packages/server/src/testing/operation-recipes.ts';

export function mlflowEndpointScaffold({ pascal, camel, kebab, words }: Names): Scaffold {
  return {
    files: {
      [`packages/api/src/operations/${kebab}.ts`]: `import { z } from 'zod';
import { defineOperation } from '#operations/operation.ts';

export const read${pascal}Operation = defineOperation({
  name: '${camel}.get',
  action: 'experiment:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the ${words}.',
  input: z.strictObject({}),
  output: z.strictObject({ count: z.int().min(0).describe('Number of experiments. Replace this field.') }),
  target: () => ({ kind: 'Experiment' }),
  http: { method: 'GET', path: '/api/v1/tracking/${kebab}', status: 200 },
});
`,
      [`${TRACKING}/${kebab}.ts`]: `/** The ${words} of a project. */
import { read${pascal}Operation } from '@dais/api';
import { entry, type OperationEntry } from '#kernel/entry.ts';

export function ${camel}Entries(): readonly OperationEntry[] {
  return [
    entry(read${pascal}Operation, async ({ sql, projectId }) => {
      const [row] = await sql.query<{ count: number }>(
        'select count(*)::int as count from tracking.experiment where project_id = $1',
        [projectId],
      );
      return { count: row?.count ?? 0 };
    }),
  ];
}
`,
      [`${MLFLOW}/routes/${kebab}-routes.ts`]: `import { read${pascal}Operation } from '@dais/api';
import { route, type Route } from '../route.ts';
import { int32 } from '../wire/message.ts';

export const ${camel}Routes: readonly Route[] = [
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/${kebab}/get',
    // Remove it when conformance/mlflow/endpoints.json contains the endpoint; a test then compares the fields.
    beside: 'MLflow does not publish it',
    operation: read${pascal}Operation,
    request: {},
    response: { count: int32 },
    answer: async (_values, call) => await call(read${pascal}Operation, {}),
  }),
];
`,
      [`${MLFLOW}/${kebab}.int.test.ts`]: `import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMlflowWorld, type MlflowWorld } from './testing/mlflow-fixture.ts';

let world: MlflowWorld;
beforeAll(async () => {
  world = await startMlflowWorld();
});
afterAll(async () => await world.stop());

test('the endpoint returns the result of its operation', async () => {
  await world.experiment();
  for (const prefix of ['/api', '/p/default/api', '/ajax-api']) {
    const { status, json } = await world.send('GET', \`\${prefix}/3.0/mlflow/${kebab}/get\`);
    expect([status, json]).toEqual([200, { count: 1 }]);
  }
});
`,
    },
    edits: {
      'packages/api/src/operations/platform.ts': (text) =>
        addToList(
          addImport(text, `import { read${pascal}Operation } from '#operations/${kebab}.ts';`),
          'platformOperations',
          `read${pascal}Operation`,
        ),
      'packages/api/src/index.ts': (text) =>
        addImport(text, `export { read${pascal}Operation } from '#operations/${kebab}.ts';`),
      [`${TRACKING}/index.ts`]: (text) =>
        addToList(
          addImport(text, `import { ${camel}Entries } from './${kebab}.ts';`),
          'entries',
          `...${camel}Entries()`,
        ),
      [`${MLFLOW}/route-table.ts`]: (text) =>
        addToList(
          addImport(text, `import { ${camel}Routes } from './routes/${kebab}-routes.ts';`),
          'routes',
          `...${camel}Routes`,
        ),
      [RECIPES]: (text) =>
        replaceIn(
          text,
          RECIPES,
          /const recipes: Readonly<Record<string, Recipe>> = \{\n/,
          (head) => `${head}  '${camel}.get': () => ({}),\n`,
        ),
    },
    next: [
      `define the operation in packages/api/src/operations/${kebab}.ts: input, output, action and descriptions`,
      `implement it in ${TRACKING}/${kebab}.ts, or move the entry to the ledger that has the records`,
      `write the messages of MLflow in ${MLFLOW}/routes/${kebab}-routes.ts, with the method and path of conformance/mlflow/endpoints.json`,
      'npm run generate, then npm run check',
    ],
  };
}
