import type { Experiment } from '@dais/api/tracking';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

interface ExperimentPage {
  readonly items: readonly Experiment[];
  readonly nextCursor?: string;
}

let world: TrackingWorld;
const context = { projects: ['lab'] };
const ids = new Map<string, string>();

const call = async <Output>(name: string, input: unknown) => await world.dais.call<Output>(name, input, context);
const search = async (input: object = {}) => await call<ExperimentPage>('experiment.search', input);
const names = async (input: object = {}) => (await search(input)).items.map(({ name }) => name);

beforeAll(async () => {
  world = await startTrackingWorld();
  await world.dais.apply([manifest('Project', 'lab')]);
  for (const [name, tags] of [
    ['alpha', { team: 'vision', 'long key': 'x' }],
    ['beta', { team: 'Speech' }],
    ['gamma', {}],
    ['Delta', { team: 'vision' }],
  ] as const) {
    ids.set(name, (await call<Experiment>('experiment.create', { name, tags })).id);
  }
  await call('experiment.delete', { id: ids.get('gamma') });
  await world.experiment('alpha of another project');
});
afterAll(async () => await world?.stop());

const by = { orderBy: ['name'] };

test.each([
  ["name = 'alpha'", ['alpha']],
  ["attribute.name != 'alpha'", ['Delta', 'beta']],
  ["name LIKE '%a'", ['Delta', 'alpha', 'beta']],
  ["name LIKE 'd%'", []],
  ["name ILIKE 'd%'", ['Delta']],
  ["tags.team = 'vision'", ['Delta', 'alpha']],
  ["tag.team ILIKE 'speech'", ['beta']],
  ["tags.`long key` = 'x'", ['alpha']],
  ["tags.team != 'vision'", ['beta']],
  ['tags.`long key` IS NULL', ['Delta', 'beta']],
  ["tags.team IS NOT NULL AND name = 'beta'", ['beta']],
  ['creation_time > 0', ['Delta', 'alpha', 'beta']],
  ['last_update_time < 1000', []],
])('filter %s', async (filter, expected) => {
  expect((await names({ filter, ...by })).filter((name) => name !== 'Default')).toEqual(expected);
});

test('views', async () => {
  expect(await names({ view: 'deleted' })).toEqual(['gamma']);
  expect(await names({ view: 'all', filter: "name LIKE '%a%'", ...by })).toContain('gamma');
  expect(await names()).not.toContain('gamma');
});

test('ids of experiments are the public ones', async () => {
  const [alpha, beta] = [ids.get('alpha'), ids.get('beta')];
  expect(await names({ filter: `experiment_id = '${alpha}'` })).toEqual(['alpha']);
  expect(await names({ filter: `experiment_id IN ('${alpha}', '${beta}')`, orderBy: ['experiment_id'] })).toEqual([
    'alpha',
    'beta',
  ]);
  const others = await names({ filter: `experiment_id NOT IN ('${alpha}', '0')`, ...by });
  expect(others).toEqual(['Delta', 'beta']);
  await expect(search({ filter: "name = 'x' and experiment_id = 'abc'" })).rejects.toMatchObject({
    code: 'invalid_request',
    message: "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.",
    issues: [{ path: 'filter', column: 16 }],
  });
});

describe('pages', () => {
  test('newest first, each experiment once', async () => {
    const all = await names({ view: 'all' });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await search({ view: 'all', limit: 1, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(all);
    const times = (await search({ view: 'all' })).items.map(({ createdAt }) => createdAt);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  test('a cursor of another search is rejected', async () => {
    const { nextCursor } = await search({ limit: 1 });
    expect(await codeOf(search({ limit: 1, cursor: nextCursor }))).toBe('ok');
    expect(await codeOf(search({ limit: 1, cursor: nextCursor, ...by }))).toBe('invalid_cursor');
    expect(await codeOf(search({ cursor: 'x' }))).toBe('invalid_cursor');
  });
});

test.each(["name = 'x' OR name = 'y'", 'metrics.m > 1', "foo = 'x'", 'creation_time > 1.5', "name IN ('a')"])(
  'rejects %s',
  async (filter) => {
    expect(await codeOf(search({ filter }))).toBe('invalid_request');
  },
);

test.each(['tags.team', 'foo', 'name sideways', 'name, experiment_id'])('rejects the order %s', async (key) => {
  expect(await codeOf(search({ orderBy: [key] }))).toBe('invalid_request');
});
