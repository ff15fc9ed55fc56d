import { randomBytes } from 'node:crypto';
import type { Event, Revision } from '@dais/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { KeyStore } from '#engines/keys/contract.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { transact } from '#kernel/transaction.ts';
import { codeOf, manifest, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { project } from '#kinds/project/index.ts';
import { findSecretValue, openSecretValue, secret } from './index.ts';
import { secretSlice } from './secret-slice.ts';

const newKey = () => randomBytes(32).toString('base64');

let database: TestDatabase;
let keyText = `first:${newKey()}`;
let kernel: TestKernel;
let keys: KeyStore;

/** A process with these keys on the same database. */
async function startWith(text: string): Promise<void> {
  keyText = text;
  keys = openEnvKeys(text);
  const { kind, jobs, entries } = secret(keys);
  kernel = await startTestKernel(database, { kinds: [project, kind], jobs, entries });
}

async function restartWith(text: string): Promise<void> {
  await kernel.stop();
  await startWith(text);
}

beforeAll(async () => {
  database = await startTestDatabase([kernelSlice, secretSlice]);
  await startWith(keyText);
});
afterAll(async () => {
  await kernel.stop();
  await database.stop();
});

const secretOf = (name: string, data?: Record<string, string>, more = {}) =>
  manifest('Secret', name, { ...more, ...(data !== undefined && { data }) });
const get = (name: string) => kernel.call('secret.get', { name });

/** What another kind would get. */
async function valueOf(name: string, key: string, projectId?: string): Promise<string | undefined> {
  const found = await transact(database.database, { mode: 'read', projectId: 'all' }, async (tx) => {
    const [row] = await tx.sql.query<{ id: string }>(`select id from kernel.tenant where name = 'default'`);
    return await findSecretValue(tx, projectId ?? row!.id, { secret: name, key });
  });
  return found === undefined ? undefined : await openSecretValue(keys, found);
}

/** The whole content of the database as text; bytes as hex. */
async function wholeDatabase(): Promise<string> {
  const tables = await database.asAdmin(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const texts = [];
  for (const { name } of tables) {
    texts.push(JSON.stringify(await database.asAdmin(`select t::text from ${String(name)} t`)));
  }
  return texts.join('\n');
}

describe('values', () => {
  test('go in, are used, and come out nowhere', async () => {
    const value = 'hunter2-grüße-😀';
    await kernel.call(
      'secret.create',
      { manifest: secretOf('token', { password: value }, { description: 'd' }) },
      { idempotencyKey: 'k-1' },
    );
    await kernel.apply([secretOf('token', { password: value, other: 'x-hunter3-x' }, { description: 'd' })]);
    expect(await valueOf('token', 'password')).toBe(value);
    expect(await valueOf('token', 'other')).toBe('x-hunter3-x');
    expect(await valueOf('token', 'missing')).toBeUndefined();
    expect(await valueOf('nothing', 'password')).toBeUndefined();
    expect(await valueOf('token', 'password', '00000000-0000-0000-0000-000000000000')).toBeUndefined();

    const read = await get('token');
    expect(read.spec).toEqual({ description: 'd' });
    expect(read.status).toMatchObject({ keys: ['other', 'password'], sealedWith: (await keys.current()).fingerprint });
    const seen = [
      read,
      await kernel.call('secret.list', { limit: 10 }),
      await kernel.call('secret.history', { name: 'token', limit: 10 }),
      await kernel.call('event.list', { limit: 100 }),
      await kernel.plan([secretOf('token', { password: 'another-hunter4' })]),
      kernel.log,
    ];
    const dump = await wholeDatabase();
    for (const hidden of ['hunter2', 'hunter3', 'hunter4']) {
      expect(JSON.stringify(seen)).not.toContain(hidden);
      for (const form of [hidden, Buffer.from(hidden).toString('hex')]) expect(dump).not.toContain(form);
    }
  });

  test('are not repeated by errors', async () => {
    const refused = [
      manifest('Secret', 'bad', { data: { password: 12_345_678 } }),
      manifest('Secret', 'bad', { data: { password: ['hunter2'] } }),
      manifest('Secret', 'bad', { data: { 'not a key': 'hunter2' } }),
      manifest('Secret', 'bad', { data: 'hunter2' }),
      manifest('Secret', 'bad', { data: { password: 'hunter2\0' } }),
      manifest('Secret', 'bad', { data: { password: 'hunter2' }, more: 'hunter2' }),
    ];
    for (const one of refused) {
      const calls = [kernel.apply([one]), kernel.plan([one]), kernel.call('secret.create', { manifest: one })];
      for (const outcome of await Promise.allSettled(calls)) {
        const { reason } = outcome as PromiseRejectedResult;
        expect(reason).toMatchObject({ name: 'DaisError' });
        expect(JSON.stringify([reason, (reason as Error).message])).not.toMatch(/hunter2|12345678|12_345_678/);
      }
    }
    const head = 'apiVersion: dais.dev/v1\nkind: Secret\nmetadata: {name: bad}\nspec:\n  data:\n    password: ';
    for (const value of [
      '"hunter2',
      '*hunter2',
      '&hunter2 x',
      '!hunter2 x',
      '[hunter2',
      '`hunter2',
      'hunter2: x: y',
      '|\n\thunter2',
    ]) {
      const error: unknown = await kernel.apply(`${head}${value}\n`).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'DaisError' });
      expect(JSON.stringify([error, (error as Error).message])).not.toContain('hunter2');
    }
  });

  test('plan reports the change of a value, and apply of the same values changes nothing', async () => {
    const data = { a: 'one', b: 'two' };
    await kernel.apply([secretOf('planned', data)]);
    const before = await get('planned');
    expect(await kernel.plan([secretOf('planned', data)])).toMatchObject([{ action: 'unchanged', fields: [] }]);
    expect(await kernel.apply([secretOf('planned', data)])).toMatchObject([{ action: 'unchanged' }]);
    expect(await get('planned')).toEqual(before);
    const changes = await kernel.plan([secretOf('planned', { a: 'other', c: 'new' })]);
    expect(changes[0]?.fields).toEqual([
      { path: 'spec.data.a', after: '(changed)' },
      { path: 'spec.data.c', after: '(changed)' },
      { path: 'spec.data.b', after: '(changed)' },
    ]);
    expect(await get('planned')).toEqual(before);
    expect(await valueOf('planned', 'a')).toBe('one');
    expect(await kernel.plan([secretOf('planned-new', { a: 'one' })])).toMatchObject([{ action: 'create' }]);
  });

  test('`data` replaces all values if present, and they stay if absent', async () => {
    await kernel.apply([secretOf('whole', { a: 'one', b: 'two' })]);
    await kernel.apply([secretOf('whole', undefined, { description: 'changed' })]);
    expect((await get('whole')).status).toMatchObject({ keys: ['a', 'b'] });
    await kernel.apply([secretOf('whole', { b: 'two' }, { description: 'changed' })]);
    expect((await get('whole')).status).toMatchObject({ keys: ['b'] });
    expect(await valueOf('whole', 'a')).toBeUndefined();
    expect(await valueOf('whole', 'b')).toBe('two');
    await kernel.apply([secretOf('whole', {}, { description: 'changed' })]);
    expect((await get('whole')).status).toMatchObject({ keys: [] });
  });

  test('a rollback restores no value', async () => {
    await kernel.apply([secretOf('rolled', { a: 'old' }, { description: 'first' })]);
    await kernel.apply([secretOf('rolled', { a: 'new', b: 'more' }, { description: 'second' })]);
    const rolled = await kernel.call('secret.rollback', { name: 'rolled' });
    expect(rolled.spec).toEqual({ description: 'first' });
    expect(rolled.status).toMatchObject({ keys: ['a', 'b'] });
    expect(await valueOf('rolled', 'a')).toBe('new');
    const { items } = await kernel.call<{ items: Revision[] }>('secret.history', { name: 'rolled', limit: 10 });
    expect(items.map((one) => one.operation)).toEqual(['rollback', 'apply', 'apply']);
  });

  test('a rejected apply changes no value', async () => {
    await kernel.apply([secretOf('refused', { a: 'one' })]);
    const wrong = [secretOf('refused', { a: 'two' }), manifest('Secret', 'other', { data: { 'b c': 'x' } })];
    expect(await codeOf(kernel.apply(wrong))).toBe('invalid_manifest');
    const stale = { ...secretOf('refused', { a: 'two' }), metadata: { name: 'refused', resourceVersion: '1' } };
    expect(await codeOf(kernel.call('secret.update', { name: 'refused', manifest: stale }))).toBe(
      'precondition_failed',
    );
    expect(await valueOf('refused', 'a')).toBe('one');
  });

  test('deletion removes the sealed values, and a namesake does not inherit them', async () => {
    await kernel.apply([secretOf('deleted', { a: 'one' })]);
    const { uid } = (await get('deleted')).metadata;
    await kernel.call('secret.delete', { name: 'deleted' });
    expect(await database.asAdmin(`select 1 from secret.value where secret_uid = '${uid}'`)).toEqual([]);
    await kernel.apply([secretOf('deleted')]);
    expect((await get('deleted')).status).toMatchObject({ keys: [] });
    expect(await valueOf('deleted', 'a')).toBeUndefined();
  });

  test('a sealed value can be decrypted only in its own context', async () => {
    await kernel.apply([secretOf('place', { a: 'one', b: 'two' })]);
    const { uid } = (await get('place')).metadata;
    await database.asAdmin(
      `update secret.value t set wrapped = s.wrapped, iv = s.iv, ciphertext = s.ciphertext, tag = s.tag
       from secret.value s where t.secret_uid = '${uid}' and s.secret_uid = '${uid}' and t.key = 'a' and s.key = 'b'`,
    );
    expect(await codeOf(valueOf('place', 'a'))).toBe('key_mismatch');
  });

  test('any sequence of applies leaves exactly the last values', async () => {
    const data = fc.option(fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', 'x', 'y')), {
      nil: undefined,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(data, { minLength: 1, maxLength: 5 }), fc.uuid(), async (steps, name) => {
        let expected: Record<string, string> = {};
        for (const step of steps) {
          const wouldChange = await kernel.plan([secretOf(name, step)]);
          const [change] = await kernel.apply([secretOf(name, step)]);
          expect(change).toMatchObject({ action: wouldChange[0]?.action, fields: wouldChange[0]?.fields });
          if (step !== undefined) expected = { ...step };
          expect((await get(name)).status).toMatchObject({ keys: Object.keys(expected).toSorted() });
        }
        for (const key of ['a', 'b', 'c']) expect(await valueOf(name, key)).toBe(expected[key]);
        expect(await kernel.plan([secretOf(name, expected)])).toMatchObject([{ action: 'unchanged' }]);
        await kernel.call('secret.delete', { name });
      }),
      { numRuns: 15 },
    );
  });

  test('when the key store is unavailable, no value is written', async () => {
    await kernel.apply([secretOf('away', { a: 'one' })]);
    const closed = openEnvKeys(keyText);
    await closed.close();
    const { kind } = secret(closed);
    const other = await startTestKernel(database, { kinds: [project, kind], start: 'none' });
    expect(await codeOf(other.apply([secretOf('away', { a: 'two' })]))).toBe('keys_unavailable');
    expect(await valueOf('away', 'a')).toBe('one');
    await other.stop();
  });
});

describe('keys', () => {
  interface Listed {
    readonly items: readonly { fingerprint: string; current: boolean; held: boolean; values: number }[];
  }
  const listKeys = async () => (await kernel.call<Listed>('key.list', {})).items;
  const prints = async () =>
    await database.asAdmin('select ciphertext, iv, tag from secret.value order by secret_uid, key');

  test('a new key re-encrypts every value of every project, without changing a ciphertext', async () => {
    await kernel.call('project.create', { manifest: manifest('Project', 'second') });
    for (let n = 0; n < 25; n++) {
      const data = Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`k${k}`, `value-${n}-${k}`]));
      await kernel.call(
        'secret.create',
        { manifest: secretOf(`many-${n}`, data) },
        { projects: [n % 2 === 0 ? 'default' : 'second'] },
      );
    }
    await restartWith(`second:${newKey()},${keyText}`);
    const before = await prints();
    const [current, old] = await listKeys();
    expect(current).toMatchObject({ current: true, held: true, values: 0 });
    expect(old?.values).toBeGreaterThanOrEqual(250);
    expect(await kernel.call('key.rotate', {})).toMatchObject({ made: false, fingerprint: current?.fingerprint });
    await vi.waitFor(async () => expect((await listKeys())[1]?.values).toBe(1), { timeout: 60_000, interval: 50 });
    expect(await prints()).toEqual(before);
    expect(await valueOf('many-4', 'k3')).toBe('value-4-3');
    // The one that was tampered with above opens nowhere and is left alone.
    await kernel.call('secret.delete', { name: 'place' });
    expect((await get('many-4')).status).toMatchObject({ sealedWith: current?.fingerprint });
    const { items } = await kernel.call<{ items: Event[] }>('event.list', { limit: 100, type: 'secret.rotated' });
    expect(items.map((one) => one.subject?.name)).toContain('many-4');
    await restartWith(keyText.split(',')[0]!);
    expect(await valueOf('many-4', 'k3')).toBe('value-4-3');
    expect(await kernel.plan([secretOf('many-4', { k3: 'value-4-3' })])).not.toMatchObject([
      { fields: [{ path: 'spec.data.k3' }] },
    ]);
  });

  test('a rotation that was stopped resumes', async () => {
    const data = Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`k${n}`, `value-${n}`]));
    await kernel.apply([secretOf('large', data)]);
    await kernel.stop();
    keyText = `between:${newKey()},${keyText}`;
    const real = openEnvKeys(keyText);
    const { fingerprint } = await real.current();
    let stopped: Promise<void> | undefined;
    let unwrapped = 0;
    let signal: AbortSignal | undefined;
    const slow: KeyStore = {
      current: () => real.current(),
      wrap: (dataKey, context) => real.wrap(dataKey, context),
      list: () => real.list(),
      rotate: () => real.rotate(),
      close: () => real.close(),
      unwrap: async (wrapped, context) => {
        unwrapped += 1;
        // In the second batch, which continues when the job receives the stop request: it does not start a third.
        if (unwrapped === 120) {
          stopped = first.stop();
          await vi.waitUntil(() => signal?.aborted === true, { timeout: 60_000, interval: 5 });
        }
        return await real.unwrap(wrapped, context);
      },
    };
    const { kind, jobs, entries } = secret(slow);
    const watched = jobs.map((handler): JobHandler => ({
      ...handler,
      run: async (job, io) => {
        signal = io.signal;
        return await handler.run(job, io);
      },
    }));
    const first = await startTestKernel(database, { kinds: [project, kind], jobs: watched, entries });
    await first.call('key.rotate', {});
    await vi.waitFor(() => expect(stopped).toBeDefined(), { timeout: 60_000, interval: 10 });
    await stopped;
    const left = async () =>
      Number(
        (
          await database.asAdmin(`select count(*) as n from secret.value where key_fingerprint <> '${fingerprint}'`)
        )[0]?.['n'],
      );
    expect(await left()).toBeGreaterThan(0);
    await startWith(keyText);
    await vi.waitFor(async () => expect(await left()).toBe(0), { timeout: 60_000, interval: 20 });
    expect(await valueOf('large', 'k249')).toBe('value-249');
    expect((await get('large')).status).toMatchObject({ sealedWith: fingerprint });
  });

  test('the action of a secret re-encrypts it', async () => {
    await kernel.apply([secretOf('alone', { a: 'one', b: 'two' })]);
    await restartWith(`third:${newKey()},${keyText}`);
    const { fingerprint } = await keys.current();
    const rotate = () => kernel.call('secret.rotate', { name: 'alone' });
    expect(await rotate()).toEqual({ sealedWith: fingerprint, rewrapped: 2 });
    expect(await rotate()).toEqual({ sealedWith: fingerprint, rewrapped: 0 });
    expect((await get('alone')).status).toMatchObject({ sealedWith: fingerprint });
    expect(await valueOf('alone', 'b')).toBe('two');
    expect(await codeOf(kernel.call('secret.rotate', { name: 'nothing' }))).toBe('not_found');
  });

  test('values written during a rotation have both keys, and the status reports it', async () => {
    await kernel.apply([secretOf('mixed', { a: 'one' })]);
    const old = (await keys.current()).fingerprint;
    await restartWith(`fourth:${newKey()},${keyText}`);
    await kernel.apply([secretOf('mixed', { a: 'one', b: 'two' })]);
    const { fingerprint } = await keys.current();
    expect((await get('mixed')).status).toMatchObject({ sealedWith: [old, fingerprint].toSorted().join(', ') });
  });

  test('values with a lost key are listed, and new values replace them', async () => {
    await kernel.apply([secretOf('lost', { a: 'one' })]);
    const lost = (await keys.current()).fingerprint;
    await restartWith(`fifth:${newKey()}`);
    const error: unknown = await valueOf('lost', 'a').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'key_missing', message: expect.stringContaining(lost) });
    expect(await codeOf(kernel.call('secret.rotate', { name: 'lost' }))).toBe('key_missing');
    expect((await listKeys()).find((key) => key.fingerprint === lost)).toMatchObject({ held: false });
    expect(await kernel.plan([secretOf('lost', { a: 'one' })])).toMatchObject([{ action: 'update' }]);
    await kernel.apply([secretOf('lost', { a: 'one' })]);
    expect(await valueOf('lost', 'a')).toBe('one');
    expect(await kernel.plan([secretOf('lost', { a: 'one' })])).toMatchObject([{ action: 'unchanged' }]);
  });
});

test('a project reads and re-encrypts only its own secrets', async () => {
  await kernel.call('project.create', { manifest: manifest('Project', 'walled') });
  await kernel.call('secret.create', { manifest: secretOf('shared-name', { a: 'mine' }) });
  await kernel.call('secret.create', { manifest: secretOf('shared-name', { a: 'theirs' }) }, { projects: ['walled'] });
  expect(await valueOf('shared-name', 'a')).toBe('mine');
  const other = (await kernel.call('project.get', { name: 'walled' })).metadata.uid;
  expect(await valueOf('shared-name', 'a', other)).toBe('theirs');
  const seen = await transact(database.database, { mode: 'read', projectId: other }, async (tx) =>
    tx.sql.query<{ project_id: string }>('select distinct project_id from secret.value'),
  );
  expect(seen).toEqual([{ project_id: other }]);
});
