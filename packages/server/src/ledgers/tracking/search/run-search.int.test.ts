import type { Run } from '@dais/api/tracking';
import { formatFilter, formatKey, parseFilter, parseOrder, runFilter, type FilterClause } from '@dais/api/filter';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, manifest, seededRandom } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import { findTenant } from '#kernel/tenants.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';
import { inOrder, passes, type PlainRun } from './testing/run-oracle.ts';
import { writeRuns } from './testing/run-rows.ts';

interface RunPage {
  readonly items: readonly Run[];
  readonly nextCursor?: string;
}

const RUNS = 300;
const TEXTS = ['a', 'A', 'b', 'ab', 'a_b', 'a%b', String.raw`a\b`, "it's", '10', 'Ä', 'ä', '', '日本', 'a"b', '`'];
const NUMBERS = [0, -0, 1, -1, 0.5, 1e300, -1.7976931348623157e308, 5e-324, Number.NaN];
const KEYS = ['m', 'loss', 'val loss', 'a.b', 'x/y'];

let world: TrackingWorld;
let experimentIds: string[];
let runs: PlainRun[];

const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);
const search = async (input: object = {}) => await call<RunPage>('run.search', { experimentIds, ...input });
const idsOf = async (input: object = {}) => (await search({ limit: 1000, ...input })).items.map(({ id }) => id);

/** Reads all pages of a search. */
const pages = async (input: object): Promise<string[]> => {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await search({ ...input, ...(cursor !== undefined && { cursor }) });
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return ids;
};

function randomRuns(experiment: string, random: () => number): PlainRun[] {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const some = <Value>(values: readonly Value[]) =>
    new Map(KEYS.filter(() => random() < 0.6).map((key) => [key, pick(values)]));
  return Array.from({ length: RUNS / 2 }, (_, n) => {
    const id = `${experiment}-${pick(['a', 'b', 'Z'])}${n}`;
    return {
      id,
      name: pick(TEXTS),
      user: pick(TEXTS),
      status: pick(['RUNNING', 'FINISHED', 'FAILED']),
      startedAt: Math.floor(random() * 40),
      endedAt: random() < 0.5 ? undefined : Math.floor(random() * 40),
      uri: `artifacts:/${experiment}/${id}/artifacts`,
      deleted: random() < 0.1,
      metrics: some(NUMBERS),
      params: some(TEXTS),
      tags: some(TEXTS),
      datasets: ['d1', 'd2']
        .filter(() => random() < 0.4)
        .map((name) => ({ name, digest: pick(['x', 'y']), context: pick([undefined, 'train', 'Test']) })),
    };
  });
}

beforeAll(async () => {
  world = await startTrackingWorld();
  experimentIds = [await world.experiment(), await world.experiment()];
  const random = seededRandom(4);
  runs = experimentIds.flatMap((experiment) => randomRuns(experiment, random));
  await world.dais.write(async (tx) => {
    const { id: projectId } = (await findTenant(tx.sql, 'default'))!;
    for (const experiment of experimentIds) {
      const own = runs.filter(({ id }) => id.startsWith(`${experiment}-`));
      await writeRuns(tx, { projectId, experiment }, own);
    }
  });
});
afterAll(async () => await world?.stop());

const clause: fc.Arbitrary<Omit<FilterClause, 'span'>> = fc.constantFrom(...runFilter.families).chain((family) => {
  const named = family.keys ?? KEYS.map((name) => ({ name, value: family.value! }));
  return fc.constantFrom(...named).chain(({ name, value }) =>
    fc.constantFrom(...value.operators).chain((operator) => {
      const text = fc.constantFrom(...TEXTS, ...runs.slice(0, 5).map(({ id }) => id), 'd1', 'x', 'train', 'FINISHED');
      const pattern = fc.array(fc.constantFrom('a', 'A', 'b', '%', '_', '\\', 'Ä', 'i', 't', '1'), { maxLength: 5 });
      const number = fc.oneof(
        fc.constantFrom(...NUMBERS.filter((one) => !Number.isNaN(one)), 20, 7.5, Infinity),
        fc.nat(40),
      );
      const one =
        value.type === 'number' ? number : operator.endsWith('LIKE') ? pattern.map((signs) => signs.join('')) : text;
      const values = operator.endsWith('IN') ? fc.array(text, { minLength: 1, maxLength: 5 }) : one;
      const base = { family: fc.constant(family.name), key: fc.constant(name), operator: fc.constant(operator) };
      return operator.startsWith('IS') ? fc.record(base) : fc.record({ ...base, value: values });
    }),
  );
});

const orders = fc.uniqueArray(
  fc.constantFrom(...runFilter.families.filter(({ ordered }) => ordered)).chain((family) =>
    fc.record({
      family: fc.constant(family.name),
      key: fc.constantFrom(...(family.keys?.map(({ name }) => name) ?? KEYS)),
      ascending: fc.boolean(),
    }),
  ),
  { maxLength: 3, selector: ({ family, key }) => `${family}.${key}` },
);

describe('random filters and orders', () => {
  test('match the reference implementation, in pages', async () => {
    const arbitrary = fc.record({
      clauses: fc.array(clause, { maxLength: 3 }),
      order: orders,
      view: fc.constantFrom('active', 'deleted', 'all'),
      scope: fc.constantFrom(1, 2),
      limit: fc.constantFrom(7, 40, 1000),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ clauses, order, view, scope, limit }) => {
        const filter = formatFilter(runFilter, clauses);
        const orderBy = order.map(
          ({ family, key, ascending }) => `${formatKey(runFilter, family, key)} ${ascending ? 'ASC' : 'DESC'}`,
        );
        const among = experimentIds.slice(0, scope);
        const expected = inOrder(
          runs.filter(
            (run) =>
              (view === 'all' || run.deleted === (view === 'deleted')) &&
              among.some((experiment) => run.id.startsWith(`${experiment}-`)) &&
              passes(run, parseFilter(runFilter, filter)),
          ),
          parseOrder(runFilter, orderBy),
        ).map(({ id }) => id);
        expect(await pages({ filter, orderBy, view, limit, experimentIds: among })).toEqual(expected);
      }),
    );
  });
});

describe('filters and orders', () => {
  test('match each entity by all of its names', async () => {
    const all = await idsOf();
    const first = runs.find(({ deleted }) => !deleted);
    for (const attribute of ['run_id', 'attribute.run_id', 'attributes.`run_id`', 'attr.run_id', 'run."run_id"']) {
      expect(await idsOf({ filter: `${attribute} = '${first!.id}'` })).toEqual([first!.id]);
    }
    const named = runs.filter(({ name, deleted }) => name === 'ab' && !deleted);
    for (const name of ['run_name', 'attributes.`Run Name`', 'attributes."run name"']) {
      expect((await idsOf({ filter: `${name} = 'ab'` })).toSorted()).toEqual(named.map(({ id }) => id).toSorted());
    }
    expect(await idsOf({ filter: '' })).toEqual(all);
    expect(await idsOf({ filter: '  ' })).toEqual(all);
    expect(await idsOf({ filter: `run_id IN ('${all[3]}', 'nobody')` })).toEqual([all[3]]);
    expect(
      await idsOf({ filter: `status = 'FINISHED' and created >= 20`, orderBy: ['created', 'run_id desc'] }),
    ).toEqual(
      inOrder(
        runs.filter(({ status, startedAt, deleted }) => status === 'FINISHED' && startedAt >= 20 && !deleted),
        parseOrder(runFilter, ['start_time', 'run_id desc']),
      ).map(({ id }) => id),
    );
  });

  test('LIKE is case-sensitive and ILIKE is not, also beyond ASCII', async () => {
    const found = async (operator: string) =>
      (await search({ filter: `run_name ${operator} 'Ä'`, limit: 1000 })).items.map(({ name }) => name);
    expect(new Set(await found('LIKE'))).toEqual(new Set(['Ä']));
    expect(new Set(await found('ILIKE'))).toEqual(new Set(['Ä', 'ä']));
  });

  test('sort numbers, then NaN, then missing values, in both directions', async () => {
    const shown = async (direction: string) => {
      const { items } = await search({ orderBy: [`metrics.m ${direction}`], limit: 1000 });
      return items.map(({ metrics }) => metrics.find(({ key }) => key === 'm')?.value);
    };
    const rankOf = (value: unknown) => (value === undefined ? 2 : value === 'NaN' ? 1 : 0);
    const [up, down] = [await shown('ASC'), await shown('DESC')];
    for (const values of [up, down]) {
      expect(values.map(rankOf)).toEqual(values.map(rankOf).toSorted((a, b) => a - b));
      expect(new Set(values.map(rankOf))).toEqual(new Set([0, 1, 2]));
    }
    const numbers = up.filter((value) => typeof value === 'number');
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(down.filter((value) => typeof value === 'number')).toEqual(numbers.toReversed().map((value) => value + 0));
  });

  test('return nothing without experiments or for a missing one', async () => {
    expect(await search({ experimentIds: [] })).toEqual({ items: [] });
    expect(await search({ experimentIds: ['999999999999'] })).toEqual({ items: [] });
    await expect(search({ experimentIds: [], filter: 'nonsense' })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

test('runs of the default experiment are found with the id 0, and never those of another project', async () => {
  await world.dais.apply([manifest('Project', 'elsewhere')]);
  const context = { projects: ['elsewhere'] };
  const own = await call<Run>('run.create', { experimentId: '0', id: 'mine', startedAt: 1 });
  const theirs = await call<Run>('run.create', { experimentId: '0', id: 'theirs', startedAt: 1 }, context);
  const find = async (input: object, of?: object) =>
    (await call<RunPage>('run.search', { experimentIds: ['0'], ...input }, of)).items.map(({ id }) => id);
  expect(await find({})).toEqual([own.id]);
  expect(await find({}, context)).toEqual([theirs.id]);
  expect(await find({ filter: `artifact_uri = 'artifacts:/0/mine/artifacts'` })).toEqual([own.id]);
  expect(await find({ experimentIds, filter: 'metrics.m < 10' }, context)).toEqual([]);
});

test('artifact URIs match as displayed', async () => {
  const artifactLocation = 's3://bucket/team//?region=eu';
  const { id } = await call<{ id: string }>('experiment.create', { name: 'elsewhere kept', artifactLocation });
  const run = await world.run(id);
  expect(run.artifactUri).toBe(`s3://bucket/team/${run.id}/artifacts?region=eu`);
  const input = { experimentIds: [id], filter: `artifact_uri = '${run.artifactUri}'`, orderBy: ['artifact_uri'] };
  expect(await idsOf(input)).toEqual([run.id]);
});

describe('a cursor', () => {
  test('continues after its row, independent of insertions and deletions', async () => {
    const experimentId = await world.experiment();
    const make = async (id: string, startedAt: number) =>
      await call('run.create', { experimentId, id: `${experimentId}-${id}`, startedAt });
    for (const n of [1, 3, 5, 7, 9]) await make(`r${n}`, n);
    const page = async (more: object = {}) => await search({ experimentIds: [experimentId], limit: 2, ...more });
    const named = ({ items }: RunPage) => items.map(({ id }) => id.slice(experimentId.length + 1));
    const one = await page();
    expect(named(one)).toEqual(['r9', 'r7']);
    await make('r10', 10);
    await make('r8', 8);
    await make('r4', 4);
    await call('run.delete', { id: `${experimentId}-r7` });
    const two = await page({ cursor: one.nextCursor });
    expect(named(two)).toEqual(['r5', 'r4']);
    const three = await page({ cursor: two.nextCursor });
    expect(named(three)).toEqual(['r3', 'r1']);
    expect(three.nextCursor).toBeUndefined();
  });

  test('of another search or an invented one is rejected', async () => {
    const orderBy = ['metrics.m', 'params.loss DESC'];
    const { nextCursor } = await search({ limit: 1, orderBy });
    const [binding] = JSON.parse(Buffer.from(nextCursor!, 'base64url').toString('utf8')) as [string];
    const forged = FORGED.map((position) => Buffer.from(JSON.stringify([binding, position])).toString('base64url'));
    for (const cursor of ['', 'x', 'eyJvZmZzZXQiOiAyfQ==', ...forged]) {
      expect([cursor, await codeOf(search({ limit: 1, orderBy, cursor }))]).toEqual([cursor, 'invalid_cursor']);
    }
    for (const other of [{ orderBy: ['metrics.m'] }, { filter: 'metrics.m > 0' }, { view: 'all' }]) {
      expect(await codeOf(search({ limit: 1, orderBy, cursor: nextCursor, ...other }))).toBe('invalid_cursor');
    }
    expect(await codeOf(search({ limit: 5, orderBy, cursor: nextCursor }))).toBe('ok');
  });

  test('works with an order of many long texts', async () => {
    const experimentId = await world.experiment();
    const keys = Array.from({ length: 20 }, (_, n) => `p${n}`);
    for (const n of [1, 2, 3]) {
      const { id } = await world.run(experimentId);
      await call('run.log', { id, params: keys.map((key) => ({ key, value: '\u0001'.repeat(5999) + n })) });
    }
    const input = { experimentIds: [experimentId], orderBy: keys.map((key) => `params.${key}`), limit: 1 };
    expect(new Set(await pages(input)).size).toBe(3);
  });
});

/** Places that no row has: of too few keys, too many, of other types, beyond what a column holds. */
const FORGED = [
  '',
  '{}',
  'null',
  '[]',
  '[1,"a","1"]',
  '[1,"a","1","id",5]',
  '["1","a","1","id"]',
  '[1,2,"1","id"]',
  '[1,"a",1,"id"]',
  '[1,"a","1",null]',
  '[1,"a","99999999999999999999","id"]',
  '[1,"a","1; drop","id"]',
  String.raw`[1,"\u0000","1","id"]`,
  String.raw`[1,"\ud800","1","id"]`,
  '[1e999,"a","1","id"]',
  '["Infinity","a","1","id"]',
];

describe('user input', () => {
  const hostile = [
    `'; drop table tracking.run; --`,
    `' or '1'='1`,
    `" or ""="`,
    `1); select pg_sleep(10); --`,
    `$1`,
    `$$ || (select 1) || $$`,
    `\\'; drop table tracking.run; --`,
    `%' escape '`,
    `/*`,
    `E'\\x41'`,
    `{a,b}`,
    `NULL`,
  ];

  test('is a bound value or a name, never a part of the query', async () => {
    const before = await idsOf();
    const quote = (text: string) => text.replaceAll("'", "''");
    for (const text of hostile) {
      const key = `\`${text.replaceAll('`', '``')}\``;
      for (const filter of [
        `params.m = '${quote(text)}'`,
        `tags.m LIKE '${quote(text)}'`,
        `run_id IN ('${quote(text)}')`,
        `datasets.name = '${quote(text)}'`,
        `params.${key} = 'x'`,
        `metrics.${key} > 1`,
      ]) {
        expect([filter, await idsOf({ filter })]).toEqual([filter, []]);
      }
      expect(await idsOf({ orderBy: [`tags.${key} DESC`, `metrics.${key}`] })).toEqual(before);
    }
  });

  test('with special characters matches exactly', async () => {
    const experimentId = await world.experiment();
    for (const [n, text] of hostile.entries()) {
      const { id } = await world.run(experimentId);
      await call('run.log', { id, params: [{ key: 'text', value: text }], tags: [{ key: `t${n}`, value: text }] });
      const filter = `params.text = '${text.replaceAll("'", "''")}'`;
      expect(await idsOf({ experimentIds: [experimentId], filter })).toEqual([id]);
    }
  });

  test('never causes a server error', async () => {
    const names = [
      'metrics',
      '.',
      'm',
      'params',
      'run_id',
      'start_time',
      'AND',
      'IS',
      'NOT',
      'NULL',
      'IN',
      'LIKE',
      'DESC',
    ];
    const signs = ['`', "'", '"', '(', ')', ',', ' ', '=', '>', ';', '--', '\\', '%', '$1', '\n', '-'];
    const word = fc.constantFrom(...names, ...signs, "'x'", '1e999', '9999999999999999999999');
    const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.array(text, { maxLength: 2 }), async (filter, orderBy) => {
        expect(['ok', 'invalid_request']).toContain(await codeOf(search({ filter, limit: 1 })));
        expect(['ok', 'invalid_request']).toContain(await codeOf(search({ orderBy, limit: 1 })));
      }),
    );
  });

  test('with NUL or an unpaired surrogate is rejected before it is parsed', async () => {
    for (const text of ['\0', '\ud800']) {
      expect(await codeOf(search({ filter: `params.a = '${text}'` }))).toBe('invalid_request');
      expect(await codeOf(search({ orderBy: [text] }))).toBe('invalid_request');
    }
  });

  test('that is too long or too complex is rejected with the limit', async () => {
    const { message } = await errorOf(search({ filter: 'metrics.m > 1 and '.repeat(50) + 'metrics.m > 1' }));
    expect(message).toBe('The filter has more than 50 comparisons.');
    expect(await codeOf(search({ filter: 'metrics.m > 1 and '.repeat(49) + 'metrics.m > 1' }))).toBe('ok');
    expect(await codeOf(search({ filter: `params.a = '${'x'.repeat(65_536)}'` }))).toBe('invalid_request');
    expect(await codeOf(search({ limit: 0 }))).toBe('invalid_request');
    expect(await codeOf(search({ limit: 50_001 }))).toBe('invalid_request');
  });
});
