import type { ModelVersion, RegisteredModel } from '@dais/api/registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import { person, startRegistryWorld, type RegistryProject, type RegistryWorld } from './testing/registry-world.ts';

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

let world: RegistryWorld;
let p: RegistryProject;

beforeAll(async () => {
  world = await startRegistryWorld();
  p = await world.project();
  for (const [name, tags] of [
    ['alpha', { team: 'vision', k: "it's" }],
    ['Beta', { team: 'vision' }],
    ['gamma 100%', { team: 'sound' }],
    ['delta_1', {}],
  ] as const) {
    await p.call('registeredModel.create', { name, tags });
  }
  await p.call('registeredModel.create', { name: 'greeting', type: 'prompt', tags: { team: 'text' } });
  await p.call('modelVersion.create', { name: 'alpha', source: 's3://b/a1', runId: 'r1', tags: { good: 'yes' } });
  await p.call('modelVersion.create', { name: 'alpha', source: 's3://b/a2', runId: 'r2' });
  await p.call('modelVersion.create', { name: 'Beta', source: 's3://b/b1' });
  await p.call('modelVersion.create', { name: 'greeting', source: 'text' });
  await p.call('modelAlias.set', { name: 'alpha', alias: 'champion', version: '1' });
  const other = await world.project();
  await other.call('registeredModel.create', { name: 'alpha' });
  await other.call('modelVersion.create', { name: 'alpha', source: 's3://b/other' });
});
afterAll(async () => {
  await world.stop();
});

const models = async (input: object = {}) =>
  (await p.call<Page<RegisteredModel>>('registeredModel.search', input)).items.map(({ name }) => name);
const versions = async (input: object = {}) =>
  (await p.call<Page<ModelVersion>>('modelVersion.search', input)).items.map((one) => `${one.model}/${one.version}`);

describe('models', () => {
  test.each<[string | undefined, readonly string[]]>([
    [undefined, ['Beta', 'alpha', 'delta_1', 'gamma 100%']],
    ["name = 'alpha'", ['alpha']],
    ["name LIKE 'b%'", []],
    ["name ILIKE 'b%'", ['Beta']],
    ["name LIKE '%\\%'", []],
    ["name LIKE 'gamma 100_'", ['gamma 100%']],
    ["name IN ('alpha', 'delta_1', 'nobody')", ['alpha', 'delta_1']],
    ["tags.team = 'vision'", ['Beta', 'alpha']],
    ["tag.team != 'vision'", ['gamma 100%']],
    ["tags.team = 'vision' AND name = 'alpha'", ['alpha']],
    ['tags.k = "it\'s"', ['alpha']],
    ['creation_timestamp > 5', ['Beta', 'alpha', 'delta_1', 'gamma 100%']],
    ['last_updated_timestamp < 5', []],
  ])('%s', async (filter, names) => {
    expect(await models({ ...(filter !== undefined && { filter }) })).toEqual(names);
  });

  test('prompts are found on request', async () => {
    expect(await models({ types: ['prompt'] })).toEqual(['greeting']);
    expect(await models({ types: ['model', 'prompt'], filter: "name ILIKE 'g%'" })).toEqual(['gamma 100%', 'greeting']);
  });

  test('are complete, in any order, page by page', async () => {
    const { items } = await p.call<Page<RegisteredModel>>('registeredModel.search', { filter: "name = 'alpha'" });
    expect(items).toEqual([await p.call('registeredModel.get', { name: 'alpha' })]);
    expect(await models({ orderBy: ['name DESC'] })).toEqual(['gamma 100%', 'delta_1', 'alpha', 'Beta']);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const input = { orderBy: ['creation_timestamp DESC'], limit: 1, ...(cursor !== undefined && { cursor }) };
      const page: Page<RegisteredModel> = await p.call('registeredModel.search', input);
      seen.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(['delta_1', 'gamma 100%', 'Beta', 'alpha']);
  });

  test.each(["name = 'a' OR name = 'b'", "nam = 'a'", 'name = 1', "tags.k > 'a'", "name = 'a"])(
    'rejects %s, with the position',
    async (filter) => {
      const error = await errorOf(p.call('registeredModel.search', { filter }));
      expect([error.code, error.issues?.[0]]).toEqual([
        'invalid_request',
        expect.objectContaining({ path: 'filter', line: 1 }),
      ]);
    },
  );

  test('rejects a cursor of another search', async () => {
    const { nextCursor = '' } = await p.call<Page<RegisteredModel>>('registeredModel.search', { limit: 1 });
    for (const input of [{ cursor: 'x' }, { cursor: nextCursor, orderBy: ['name DESC'] }]) {
      expect(await codeOf(p.call('registeredModel.search', input))).toBe('invalid_cursor');
    }
    expect(await codeOf(p.call('modelVersion.search', { cursor: nextCursor }))).toBe('invalid_cursor');
  });
});

describe('versions', () => {
  test.each<[string | undefined, readonly string[]]>([
    [undefined, ['Beta/1', 'alpha/2', 'alpha/1']],
    ["name = 'alpha'", ['alpha/2', 'alpha/1']],
    ["run_id = 'r1'", ['alpha/1']],
    ["run_id IN ('r1', 'r2')", ['alpha/2', 'alpha/1']],
    ["run_id != 'r1'", ['alpha/2']],
    ["source_path LIKE 's3://b/a%'", ['alpha/2', 'alpha/1']],
    ['version_number > 1', ['alpha/2']],
    ["version_number = '1'", ['Beta/1', 'alpha/1']],
    ["tags.good = 'yes'", ['alpha/1']],
  ])('%s', async (filter, names) => {
    expect(await versions({ ...(filter !== undefined && { filter }) })).toEqual(names);
  });

  test('are complete, with their aliases, in any order', async () => {
    const { items } = await p.call<Page<ModelVersion>>('modelVersion.search', { filter: "run_id = 'r1'" });
    expect(items).toEqual([await p.call('modelVersion.get', { name: 'alpha', version: '1' })]);
    expect(items[0]?.aliases).toEqual(['champion']);
    // Equal versions follow by name, whichever changed last.
    expect(await versions({ orderBy: ['version_number DESC'] })).toEqual(['alpha/2', 'Beta/1', 'alpha/1']);
    expect(await versions({ orderBy: ['name ASC', 'version_number ASC'] })).toEqual(['Beta/1', 'alpha/1', 'alpha/2']);
    expect(await versions({ types: ['prompt'] })).toEqual(['greeting/1']);
    const { nextCursor } = await p.call<Page<ModelVersion>>('modelVersion.search', { limit: 2 });
    expect(await versions({ limit: 2, cursor: nextCursor })).toEqual(['alpha/1']);
  });
});

test('a caller with permission for some models finds those, and their versions', async () => {
  await world.apply([manifest('User', 'ada', { email: 'ada@example.com' })]);
  const cedar =
    '@id("only-beta") permit(principal == Dais::User::"ada", action == Dais::Action::"model:read", resource) when { resource.name == "Beta" };';
  await world.apply([manifest('Policy', 'only-beta', { cedar })], p.name);
  const ask = async <Item>(operation: string) => (await p.call<Page<Item>>(operation, {}, person('ada'))).items;
  expect((await ask<RegisteredModel>('registeredModel.search')).map(({ name }) => name)).toEqual(['Beta']);
  expect((await ask<ModelVersion>('modelVersion.search')).map(({ model }) => model)).toEqual(['Beta']);
});
