import { expect, test } from 'vitest';
import { plant } from './plant.ts';
import { checkSql } from './sql-rules.ts';

const server = 'packages/server/src';

const allowed = {
  [`${server}/kernel/slice.ts`]: `export const slice = { schema: 'kernel', migrations: [] };`,
  [`${server}/kernel/yaml.ts`]: `const options = { schema: 'core' };`,
  [`${server}/ledgers/tracking/slice.ts`]: `export const slice = { schema: 'tracking', migrations: [] };`,
  [`${server}/ledgers/tracking/runs.ts`]:
    'sql.query(`select r.id from tracking.run r join tracking.metric m on m.run = r.id`);',
  [`${server}/kinds/feature-view/slice.ts`]: `export const slice = { schema: 'feature_view', migrations: [] };`,
  [`${server}/protocols/mlflow/index.ts`]: `const text = 'Select a run from the list';`,
  [`${server}/ledgers/tracking/runs.int.test.ts`]: `sql.query('select 1 from kernel.resource');`,
};

test('what is allowed is no breach', () => {
  expect(checkSql(plant(allowed))).toEqual([]);
});

test.each([
  ['ledgers/tracking/x.ts', `sql.query('select 1 from kernel.resource');`, 'names kernel.resource'],
  [
    'ledgers/tracking/x.ts',
    'sql.query(`update ${t} set a = 1 where b in (select c from feature_view.d)`);',
    'names feature_view.d',
  ],
  ['kinds/feature-view/x.ts', `sql.query('insert into "tracking".run values (1)');`, 'names tracking.run'],
  ['kinds/feature-view/x.ts', `const part = 'left join TRACKING.run r on r.id = f.run';`, 'names tracking.run'],
  ['kernel/x.ts', 'sql.query(`delete from tracking.run`);', 'names tracking.run'],
  ['ledgers/tracking/y.ts', `export const slice = { schema: 'runs', migrations: [] };`, 'like its folder'],
  ['protocols/mlflow/x.ts', `sql.query('select id\\nfrom run');`, 'have no SQL'],
  ['protocols/mlflow/x.ts', 'sql.query(`INSERT INTO run VALUES (${id})`);', 'have no SQL'],
  ['gateway/x.ts', 'sql.query(`with a as (select 1) select * from a`);', 'have no SQL'],
  ['gateway/x.ts', `sql.query('update route set a = 1');`, 'have no SQL'],
])('a planted breach is found: %s %s', (path, text, why) => {
  const breaches = checkSql(plant({ ...allowed, [`${server}/${path}`]: text }));
  expect(breaches.map((breach) => breach.why)).toEqual([expect.stringContaining(why)]);
});
