import { matchesSelector, parseSelector, type Revision } from '@dais/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { codeOf, manifest, startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';
import { freshProject, type TestProject } from './testing/test-project.ts';

let test_: TestDatabase;
let dais: TestKernel;

beforeAll(async () => {
  test_ = await startKernelDatabase();
  dais = await startTestKernel(test_, { start: 'none' });
});
afterAll(async () => {
  await dais.stop();
  await test_.stop();
});

describe('create, read, update, delete', () => {
  test('a resource is returned as written', async () => {
    const p = await freshProject(dais);
    const made = await p.create(
      'a',
      { note: 'n', extra: { z: 1, a: null } },
      { labels: { team: 'x' }, annotations: { why: 'so' } },
    );
    expect(made).toMatchObject({
      apiVersion: 'dais.dev/v1',
      kind: 'Part',
      metadata: {
        name: 'a',
        project: p.name,
        labels: { team: 'x' },
        annotations: { why: 'so' },
        origin: 'manifest',
        generation: 1,
      },
      status: {},
    });
    expect(JSON.stringify(made.spec)).toBe('{"note":"n","extra":{"z":1,"a":null}}');
    expect(made.metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(await p.get('a')).toEqual(made);
  });

  test('defaults are not stored, through any API', async () => {
    const p = await freshProject(dais);
    expect((await p.create('a')).spec).toEqual({});
    expect((await p.update('a', { note: 'x' })).spec).toEqual({ note: 'x' });
    expect(await dais.plan([manifest('Part', 'a', { note: 'x' })], {}, p.context)).toMatchObject([
      { action: 'unchanged' },
    ]);
  });

  test('an update replaces the whole resource; an identical one creates no revision and no new version', async () => {
    const p = await freshProject(dais);
    const first = await p.create('a', { note: 'n', size: 2 }, { labels: { l: '1' } });
    const second = await p.update('a', { size: 3 });
    expect(second).toMatchObject({
      spec: { size: 3 },
      metadata: { labels: {}, generation: 2, uid: first.metadata.uid },
    });
    expect(second.spec).not.toHaveProperty('note');
    expect(await p.update('a', { size: 3 })).toEqual(second);
  });

  test('names are as wide as people’s tools allow, and compared byte by byte', async () => {
    const p = await freshProject(dais);
    const names = ['a', 'A', 'ä', 'a b', '../x', '%2F', '"q"', '文', '🚀', 'x'.repeat(256), 'null', '0'];
    for (const name of names) await p.create(name);
    for (const name of names) expect((await p.get(name)).metadata.name).toBe(name);
    const bytewise = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await p.names()).toEqual(bytewise);
  });

  test('a deleted resource is missing, and its name is free', async () => {
    const p = await freshProject(dais);
    const first = await p.create('a');
    const last = await p.remove('a');
    expect(last.metadata.uid).toBe(first.metadata.uid);
    expect(await codeOf(p.get('a'))).toBe('not_found');
    const second = await p.create('a');
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    expect(second.metadata.generation).toBe(1);
  });

  test.each<[string, (p: TestProject) => Promise<unknown>, string]>([
    ['a name that is taken', (p) => p.create('here'), 'already_exists'],
    ['an update of nothing', (p) => p.update('nowhere', {}), 'not_found'],
    ['a read of nothing', (p) => p.get('nowhere'), 'not_found'],
    ['a deletion of nothing', (p) => p.remove('nowhere'), 'not_found'],
    ['a history of nothing', (p) => p.history('nowhere'), 'not_found'],
    ['a name with NUL', (p) => p.get('a\0b'), 'invalid_request'],
    ['two names', (p) => p.call('update', { name: 'here', manifest: manifest('Part', 'there') }), 'invalid_request'],
    ['another kind', (p) => p.call('create', { manifest: manifest('Fleet', 'x') }), 'invalid_request'],
    ['an unknown field', (p) => p.create('x', { sice: 1 }), 'invalid_request'],
    ['a rule across fields', (p) => p.create('x', { least: 2, most: 1 }), 'invalid_manifest'],
    ['an immutable field', (p) => p.update('here', { home: 'south' }), 'immutable_field'],
    ['a version that is past', (p) => p.update('here', { home: 'north' }, {}, '1'), 'precondition_failed'],
    ['a deletion of a version that is past', (p) => p.remove('here', '1'), 'precondition_failed'],
    [
      'a version in the manifest',
      (p) => p.update('here', { home: 'north' }, { resourceVersion: '1' }),
      'precondition_failed',
    ],
    [
      'an unknown project',
      (p) => dais.call('part.get', { name: 'here' }, { projects: [`${p.name}-not`] }),
      'not_found',
    ],
    ['a project with NUL', () => dais.call('part.get', { name: 'here' }, { projects: ['a\0'] }), 'not_found'],
    [
      'two projects',
      (p) => dais.call('part.get', { name: 'here' }, { projects: [p.name, 'default'] }),
      'project_mismatch',
    ],
    ['another project in the manifest', (p) => p.create('x', {}, { project: 'default' }), 'project_mismatch'],
    [
      'what another tool made',
      (p) =>
        dais.call(
          'part.update',
          { name: 'here', manifest: manifest('Part', 'here', { home: 'north', size: 3 }) },
          { ...p.context, origin: 'other' },
        ),
      'other_origin',
    ],
    ['a selector', (p) => p.list({ labels: 'a b' }), 'invalid_request'],
    ['a cursor', (p) => p.list({ cursor: 'x' }), 'invalid_cursor'],
    ['too long a page', (p) => p.list({ limit: 1001 }), 'invalid_request'],
  ])('rejects %s', async (_name, attempt, code) => {
    const p = await freshProject(dais);
    const before = await p.create('here', { home: 'north' });
    expect(await codeOf(attempt(p))).toBe(code);
    expect(await p.get('here')).toEqual(before);
    expect(await p.names()).toEqual(['here']);
  });

  test('a write with the current version succeeds, once', async () => {
    const p = await freshProject(dais);
    const { metadata } = await p.create('a');
    const attempts = await Promise.all(
      [1, 2, 3, 4].map((size) => codeOf(p.update('a', { size }, {}, metadata.resourceVersion))),
    );
    expect(attempts.toSorted()).toEqual(['ok', 'precondition_failed', 'precondition_failed', 'precondition_failed']);
  });

  test('of concurrent creations of one name, one succeeds', async () => {
    const p = await freshProject(dais);
    const attempts = await Promise.all(Array.from({ length: 8 }, () => codeOf(p.create('a'))));
    expect(attempts.filter((code) => code === 'ok')).toHaveLength(1);
    expect(attempts.filter((code) => code === 'already_exists')).toHaveLength(7);
  });

  test('concurrent updates all count, one after the other', async () => {
    const p = await freshProject(dais);
    await p.create('a');
    await Promise.all(Array.from({ length: 10 }, (_, size) => p.update('a', { size: size + 10 })));
    expect((await p.get('a')).metadata.generation).toBe(11);
    expect((await p.history('a')).items.map((revision) => revision.generation)).toEqual([
      11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
    ]);
  });

  test('a kind’s own action runs with validated input', async () => {
    const p = await freshProject(dais);
    await p.create('a', { note: 'x' });
    expect(await p.call('ping', { name: 'a' })).toEqual({ note: 'x' });
    expect(await p.call('ping', { name: 'a', twice: true })).toEqual({ note: 'xx' });
    expect(await codeOf(p.call('ping', { name: 'a', thrice: true }))).toBe('invalid_request');
  });

  test('a write-only field leaves no trace except its presence', async () => {
    const p = await freshProject(dais);
    const made = await p.create('a', { code: 'hunter2', note: 'n' });
    expect(made).toMatchObject({ spec: { note: 'n' }, status: { sealed: true } });
    await p.update('a', { note: 'n', code: 'hunter3' });
    expect((await p.get('a')).metadata.generation).toBe(2);
    for (const table of ['resource', 'revision', 'event']) {
      const rows = await test_.asAdmin(`select * from kernel.${table} t where t::text like '%hunter%'`);
      expect(rows).toEqual([]);
    }
  });

  test('only the owner and the platform may come in', async () => {
    const p = await freshProject(dais);
    const outsider = { principal: { type: 'service', id: 'step' }, ...p.context } as const;
    expect(await codeOf(dais.call('part.list', {}, outsider))).toBe('forbidden');
    expect(await codeOf(dais.call('part.create', { manifest: manifest('Part', 'a') }, outsider))).toBe('forbidden');
    expect(await p.names()).toEqual([]);
  });
});

describe('history and rollback', () => {
  test('every revision is stored with its author, method and origin; pages are consistent', async () => {
    const p = await freshProject(dais);
    await p.create('a', { size: 0 });
    for (let size = 1; size < 7; size++) await p.update('a', { size });
    const source = { remote: 'https://example.com/r', commit: 'a'.repeat(40), path: 'x.yaml', dirty: true };
    await dais.apply([manifest('Part', 'a', { size: 7 })], {}, { ...p.context, source });
    const seen: Revision[] = [];
    let cursor: string | undefined;
    do {
      const page = await p.history('a', { limit: 3, ...(cursor !== undefined && { cursor }) });
      expect(page.items.length).toBeLessThanOrEqual(3);
      seen.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen.map((one) => [one.generation, one.operation, one.spec['size']])).toEqual([
      [8, 'apply', 7],
      ...[7, 6, 5, 4, 3, 2].map((generation) => [generation, 'update', generation - 1]),
      [1, 'create', 0],
    ]);
    expect(seen[0]).toMatchObject({ source, actor: { type: 'user', id: 'owner' }, apiVersion: 'dais.dev/v1' });
    expect((await p.get('a')).metadata.source).toEqual(source);
    expect(seen[7]).not.toHaveProperty('source');
  });

  test('the cursor of one history does not fit another', async () => {
    const p = await freshProject(dais);
    for (const name of ['a', 'b']) {
      await p.create(name, { size: 0 });
      await p.update(name, { size: 1 });
    }
    const { nextCursor } = await p.history('a', { limit: 1 });
    expect(await codeOf(p.history('b', { limit: 1, cursor: nextCursor }))).toBe('invalid_cursor');
  });

  test('a rollback restores labels and spec as a new revision', async () => {
    const p = await freshProject(dais);
    await p.create('a', { size: 1 }, { labels: { v: '1' } });
    await p.update('a', { size: 2 }, { labels: { v: '2' } });
    await p.update('a', { size: 3 }, { labels: { v: '3' } });
    const back = await p.call('rollback', { name: 'a' });
    expect(back).toMatchObject({ metadata: { generation: 4, labels: { v: '2' } }, spec: { size: 2 } });
    const first = await p.call('rollback', { name: 'a', generation: 1 });
    expect(first).toMatchObject({ metadata: { generation: 5, labels: { v: '1' } }, spec: { size: 1 } });
    expect((await p.history('a', { limit: 1 })).items[0]).toMatchObject({ operation: 'rollback', generation: 5 });
    expect((await p.call('rollback', { name: 'a', generation: 1 })).metadata.generation).toBe(5);
  });

  test.each([[{ generation: 9 }], [{ generation: 3 }], [{}]])(
    'there is no revision to roll back to with %j',
    async (input) => {
      const p = await freshProject(dais);
      await p.create('a');
      expect(await codeOf(p.call('rollback', { name: 'a', ...input }))).toBe('nothing_to_roll_back');
    },
  );

  test('a rollback preserves references and write-only fields', async () => {
    const p = await freshProject(dais);
    await p.create('target');
    await p.create('a', { uses: ['target'], code: 'x' });
    await p.update('a', {});
    await p.remove('target');
    expect(await codeOf(p.call('rollback', { name: 'a' }))).toBe('reference_not_found');
    await p.create('target');
    expect(await p.call('rollback', { name: 'a' })).toMatchObject({
      spec: { uses: ['target'] },
      status: { sealed: true },
    });
    expect(await codeOf(p.remove('target'))).toBe('still_referenced');
  });

  test('a rollback of a resource of another tool keeps its origin', async () => {
    const p = await freshProject(dais);
    const context = { ...p.context, origin: 'other' };
    await dais.call('part.create', { manifest: manifest('Part', 'a', { size: 1 }) }, context);
    await dais.call('part.update', { name: 'a', manifest: manifest('Part', 'a', { size: 2 }) }, context);
    expect((await p.call('rollback', { name: 'a' })).metadata).toMatchObject({ origin: 'other', generation: 3 });
  });
});

describe('lists', () => {
  test('pages hold together while others write', async () => {
    const p = await freshProject(dais);
    const stable = Array.from({ length: 60 }, (_, n) => `s${String(n).padStart(2, '0')}`);
    await dais.apply(
      stable.map((name) => manifest('Part', name)),
      {},
      p.context,
    );
    const reading = new AbortController();
    const churn = (async () => {
      for (let n = 0; !reading.signal.aborted; n++) {
        await p.create(`s${String(n % 60).padStart(2, '0')}-${n}`);
        await p.update(stable[n % 60]!, { size: n + 2 });
        if (n % 3 === 0) await p.remove(`s${String(n % 60).padStart(2, '0')}-${n}`);
      }
    })();
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await p.list({ limit: 7, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map((item) => item.metadata.name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    reading.abort();
    await churn;
    expect(seen.filter((name) => stable.includes(name))).toEqual(stable);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(seen.toSorted());
  });

  test('a cursor belongs to its filter', async () => {
    const p = await freshProject(dais);
    await dais.apply(
      [1, 2, 3].map((n) => manifest('Part', `a${n}`, {}, { labels: { a: 'b' } })),
      {},
      p.context,
    );
    const { nextCursor } = await p.list({ limit: 1, labels: 'a=b' });
    expect(await codeOf(p.list({ limit: 1, labels: 'a', cursor: nextCursor }))).toBe('invalid_cursor');
    expect(await codeOf(p.list({ limit: 1, cursor: nextCursor }))).toBe('invalid_cursor');
    expect((await p.list({ limit: 5, labels: 'a=b', cursor: nextCursor })).items).toHaveLength(2);
  });

  test('origin and owner narrow a list', async () => {
    const p = await freshProject(dais);
    await dais.apply([manifest('Part', 'a')], { owner: 'set-1' }, p.context);
    await dais.apply([manifest('Part', 'b')], { owner: 'set-2' }, p.context);
    await dais.apply([manifest('Part', 'c')], {}, { ...p.context, origin: 'other' });
    expect(await p.names({ owner: 'set-1' })).toEqual(['a']);
    expect(await p.names({ origin: 'other' })).toEqual(['c']);
    expect(await p.names({ origin: 'manifest' })).toEqual(['a', 'b']);
    expect(await p.names({ origin: 'manifest', owner: 'set-3' })).toEqual([]);
  });

  test('the database selects by labels as matchesSelector does', async () => {
    const p = await freshProject(dais);
    const key = fc.constantFrom('a', 'b', 'c.d/e', 'constructor', 'A');
    const value = fc.constantFrom('', 'x', 'y', 'X');
    const labelSets = fc.sample(fc.dictionary(key, value, { noNullPrototype: true }), { numRuns: 40, seed: 7 });
    await dais.apply(
      labelSets.map((labels, n) => manifest('Part', `n${n}`, {}, { labels })),
      {},
      p.context,
    );
    const term = fc.oneof(
      fc.tuple(key, fc.constantFrom('=', '==', '!='), value).map((parts) => parts.join('')),
      key,
      key.map((name) => `!${name}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(term, { maxLength: 4 }), async (terms) => {
        const text = terms.join(',');
        const expected = labelSets.flatMap((labels, n) =>
          matchesSelector(labels, parseSelector(text)) ? [`n${n}`] : [],
        );
        expect(await p.names({ labels: text })).toEqual(expected.toSorted());
      }),
      { numRuns: 200 },
    );
  });
});
