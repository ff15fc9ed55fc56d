/** The point-in-time join: reference vectors, and random data compared with a reference model. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFeaturesWorld, type FeaturesWorld } from '../testing/features-world.ts';
import { formatCell } from '../values/moment.ts';

let world: FeaturesWorld;
let made = 0;
beforeAll(async () => {
  world = await startFeaturesWorld();
  await world.apply('Entity', 'k', { type: 'int64' });
  await world.apply('Entity', 'code', { type: 'string' });
}, 120_000);
afterAll(async () => await world.stop());

interface View {
  readonly csv: string;
  readonly ttl?: string;
  readonly created?: boolean;
  readonly entities?: readonly string[];
  readonly more?: object;
}

/** Creates a view of one feature `v` over these rows, and returns its name. */
async function view({ csv, ttl = '0s', created = true, entities = ['k'], more = {} }: View): Promise<string> {
  const dataset = await world.dataset(csv);
  const name = `view_${++made}`;
  await world.apply('FeatureView', name, {
    entities,
    source: { type: 'dataset', dataset },
    eventTime: 'ts',
    ...(created && { createdTime: 'created' }),
    ttl,
    features: [{ name: 'v', type: 'int64' }],
    ...more,
  });
  return name;
}

async function values(name: string, k: readonly unknown[], at: readonly string[], more: object = {}) {
  const { rows } = await world.history({ features: [`${name}:v`], entities: { k, event_timestamp: at }, ...more });
  return rows['v'];
}

const V1 = `k,ts,created,v
1,2023-12-31,2023-12-31,11
1,2024-01-02,2024-01-02,22
1,2024-01-03,2024-01-03,33
2,2023-01-03,2023-01-03,22
3,2024-01-01,2024-01-03,10
3,2024-01-01,2024-01-02,20
`;
const V1_ROWS = [
  [1, 1, 2, 3],
  ['2024-01-01', '2024-01-02', '2024-01-01', '2024-01-03'],
] as const;

describe('vectors', () => {
  test.each([
    ['10d', [11, 22, null, 10]],
    ['0s', [11, 22, 22, 10]],
    ['1d', [11, 22, null, null]],
  ])(
    'V1: the newest row not after the event time, not older than %s; the later created of two',
    async (ttl, expected) => {
      expect(await values(await view({ csv: V1, ttl }), ...V1_ROWS)).toEqual(expected);
    },
  );

  const V2 = `k,ts,created,v
1001,2026-11-01,2026-11-01,10
1001,2026-11-01,2026-11-02,20
1002,2026-11-01,2026-11-02,30
1002,2026-11-02,2026-11-01,40
`;
  test('V2: the creation time decides only between equal event times', async () => {
    const name = await view({ csv: V2 });
    expect(await values(name, [1001, 1002], ['2026-11-03', '2026-11-03'])).toEqual([20, 40]);
  });

  test('V3: with a cut-off, rows written later are ignored', async () => {
    const csv = `k,ts,created,v
1001,2026-11-01,2026-11-01,10
1001,2026-11-01,2026-11-03,20
1002,2026-11-01,2026-11-01,30
1002,2026-11-01,2026-11-03,40
`;
    const name = await view({ csv });
    const requested = [
      [1001, 1002],
      ['2026-11-02', '2026-11-02'],
    ] as const;
    expect(await values(name, ...requested)).toEqual([20, 40]);
    expect(await values(name, ...requested, { createdCutoff: true })).toEqual([10, 30]);
  });

  test('V4: without entity rows, each key has a row at each of its event times within the range', async () => {
    const csv = `k,ts,created,v
1,2026-10-30,2026-10-30,1
1,2026-10-31,2026-10-31,10
1,2026-11-01,2026-11-01,30
2,2026-10-30,2026-10-30,100
2,2026-10-31,2026-10-31,200
2,2026-11-01,2026-11-01,300
`;
    const name = await view({ csv });
    const all = await world.history({
      features: [`${name}:v`],
      start: '2026-10-29T00:00:00Z',
      end: '2026-11-01T01:00:00Z',
    });
    expect(all.rows).toEqual({
      k: [1, 2, 1, 2, 1, 2],
      event_timestamp: ['2026-10-30', '2026-10-30', '2026-10-31', '2026-10-31', '2026-11-01', '2026-11-01'].map(
        (day) => `${day}T00:00:00.000000Z`,
      ),
      v: [1, 100, 10, 200, 30, 300],
    });
    const some = await world.history({
      features: [`${name}:v`],
      start: '2026-10-31T00:00:00Z',
      end: '2026-10-31T00:00:00Z',
    });
    expect(some.rows['v']).toEqual([10, 200]);
  });

  test('V5: includes both limits, to the microsecond', async () => {
    const name = await view({ csv: 'k,ts,created,v\n1,2026-11-01T12:00:00,2026-11-01,7\n', ttl: '1h' });
    const at = [
      '2026-11-01T12:00:00Z',
      '2026-11-01T11:59:59.999999Z',
      '2026-11-01T13:00:00Z',
      '2026-11-01T13:00:00.000001Z',
    ];
    expect(await values(name, [1, 1, 1, 1], at)).toEqual([7, null, 7, null]);
  });

  test('V6: equal entity rows remain separate rows with all their columns', async () => {
    const name = await view({ csv: V1 });
    const entities = {
      k: [1, 1],
      event_timestamp: ['2024-01-02', '2024-01-02'],
      label: ['yes', 'no'],
      weight: [0.5, null],
    };
    const { rows, count } = await world.history({ features: [`${name}:v`], entities });
    expect(count).toBe(2);
    expect(rows).toMatchObject({ k: [1, 1], label: ['yes', 'no'], weight: [0.5, null], v: [22, 22] });
  });
});

describe('keys, names and types', () => {
  test('a NULL key matches nothing, and an event time without rows returns NULL', async () => {
    const csv = 'k,ts,created,v\n1,2024-01-01,2024-01-01,1\n,2024-01-01,2024-01-01,2\n';
    const name = await view({ csv });
    expect(await values(name, [null, 1, 5], ['2024-01-02', '2023-01-01', '2024-01-02'])).toEqual([null, null, null]);
    expect(await values(name, [], [])).toEqual([]);
  });

  test('supports several keys, and views without entities', async () => {
    const csv = 'k,code,ts,v\n1,a,2024-01-01,1\n1,b,2024-01-01,2\n2,a,2024-01-01,3\n';
    const pair = await view({ csv, created: false, entities: ['k', 'code'] });
    const all = await view({ csv: 'ts,v\n2024-01-01,7\n2024-01-03,8\n', created: false, entities: [] });
    const { rows } = await world.history({
      features: [`${pair}:v`, `${all}:v`],
      fullNames: true,
      entities: {
        k: [1, 1, 2, 2],
        code: ['b', 'a', 'a', 'b'],
        event_timestamp: ['2024-01-02', '2024-01-02', '2024-01-04', '2023-01-01'],
      },
    });
    expect(rows).toMatchObject({ [`${pair}__v`]: [2, 1, 3, null], [`${all}__v`]: [7, 7, 8, null] });
  });

  test('renames columns of the source and keys of the entity rows', async () => {
    const csv = 'who,since,amount\n1,2024-01-01,1\n2,2024-01-02,2\n';
    const name = await view({
      csv,
      created: false,
      more: { eventTime: 'since', columns: { k: 'who', v: 'amount' } },
    });
    await world.apply('FeatureService', 'pairs', {
      features: [
        { view: name, as: 'origin', keys: { k: 'from' } },
        { view: name, as: 'destination', keys: { k: 'to' } },
      ],
    });
    const entities = { from: [1, 2], to: [2, 9], event_timestamp: ['2024-01-02', '2024-01-02'] };
    const { rows } = await world.history({ service: 'pairs', fullNames: true, entities });
    expect(rows).toMatchObject({ origin__v: [1, 2], destination__v: [2, null] });
    await expect(world.history({ service: 'pairs', entities })).rejects.toThrow(/fullNames: true/);
  });

  test('rejects invalid joins by name', async () => {
    const name = await view({ csv: V1 });
    const at = ['2024-01-02'];
    await expect(values(name, ['one'], at)).rejects.toThrow(/"k" of entities, row 0: this text is not a valid int64/);
    await expect(world.history({ features: [`${name}:v`], entities: { k: [1] } })).rejects.toThrow(
      /"event_timestamp" of entities is missing/,
    );
    await expect(world.history({ features: [`${name}:v`], entities: { event_timestamp: at } })).rejects.toThrow(
      /"k" of entities is missing: a int64/,
    );
    await expect(world.history({ features: [`${name}:w`], entities: {} })).rejects.toThrow(/has no feature "w"/);
    await expect(world.history({ features: ['none:v'], entities: {} })).rejects.toThrow(/no FeatureView "none"/);
    await expect(values(name, [1, 2], at)).rejects.toThrow(/the same length/);
    await expect(
      world.history({ features: [`${name}:v`], entities: { k: [1], v: [1], event_timestamp: at } }),
    ).rejects.toThrow(/name "v" of .* is already used by a column of the entities/);
  });

  test('a query is a source like a dataset', async () => {
    const dataset = await world.dataset(V1);
    await world.apply('FeatureView', 'doubled', {
      entities: ['k'],
      source: {
        type: 'sql',
        sql: `select k, ts, created, v * 2 as v from "${dataset}" where v > 10`,
        datasets: [dataset],
      },
      eventTime: 'ts',
      createdTime: 'created',
      features: [{ name: 'v', type: 'int64' }],
    });
    expect(await values('doubled', ...V1_ROWS)).toEqual([22, 44, 44, 40]);
  });
});

interface Row {
  readonly k: number;
  readonly ts: number;
  readonly created: number;
}

/** The result of the reference model by row. For rows with equal times, any value is valid. */
function allowed(
  rows: readonly Row[],
  k: number,
  at: number,
  ttl: number,
  cutoff: boolean,
): readonly (number | null)[] {
  const fitting = rows
    .map((row, v) => ({ ...row, v }))
    .filter(
      (row) => row.k === k && row.ts <= at && (ttl === 0 || row.ts >= at - ttl) && (!cutoff || row.created <= at),
    );
  const newest = Math.max(...fitting.map((row) => row.ts));
  const tied = fitting.filter((row) => row.ts === newest);
  const last = Math.max(...tied.map((row) => row.created));
  return tied.length === 0 ? [null] : tied.filter((row) => row.created === last).map((row) => row.v);
}

describe('random data', () => {
  const few = fc.nat(5);
  const rows = fc.array(fc.record({ k: fc.nat(2), ts: few, created: few }), { minLength: 1, maxLength: 40 });
  const requested = fc.array(fc.record({ k: fc.nat(3), at: fc.nat(6) }), { minLength: 1, maxLength: 30 });
  const time = (n: number) => formatCell(Date.parse('2026-11-01T00:00:00Z') * 1000 + n);

  test('returns the result of the reference model for each row', async () => {
    await fc.assert(
      fc.asyncProperty(rows, requested, fc.nat(4), fc.boolean(), async (source, questions, ttl, cutoff) => {
        const csv = `k,ts,created,v\n${source.map(({ k, ts, created }, v) => `${k},${time(ts)},${time(created)},${v}\n`).join('')}`;
        const name = await view({ csv, ttl: `${ttl}us` });
        const given = await values(
          name,
          questions.map(({ k }) => k),
          questions.map(({ at }) => time(at)),
          { createdCutoff: cutoff },
        );
        for (const [index, { k, at }] of questions.entries()) {
          expect(allowed(source, k, at, ttl, cutoff)).toContain(given?.[index]);
        }
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});
