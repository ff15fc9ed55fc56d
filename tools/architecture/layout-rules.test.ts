import { expect, test } from 'vitest';
import { checkLayout } from './layout-rules.ts';
import { plant } from './plant.ts';

const server = 'packages/server/src';
const empty = 'export {};';

const allowed = {
  [`${server}/kernel/store.ts`]: 'f();\n'.repeat(500),
  [`${server}/kernel/store.test.ts`]: `import type { Server } from 'node:http';`,
  'packages/api/src/operations/operations.test.ts': empty,
  [`${server}/kernel/crash.int.test.ts`]: `import { readFileSync } from 'node:fs';`,
  [`${server}/kernel/migrations/0001-kernel.ts`]: empty,
  [`${server}/kinds/model/index.ts`]: empty,
  [`${server}/engines/query/contract.ts`]: empty,
  'packages/web/src/kinds/model/ModelList.tsx': empty,
  'e2e/apply.spec.ts': empty,
  'tools/python-env.d.mts': empty,
};

test('what is allowed is no breach', () => {
  expect(checkLayout(plant(allowed))).toEqual([]);
});

test.each([
  [`${server}/kernel/resourceStore.ts`, empty, 'kebab-case'],
  [`${server}/kernel/store_read.ts`, empty, 'kebab-case'],
  [`${server}/lib/utils.ts`, empty, 'a drawer is no concept'],
  [`${server}/common/ids.ts`, empty, 'a drawer is no concept'],
  [`${server}/kernel/long.ts`, 'f();\n'.repeat(501), '501 code lines'],
  [`${server}/kernel/store.spec.ts`, empty, 'tests end in .test.ts'],
  [`${server}/kernel/store.slow.test.ts`, empty, 'is no kind of test'],
  [`${server}/kernel/other.test.ts`, empty, 'lies beside its subject'],
  [`${server}/kernel/store.test.ts`, `import { readFileSync } from 'node:fs';`, 'name it .int.test.ts'],
  [`${server}/kinds/endpoint/endpoint-plan.ts`, empty, 'a slice has a face'],
  [`${server}/engines/query/duckdb/open.ts`, empty, 'an engine a contract and a suite'],
])('a planted breach is found: %s', (path, text, why) => {
  const breaches = checkLayout(plant({ ...allowed, [path]: text }));
  expect(breaches.map((breach) => breach.why)).toEqual([expect.stringContaining(why)]);
});
