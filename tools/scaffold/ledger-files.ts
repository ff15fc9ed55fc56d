/** The files of a new ledger: two operations, a table, the definition, and its entries in the lists. */
import type { Names } from './names.ts';
import type { Scaffold } from './scaffold.ts';
import { addImport, addToList, replaceIn } from './text-edits.ts';

const LEDGERS = 'packages/server/src/compose/ledgers.ts';
const OPEN_LEDGERS = 'packages/server/src/compose/open-ledgers.ts';
const RECIPES = 'packages/server/src/testing/operation-recipes.ts';

export function ledgerScaffold({ pascal, camel, kebab, plural, words }: Names): Scaffold {
  const folder = `packages/server/src/ledgers/${kebab}`;
  const schema = kebab.replaceAll('-', '_');
  return {
    files: {
      [`packages/api/src/operations/${kebab}.ts`]: `import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';

export const ${camel}Schema = z.strictObject({
  id: z.string().describe('Unique ID of the record.'),
  at: z.string().describe('Time of the record (RFC 3339, UTC).'),
  text: z.string().describe('Text of the record. Replace this field.'),
});
export type ${pascal} = z.infer<typeof ${camel}Schema>;

const path = '/api/v1/${plural}' as const;

export const create${pascal}Operation = defineOperation({
  name: '${camel}.create',
  action: '${camel}:write',
  mode: 'write',
  scope: 'project',
  summary: 'Creates a record of the ledger ${words}.',
  input: z.strictObject({ text: z.string().min(1).max(1000).describe('Text of the record.') }),
  output: ${camel}Schema,
  target: () => ({ kind: '${pascal}' }),
  roles: ['editor'],
  http: { method: 'POST', path, status: 201 },
});

export const list${pascal}Operation = defineOperation({
  name: '${camel}.list',
  action: '${camel}:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the records of the ledger ${words} by ID.',
  input: z.strictObject(pageInput),
  output: z.strictObject({ items: z.array(${camel}Schema), nextCursor: z.string().optional() }),
  target: () => ({ kind: '${pascal}' }),
  http: { method: 'GET', path, status: 200, query: ['limit', 'cursor'] },
});

export const ${camel}Operations: readonly Operation[] = [create${pascal}Operation, list${pascal}Operation];
`,
      [`${folder}/migrations/0001-${kebab}.ts`]: `import type { Migration } from '#engines/database/contract.ts';

/** Times are milliseconds since the Unix epoch. */
export const ${camel}Tables: Migration = {
  id: '0001-${kebab}',
  sql: \`
create table ${schema}.record (
  project_id uuid not null,
  id uuid not null default gen_random_uuid(),
  at bigint not null,
  text text not null,
  primary key (project_id, id)
);
select dais.protect('${schema}.record');
\`,
};
`,
      [`${folder}/${kebab}-slice.ts`]: `import type { Slice } from '#engines/database/contract.ts';
import { ${camel}Tables } from './migrations/0001-${kebab}.ts';

export const ${camel}Slice: Slice = { schema: '${schema}', migrations: [${camel}Tables] };
`,
      [`${folder}/${kebab}-rows.ts`]: `/** Records of the ledger ${words} in the database. */
import type { ${pascal} } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';

interface Row {
  readonly id: string;
  readonly at: bigint;
  readonly text: string;
}

export async function insertRecord({ sql, projectId }: Transaction, text: string, now: number): Promise<${pascal}> {
  const [row] = await sql.query<Row>(
    'insert into ${schema}.record (project_id, at, text) values ($1, $2, $3) returning id, at, text',
    [projectId, now, text],
    'insert_${schema}',
  );
  if (row === undefined) throw new Error('the insert returned no row');
  return presentRecord(row);
}

/** Returns a page of records by id, after the id \`cursor\`. */
export async function listRecords(
  { sql, projectId }: Transaction,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ readonly items: readonly ${pascal}[]; readonly nextCursor?: string }> {
  const rows = await sql.query<Row>(
    \`select id, at, text from ${schema}.record
     where project_id = $1 and ($2::text is null or id::text > $2) order by id::text limit $3\`,
    [projectId, cursor ?? null, limit + 1],
    'list_${schema}',
  );
  const items = rows.slice(0, limit).map(presentRecord);
  const last = items.at(-1);
  return { items, ...(rows.length > limit && last !== undefined && { nextCursor: last.id }) };
}

export async function deleteRecords({ sql }: Transaction, projectId: string): Promise<void> {
  await sql.query('delete from ${schema}.record where project_id = $1', [projectId], 'delete_${schema}');
}

function presentRecord({ id, at, text }: Row): ${pascal} {
  return { id, at: new Date(Number(at)).toISOString(), text };
}
`,
      [`${folder}/index.ts`]: `/** The ledger ${words}. Describe what it records. */
import { create${pascal}Operation, list${pascal}Operation } from '@dais/api';
import { entry } from '#kernel/entry.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { deleteRecords, insertRecord, listRecords } from './${kebab}-rows.ts';
import { ${camel}Slice } from './${kebab}-slice.ts';

interface ${pascal}Dependencies {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

export const ledger: LedgerDefinition<${pascal}Dependencies> = {
  name: '${kebab}',
  slice: ${camel}Slice,
  project: { remove: async (tx, { id }) => await deleteRecords(tx, id) },
  open: ({ now }) => ({
    entries: [
      entry(create${pascal}Operation, async (tx, { input }) => await insertRecord(tx, input.text, now())),
      entry(list${pascal}Operation, async (tx, { input }) => await listRecords(tx, input)),
    ],
  }),
};
`,
      [`${folder}/${kebab}.int.test.ts`]: `import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { ledger } from './index.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  const { entries = [] } = ledger.open({ now: () => 1_000 });
  fixture = await startHttpFixture({ slices: [ledger.slice], entries: () => entries });
});
afterAll(async () => await fixture.stop());

test('records are listed in pages', async () => {
  const url = \`\${fixture.url}/api/v1/${plural}\`;
  const headers = { 'content-type': 'application/json' };
  for (const text of ['one', 'two', 'three']) {
    const created = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ text }) });
    expect([created.status, await created.json()]).toMatchObject([201, { at: '1970-01-01T00:00:01.000Z', text }]);
  }
  const found: string[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const page = await fetch(\`\${url}?limit=2\${cursor === '' ? '' : \`&cursor=\${cursor}\`}\`);
    const { items, nextCursor } = (await page.json()) as { items: { text: string }[]; nextCursor?: string };
    found.push(...items.map(({ text }) => text));
    cursor = nextCursor;
  }
  expect(found.toSorted()).toEqual(['one', 'three', 'two']);
});
`,
    },
    edits: {
      'packages/api/src/operations/platform.ts': (text) =>
        addToList(
          addImport(text, `import { ${camel}Operations } from '#operations/${kebab}.ts';`),
          'platformOperations',
          `...${camel}Operations`,
        ),
      'packages/api/src/index.ts': (text) =>
        addImport(
          addImport(
            text,
            `export { ${camel}Operations, create${pascal}Operation, list${pascal}Operation } from '#operations/${kebab}.ts';`,
          ),
          `export type { ${pascal} } from '#operations/${kebab}.ts';`,
        ),
      [LEDGERS]: (text) =>
        replaceIn(
          text,
          LEDGERS,
          / {2}\]\);\n {2}return folders/,
          (end) => `    import('#ledgers/${kebab}/index.ts'),\n${end}`,
        ),
      [OPEN_LEDGERS]: (text) =>
        `${addToList(text, 'all', `await open${pascal}(dependencies)`).trimEnd()}

async function open${pascal}(dependencies: LedgerDependencies) {
  const { ledger } = await import('#ledgers/${kebab}/index.ts');
  return ledger.open({ now: queries(dependencies).now });
}
`,
      [RECIPES]: (text) =>
        replaceIn(
          text,
          RECIPES,
          /const recipes: Readonly<Record<string, Recipe>> = \{\n/,
          (head) => `${head}  '${camel}.create': () => ({ body: { text: 'tried' } }),
  '${camel}.list': () => ({}),
`,
        ),
    },
    next: [
      `describe the operations in packages/api/src/operations/${kebab}.ts: each description is part of the reference`,
      `write the tables in ${folder}/migrations and the records in ${kebab}-rows.ts`,
      `declare in ${folder}/index.ts what else it has: jobs, subscribers, metrics, facts, lineage nodes, key rotation, start and stop`,
      'npm run generate, then npm run check',
    ],
  };
}
