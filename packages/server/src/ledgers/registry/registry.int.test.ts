import type { Event, Resource } from '@dais/api';
import type { Approval, ModelVersion, RegisteredModel } from '@dais/api/registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import { startRegistryWorld, type RegistryProject, type RegistryWorld } from './testing/registry-world.ts';

let world: RegistryWorld;
let p: RegistryProject;

beforeAll(async () => {
  world = await startRegistryWorld();
  p = await world.project();
});
afterAll(async () => {
  await world.stop();
});

let made = 0;
const fresh = () => `model-${++made}`;

async function freshModel(spec: object = {}): Promise<string> {
  const name = fresh();
  await p.call('model.create', { manifest: manifest('Model', name, spec) });
  return name;
}

const model = (name: string) => p.call<RegisteredModel>('registeredModel.get', { name });
const version = (name: string, source = 's3://bucket/model', more: object = {}) =>
  p.call<ModelVersion>('modelVersion.create', { name, source, ...more });
const alias = (name: string, as: string, number: number) =>
  p.call<ModelVersion>('modelAlias.set', { name, alias: as, version: String(number) });

async function eventsOf(name: string): Promise<Event[]> {
  const { items } = await p.call<{ items: Event[] }>('event.list', { kind: 'Model', name, limit: 1000 });
  return items.toReversed();
}
const types = async (name: string) => (await eventsOf(name)).map((event) => event.type);

describe('models', () => {
  test('a model that a client registers is a resource too, and has its tags', async () => {
    const name = fresh();
    const created = await p.call<RegisteredModel>(
      'registeredModel.create',
      { name, description: 'Delays', tags: { team: 'vision', __proto__x: '1' } },
      { origin: 'client' },
    );
    expect(created).toMatchObject({ name, type: 'model', description: 'Delays', aliases: {}, latestVersions: [] });
    expect(created.tags).toEqual({ team: 'vision', __proto__x: '1' });
    expect(await model(name)).toEqual(created);
    const resource = await p.call<Resource>('model.get', { name });
    expect(resource).toMatchObject({ metadata: { uid: created.uid, origin: 'client' }, spec: {} });
    await expect.poll(() => types(name)).toEqual(['resource.created', 'model.tagged', 'model.tagged']);
  });

  test('a name is one model, with any client', async () => {
    const name = await freshModel({ description: 'By manifest' });
    expect(await codeOf(p.call('registeredModel.create', { name }))).toBe('already_exists');
    expect((await model(name)).description).toBe('By manifest');
    const other = fresh();
    const both = await Promise.all([1, 2, 3].map(() => codeOf(p.call('registeredModel.create', { name: other }))));
    expect(both.toSorted()).toEqual(['already_exists', 'already_exists', 'ok']);
  });

  test.each(['a/b', 'a:b', '', ' a', '..', 'x'.repeat(257)])('rejects the name %j', async (name) => {
    expect(await codeOf(p.call('registeredModel.create', { name }))).toBe('invalid_request');
    expect(await codeOf(p.call('model.create', { manifest: manifest('Model', name) }))).toBe('invalid_request');
  });

  test('a client can set the description of a model without a manifest', async () => {
    const name = await freshModel({ description: 'By manifest' });
    const error = await errorOf(p.call('registeredModel.update', { name, description: 'Otherwise' }));
    expect(error.code).toBe('other_origin');
    expect(error.message).toContain('spec.description');
    await p.call('registeredModel.update', { name, description: 'By manifest' });
    await p.call('model.update', { name, manifest: manifest('Model', name, {}) });
    await p.call('registeredModel.update', { name, description: 'Otherwise' });
    expect((await model(name)).description).toBe('Otherwise');
    await p.call('model.update', { name, manifest: manifest('Model', name, { description: 'Again' }) });
    expect((await model(name)).description).toBe('Again');
  });

  test('tags are set, replaced and removed; removing a missing one is no error', async () => {
    const name = await freshModel();
    await p.call('registeredModel.update', { name, tags: { a: '1', b: '2' } });
    const changed = await p.call<RegisteredModel>('registeredModel.update', {
      name,
      tags: { b: '3', long: '😀'.repeat(700) },
      removeTags: ['a', 'zz'],
    });
    expect(changed.tags).toEqual({ b: '3', long: '😀'.repeat(700) });
    const set = { name, tags: { a: '1' }, removeTags: ['a'] };
    expect(await codeOf(p.call('registeredModel.update', set))).toBe('invalid_request');
    await expect.poll(() => types(name)).toContain('model.untagged');
    const reported = (await eventsOf(name)).find((event) => event.data['key'] === 'long');
    expect(reported?.data['value']).toBe('😀'.repeat(500));
  });

  test('a renamed model keeps versions, tags and aliases, and becomes another resource', async () => {
    const name = await freshModel({ intendedUse: 'Gates' });
    const to = `${name} renamed`;
    await p.call('registeredModel.update', { name, tags: { a: '1' }, description: 'Delays' });
    await version(name);
    await alias(name, 'champion', 1);
    const before = await model(name);
    const renamed = await p.call<RegisteredModel>('registeredModel.rename', { name, to });
    expect(renamed).toMatchObject({ name: to, tags: { a: '1' }, aliases: { champion: 1 }, description: 'Delays' });
    expect(renamed.uid).not.toBe(before.uid);
    expect(await codeOf(model(name))).toBe('not_found');
    expect(await codeOf(p.call('model.get', { name }))).toBe('not_found');
    expect((await p.call<Resource>('model.get', { name: to })).spec).toEqual({ intendedUse: 'Gates' });
    expect((await version(to)).version).toBe(2);
    await expect.poll(() => types(to)).toContain('model.renamed');
    expect(await p.call('registeredModel.rename', { name: to, to })).toMatchObject({ name: to });
    const taken = await freshModel();
    expect(await codeOf(p.call('registeredModel.rename', { name: to, to: taken }))).toBe('already_exists');
    expect(await codeOf(p.call('registeredModel.rename', { name: fresh(), to: fresh() }))).toBe('not_found');
  });

  test('a model of a manifest set is renamed there', async () => {
    const name = fresh();
    await world.dais.apply([manifest('Model', name)], { owner: 'team' }, p.context);
    const error = await errorOf(p.call('registeredModel.rename', { name, to: fresh() }));
    expect([error.code, error.message]).toEqual(['other_origin', expect.stringContaining('"team"')]);
  });

  test('versions are deleted with their model in the registry, and block its deletion elsewhere', async () => {
    const name = await freshModel();
    await version(name);
    const error = await errorOf(p.call('model.delete', { name }));
    expect([error.code, error.holders]).toEqual(['still_referenced', ['version 1']]);
    await p.call('registeredModel.delete', { name });
    expect(await codeOf(model(name))).toBe('not_found');
    await p.call('registeredModel.create', { name });
    expect((await version(name)).version).toBe(1);
    const empty = await freshModel();
    await p.call('model.delete', { name: empty });
    expect(await codeOf(model(empty))).toBe('not_found');
  });

  test('a prompt stays a prompt', async () => {
    const name = fresh();
    await p.call('registeredModel.create', { name, type: 'prompt' });
    expect(await model(name)).toMatchObject({ type: 'prompt' });
    const changed = manifest('Model', name, { type: 'model' });
    expect(await codeOf(p.call('model.update', { name, manifest: changed }))).toBe('immutable_field');
    expect(await version(name, 'any text at all/../')).toMatchObject({ artifactUri: 'any text at all/../' });
  });
});

describe('versions', () => {
  test('have consecutive numbers, which are not reused', async () => {
    const name = await freshModel();
    const numbers = await Promise.all(Array.from({ length: 8 }, () => version(name)));
    expect(numbers.map((one) => one.version).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    await p.call('modelVersion.delete', { name, version: '8' });
    expect((await version(name)).version).toBe(9);
    expect(await codeOf(version(fresh()))).toBe('not_found');
  });

  test('have origin, author and description', async () => {
    const name = await freshModel();
    const made = await version(name, 's3://bucket/a//b', {
      runLink: 'https://elsewhere.example.com/run/1',
      description: 'First',
      tags: { a: '1' },
    });
    expect(made).toMatchObject({
      model: name,
      version: 1,
      source: 's3://bucket/a//b',
      artifactUri: 's3://bucket/a//b',
      runLink: 'https://elsewhere.example.com/run/1',
      createdBy: { type: 'user', id: 'owner' },
      stage: 'None',
      tags: { a: '1' },
      aliases: [],
    });
    const updated = await p.call<ModelVersion>('modelVersion.update', {
      name,
      version: '1',
      description: '',
      tags: { b: '2' },
      removeTags: ['a'],
    });
    expect(updated).toMatchObject({ description: '', tags: { b: '2' } });
    expect(await p.call('modelVersion.get', { name, version: '1' })).toEqual(updated);
    await expect
      .poll(async () => (await eventsOf(name)).map(({ type, data }) => [type, data['tags'] ?? data['key']]))
      .toEqual([
        ['resource.created', undefined],
        ['model.version.created', { a: '1' }],
        ['model.version.described', undefined],
        ['model.version.tagged', 'b'],
        ['model.version.untagged', 'a'],
      ]);
    const missing = await errorOf(p.call('modelVersion.get', { name, version: '7' }));
    expect([missing.code, missing.message]).toEqual(['not_found', `Model "${name}" has no version 7.`]);
    expect(await codeOf(p.call('modelVersion.get', { name: fresh(), version: '7' }))).toBe('not_found');
    expect(await codeOf(p.call('modelVersion.get', { name, version: 'abc' }))).toBe('invalid_request');
  });

  test('a retry with the same key registers no duplicate', async () => {
    const name = await freshModel();
    const context = { ...p.context, idempotencyKey: 'again' };
    const input = { name, source: 's3://bucket/m' };
    const [first, second] = [
      await world.dais.call('modelVersion.create', input, context),
      await world.dais.call('modelVersion.create', input, context),
    ];
    expect(second).toEqual(first);
    expect((await version(name)).version).toBe(2);
  });

  test('a version of a version has the same files and origin', async () => {
    const [from, to] = [await freshModel(), await freshModel()];
    await version(from, 's3://bucket/m', { runId: 'r1' });
    await alias(from, 'champion', 1);
    for (const source of [`models:/${from}/1`, `models:/${from}@champion`]) {
      expect(await version(to, source)).toMatchObject({ source, artifactUri: 's3://bucket/m', runId: 'r1' });
    }
    expect(await codeOf(version(to, `models:/${from}/9`))).toBe('not_found');
    expect((await version(to)).version).toBe(3);
  });

  test('files of a run or a logged model become a version only as part of it', async () => {
    const name = await freshModel();
    const { run, loggedModel, home, modelHome, localRun } = await p.tracked();
    const from = async (source: string, more: object = {}) => (await version(name, source, more)).artifactUri;
    expect(await from(`runs:/${run}/model`)).toBe(`${home}/model`);
    expect(await from(`${home}/model`, { runId: run })).toBe(`${home}/model`);
    expect(await from(`models:/${loggedModel}`)).toBe(modelHome);
    expect(await version(name, `models:/${loggedModel}`)).toMatchObject({ loggedModelId: loggedModel, runId: run });
    expect(await from('/srv/models/x/artifacts/m', { runId: localRun })).toBe('/srv/models/x/artifacts/m');
    const refused = async (source: string, more: object = {}) =>
      expect(await codeOf(version(name, source, more))).toBe('invalid_request');
    await refused(`${home}/model`);
    await refused(`${home}-other`, { runId: run });
    await refused(`${home}/../../other`, { runId: run });
    await refused(`${home}/%2e%2e/other`, { runId: run });
    await refused(`runs:/${run}/model`, { runId: localRun });
    await refused(`runs:/nobody/model`);
    // A run of another server, named explicitly. The address leads to no file of this one.
    expect(await from(`runs:/nobody/model`, { runId: 'nobody' })).toBe('runs:/nobody/model');
    await refused(`models:/m-nobody`);
    await refused('/etc/passwd');
    await refused('/etc/passwd', { runId: localRun });
    await refused('file:///etc/passwd', { runId: run });
    await refused('relative/path', { runId: localRun });
  });

  test('enter stages; other versions leave them', async () => {
    const name = await freshModel();
    for (let n = 0; n < 3; n++) await version(name);
    const stage = (number: number, to: string, archiveOthers = false) =>
      p.call<ModelVersion>('modelVersion.stage', { name, version: String(number), stage: to, archiveOthers });
    await stage(1, 'Production');
    await stage(2, 'Production');
    expect((await stage(3, 'Production', true)).stage).toBe('Production');
    expect(await codeOf(stage(3, 'Archived', true))).toBe('invalid_request');
    const { latestVersions } = await model(name);
    expect(latestVersions.map((one) => [one.version, one.stage])).toEqual([
      [2, 'Archived'],
      [3, 'Production'],
    ]);
    const last = async () => (await eventsOf(name)).at(-1)?.data;
    await expect.poll(last).toEqual({ version: 3, from: 'None', to: 'Production', archived: [1, 2], approvals: [] });
  });
});

describe('aliases', () => {
  test('refer to one version, move, and are deleted with it', async () => {
    const name = await freshModel();
    for (let n = 0; n < 2; n++) await version(name);
    expect((await alias(name, 'champion', 1)).aliases).toEqual(['champion']);
    await alias(name, 'challenger', 2);
    await alias(name, 'champion', 2);
    expect((await model(name)).aliases).toEqual({ challenger: 2, champion: 2 });
    expect(await p.call('modelAlias.get', { name, alias: 'champion' })).toMatchObject({
      version: 2,
      aliases: ['challenger', 'champion'],
    });
    await p.call('modelAlias.remove', { name, alias: 'challenger' });
    await p.call('modelAlias.remove', { name, alias: 'challenger' });
    await p.call('modelVersion.delete', { name, version: '2' });
    expect((await model(name)).aliases).toEqual({});
    const gone = await errorOf(p.call('modelAlias.get', { name, alias: 'champion' }));
    expect([gone.code, gone.message]).toEqual(['not_found', `Model "${name}" has no alias "champion".`]);
    expect(await codeOf(alias(name, 'champion', 2))).toBe('not_found');
    await expect.poll(async () => (await types(name)).at(-1)).toBe('model.version.deleted');
    const moves = (await eventsOf(name)).filter((event) => event.type === 'model.alias.set');
    expect(moves.at(-1)?.data).toEqual({ alias: 'champion', version: 2, before: 1, approvals: [] });
  });

  test.each(['latest', 'LATEST', 'v1', 'V12', 'a b', 'a.b', ''])('rejects the alias %j', async (word) => {
    const name = await freshModel();
    await version(name);
    expect(await codeOf(alias(name, word, 1))).toBe('invalid_request');
  });

  test('two concurrent moves leave one result, and emit both events', async () => {
    const name = await freshModel();
    for (let n = 0; n < 4; n++) await version(name);
    await Promise.all([1, 2, 3, 4].map((number) => alias(name, 'champion', number)));
    await expect.poll(async () => (await types(name)).filter((type) => type === 'model.alias.set').length).toBe(4);
    const reported = (await eventsOf(name)).filter((event) => event.type === 'model.alias.set').map(({ data }) => data);
    // Each starts where the previous one ended.
    expect(reported.map((data) => data['before'])).toEqual([
      undefined,
      ...reported.slice(0, -1).map((data) => data['version']),
    ]);
    expect((await model(name)).aliases['champion']).toBe(reported.at(-1)?.['version']);
  });
});

test('another project can neither see nor change them', async () => {
  const name = await freshModel();
  await version(name);
  const other = await world.project();
  for (const [operation, input] of [
    ['registeredModel.get', { name }],
    ['registeredModel.update', { name, tags: { a: '1' } }],
    ['registeredModel.rename', { name, to: 'mine' }],
    ['registeredModel.delete', { name }],
    ['modelVersion.create', { name, source: 's3://b/m' }],
    ['modelVersion.get', { name, version: '1' }],
    ['modelVersion.update', { name, version: '1', description: 'x' }],
    ['modelVersion.delete', { name, version: '1' }],
    ['modelVersion.stage', { name, version: '1', stage: 'Archived' }],
    ['modelAlias.set', { name, alias: 'champion', version: '1' }],
    ['modelAlias.get', { name, alias: 'champion' }],
    ['modelAlias.remove', { name, alias: 'champion' }],
    ['modelApproval.list', { name }],
    ['modelVersion.create', { name: await other.model(), source: `models:/${name}/1` }],
  ] as const) {
    expect([operation, await codeOf(other.call(operation, input))]).toEqual([operation, 'not_found']);
  }
  expect(await model(name)).toMatchObject({ tags: {}, aliases: {} });
  const rows = await world.rowsSeenBy(other.id, 'select name from registry.model');
  expect(rows.map((row) => row['name'])).not.toContain(name);
  const { items } = await p.call<{ items: Approval[] }>('modelApproval.list', { name });
  expect(items).toEqual([]);
});
