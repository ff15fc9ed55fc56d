import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Collector } from '#content/content-collector.ts';
import type { Content } from '#kernel/content/content.ts';
import { digest, findProblems, garbage, openContentWorld, type ContentWorld } from '#kernel/content/content.testing.ts';
import { attachContent, detachContent, linkContent, type ContentOwner } from '#kernel/content/references.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { pauseCollection } from '#content/collection-pause.ts';

let world: ContentWorld;
beforeAll(async () => {
  world = await openContentWorld();
});
afterAll(async () => await world.end());

/** Errors of the accounting, and content that collection wrongly keeps or deletes. */
const settled = async (of: ContentWorld): Promise<string[]> => [...(await findProblems(of)), ...(await garbage(of))];
const locatorOf = (text: string): string => `sha256:${digest(Buffer.from(text))}`;
const never = new AbortController().signal;
const put = async (projectId: string, text: string, quota: number | null = null, by: Content = world.content) =>
  await by.upload(Readable.from([text]), { projectId, quota });
const owned = async (): Promise<ContentOwner> => ({ projectId: await world.project(), uid: uuidv7() });
const write = async <T>(owner: ContentOwner, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  await transact(world.db.database, { mode: 'write', projectId: owner.projectId }, work);
const attach = async (owner: ContentOwner, text: string, name: string, replace = false): Promise<void> => {
  const lease = await put(owner.projectId, text);
  await write(owner, async (tx) => await attachContent(tx, owner, [{ lease: lease.id, name }], { replace }));
};
const read = async (owner: ContentOwner, name: string): Promise<string> =>
  (await buffer((await world.content.open(owner, name)).bytes)).toString();

test('content is uploaded, attached in the owner’s transaction, read by name and detached', async () => {
  const owner = await owned();
  const lease = await put(owner.projectId, 'hello');
  expect(lease).toMatchObject({ size: 5, sha256: digest(Buffer.from('hello')) });
  const failed = write(owner, async (tx) => {
    await attachContent(tx, owner, [{ lease: lease.id, name: 'a.txt' }]);
    throw new Error('the owner changed its mind');
  });
  await expect(failed).rejects.toThrow('changed its mind');
  await expect(world.content.stat(owner, 'a.txt')).rejects.toMatchObject({ code: 'not_found' });
  await write(owner, async (tx) => await attachContent(tx, owner, [{ lease: lease.id, name: 'a.txt' }]));
  const info = { name: 'a.txt', size: 5, sha256: lease.sha256 };
  expect(await world.content.stat(owner, 'a.txt')).toEqual(info);
  const opened = await world.content.open(owner, 'a.txt');
  expect(opened.info).toEqual(info);
  opened.bytes.destroy();
  expect(await read(owner, 'a.txt')).toBe('hello');
  const part = await world.content.open(owner, 'a.txt', { start: 1, end: 3 });
  expect((await buffer(part.bytes)).toString()).toBe('ell');
  await expect(world.content.open(owner, 'a.txt', { start: 3, end: 5 })).rejects.toMatchObject({
    code: 'range_not_satisfiable',
  });
  expect(await write(owner, async (tx) => await detachContent(tx, owner, ['a.txt', 'b.txt']))).toBe(1);
  await expect(world.content.open(owner, 'a.txt')).rejects.toMatchObject({ code: 'not_found' });
  expect(await settled(world)).toEqual([]);
  expect(await world.content.usage(owner.projectId)).toBe(0);
});

test('an upload serves once, in its project, and no longer after its lease', async () => {
  const owner = await owned();
  const outsider = await owned();
  const lease = await put(owner.projectId, 'once');
  const entry = [{ lease: lease.id, name: 'n' }];
  const refused = { code: 'content_missing' };
  await expect(write(outsider, async (tx) => await attachContent(tx, outsider, entry))).rejects.toMatchObject(refused);
  const twice = [...entry, { lease: lease.id, name: 'm' }];
  await expect(write(owner, async (tx) => await attachContent(tx, owner, twice))).rejects.toMatchObject(refused);
  await write(owner, async (tx) => await attachContent(tx, owner, entry));
  await expect(write(owner, async (tx) => await attachContent(tx, owner, entry))).rejects.toMatchObject(refused);

  const late = await put(owner.projectId, 'late', null, world.hasty);
  expect((await world.collector.collect(never)).leases).toBe(1);
  await expect(
    write(owner, async (tx) => await attachContent(tx, owner, [{ lease: late.id, name: 'late' }])),
  ).rejects.toMatchObject(refused);
  const given = await put(owner.projectId, 'given up');
  await world.content.release(given);
  await world.content.release(given);
  expect(await world.content.usage(owner.projectId)).toBe(4);
  expect(await settled(world)).toEqual([]);
});

test('a name is taken, or replaced on request', async () => {
  const owner = await owned();
  await attach(owner, 'one', 'n');
  await expect(attach(owner, 'two', 'n')).rejects.toMatchObject({ code: 'already_exists' });
  await attach(owner, 'three', 'n', true);
  expect(await read(owner, 'n')).toBe('three');
  await attach(owner, 'three', 'n', true);
  expect(await read(owner, 'n')).toBe('three');
  expect(await settled(world)).toEqual([]);
  expect(await world.content.usage(owner.projectId)).toBe(5);
});

test.each([
  ['', 'invalid_request'],
  ['x'.repeat(1025), 'invalid_request'],
  ['a\u0000b', 'unsafe_path'],
  ['a\nb', 'unsafe_path'],
])('the name %j is %s', async (name, code) => {
  const owner = await owned();
  await expect(attach(owner, 'x', name)).rejects.toMatchObject({ code });
});

test('names are listed in byte order, below a prefix, from any position', async () => {
  const owner = await owned();
  const names = ['a', 'a/b', 'a/b/c', 'a0', 'b', 'Z', 'ä', 'a/\u{10FFFF}x', 'a%b'];
  for (const name of names) await attach(owner, name, name);
  const list = async (page: { prefix?: string; after?: string; limit?: number }) =>
    (await world.content.list(owner, { limit: 100, ...page })).map((info) => info.name);
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(await list({})).toEqual(sorted);
  expect(await list({ prefix: 'a/' })).toEqual(['a/b', 'a/b/c', 'a/\u{10FFFF}x']);
  expect(await list({ prefix: 'a%' })).toEqual(['a%b']);
  expect(await list({ after: 'a/b', limit: 2 })).toEqual(sorted.slice(sorted.indexOf('a/b') + 1).slice(0, 2));
  expect(await list({ prefix: 'zz' })).toEqual([]);
});

test('an upload that no quota admits is not read to its end', async () => {
  let read = 0;
  const endless = async function* () {
    for (; read < 2 ** 30; read += 2 ** 16) yield await Promise.resolve(Buffer.alloc(2 ** 16));
  };
  const { projectId } = await owned();
  const upload = world.content.upload(Readable.from(endless()), { projectId, quota: 2 ** 20 });
  await expect(upload).rejects.toMatchObject({ code: 'quota_exceeded' });
  expect(read).toBeLessThan(2 ** 23);
});

test('the same bytes count once in a project, and a quota is never passed', async () => {
  const owner = await owned();
  const [one, two] = [await put(owner.projectId, '12345', 10), await put(owner.projectId, '12345', 10)];
  expect(await world.content.usage(owner.projectId)).toBe(5);
  await expect(put(owner.projectId, '123456', 10)).rejects.toMatchObject({ code: 'quota_exceeded' });
  await put(owner.projectId, '54321', 10);
  await put(owner.projectId, '54321', 10);
  await world.content.release(one);
  expect(await world.content.usage(owner.projectId)).toBe(10);
  await world.content.release(two);
  expect(await world.content.usage(owner.projectId)).toBe(5);
  const sizes = await Promise.allSettled(
    ['aaaa', 'bbbb', 'cccc'].map(async (text) => await put(owner.projectId, text, 10)),
  );
  expect(sizes.filter((size) => size.status === 'fulfilled')).toHaveLength(1);
  expect(await world.content.usage(owner.projectId)).toBe(9);
  expect(await settled(world)).toEqual([]);
});

test('unexpected bytes, too many of them, or a broken source leave no content', async () => {
  const owner = await owned();
  const request = { projectId: owner.projectId, quota: null };
  const upload = async (source: Readable, more: object) => await world.content.upload(source, { ...request, ...more });
  await expect(upload(Readable.from(['x']), { sha256: 'a'.repeat(64) })).rejects.toMatchObject({
    code: 'digest_mismatch',
  });
  await expect(upload(Readable.from(['xyz']), { maxBytes: 2 })).rejects.toMatchObject({ code: 'too_large' });
  const broken = new Readable({
    read() {
      this.destroy(new Error('broken'));
    },
  });
  await expect(upload(broken, {})).rejects.toThrow('broken');
  expect(await world.temporary()).toEqual([]);
  expect(await world.content.usage(owner.projectId)).toBe(0);
});

test('a second owner, also of another project, points at the same content', async () => {
  const [a, b] = [await owned(), await owned()];
  await attach(a, 'shared bytes', 'n');
  const from = { ...a, name: 'n' };
  await expect(
    write(a, async (tx) => await linkContent(tx, from, { ...b, name: 'm' }, { quota: 5 })),
  ).rejects.toMatchObject({ code: 'quota_exceeded' });
  await write(a, async (tx) => await linkContent(tx, from, { ...b, name: 'm' }, { quota: 100 }));
  await write(a, async (tx) => await linkContent(tx, from, { ...a, name: 'o' }, { quota: 5 }));
  expect(await world.content.usage(a.projectId)).toBe(12);
  expect(await world.content.usage(b.projectId)).toBe(12);
  await write(a, async (tx) => await detachContent(tx, a));
  expect(await settled(world)).toEqual([]);
  expect(await read(b, 'm')).toBe('shared bytes');
  await write(b, async (tx) => await detachContent(tx, b));
  expect(await settled(world)).toEqual([]);
  expect(await world.stored()).not.toContain(locatorOf('shared bytes'));
  await expect(
    write(a, async (tx) => await linkContent(tx, from, { ...b, name: 'm' }, { quota: null })),
  ).rejects.toMatchObject({ code: 'not_found' });
});

test('another project cannot read it', async () => {
  const [a, b] = [await owned(), await owned()];
  await attach(a, 'private', 'n');
  const disguised = { projectId: b.projectId, uid: a.uid };
  await expect(world.content.open(disguised, 'n')).rejects.toMatchObject({ code: 'not_found' });
  expect(await world.content.list(disguised, { limit: 10 })).toEqual([]);
  expect(await write(b, async (tx) => await detachContent(tx, disguised))).toBe(0);
  const rows = await write(b, async (tx) => await tx.sql.query('select 1 from kernel.blob_ref'));
  expect(rows).toEqual([]);
  expect(await read(a, 'n')).toBe('private');
});

test('garbage stays for the grace period', async () => {
  const owner = await owned();
  const patient = new Collector({ ...world.dependencies(), graceMs: 3_600_000, sweepMs: 3_600_000 });
  await attach(owner, 'soon forgotten', 'n');
  await world.db.asAdmin(`update kernel.blob set touched_at = now() - interval '2 hours'`);
  await patient.collect(never);
  await write(owner, async (tx) => await detachContent(tx, owner));
  expect((await patient.collect(never)).blobs).toBe(0);
  await world.db.asAdmin(`update kernel.blob set touched_at = now() - interval '2 hours'`);
  expect((await patient.collect(never)).blobs).toBe(1);
});

test('a pause keeps everything that its snapshot references, expires, and reports its expiry', async () => {
  const owner = await owned();
  await attach(owner, 'in the backup', 'n');
  const pause = await pauseCollection(world.db.database, 'backup', 600_000);
  await write(owner, async (tx) => await detachContent(tx, owner));
  expect((await world.collector.collect(never)).blobs).toBe(0);
  expect(await world.stored()).toContain(locatorOf('in the backup'));
  await pause.extend(600_000);
  const second = await pauseCollection(world.db.database, 'another backup', 600_000);
  await pause.resume();
  expect((await world.collector.collect(never)).blobs).toBe(0);
  await second.resume();
  await second.resume();
  expect((await world.collector.collect(never)).blobs).toBe(1);
  const short = await pauseCollection(world.db.database, 'a backup that died', -1000);
  await expect(short.extend(1000)).rejects.toMatchObject({ code: 'conflict' });
  expect(await settled(world)).toEqual([]);
});

test('content that is stored during its deletion waits and is stored again', async () => {
  const owner = await owned();
  await attach(owner, 'phoenix', 'n');
  await write(owner, async (tx) => await detachContent(tx, owner));
  let reached = (): void => {};
  let go = (): void => {};
  const deleting = new Promise<void>((resolve) => (reached = resolve));
  const allowed = new Promise<void>((resolve) => (go = resolve));
  const slow = {
    ...world.dependencies(),
    blobs: Object.assign(Object.create(world.blobs) as typeof world.blobs, {
      list: world.blobs.list.bind(world.blobs),
      sweep: async () => 0,
      delete: async (locator: string) => {
        reached();
        await allowed;
        await world.blobs.delete(locator);
      },
    }),
  };
  const collecting = new Collector({ ...slow, graceMs: -1000, sweepMs: 0 }).collect(never);
  await deleting;
  let arrived = false;
  const again = attach(owner, 'phoenix', 'again').then(() => (arrived = true));
  const other = await owned();
  await attach(other, 'somebody else is not kept waiting', 'n');
  expect(arrived).toBe(false);
  go();
  await collecting;
  await again;
  expect(await read(owner, 'again')).toBe('phoenix');
});

test('a deletion of a killed process is finished on demand', async () => {
  const owner = await owned();
  await attach(owner, 'left behind', 'n');
  await write(owner, async (tx) => await detachContent(tx, owner));
  const mark = async (until: string) =>
    await world.db.asAdmin(
      `update kernel.blob set state = 'deleting', claim = gen_random_uuid(), claim_until = ${until} where state = 'candidate'
         and not exists (select from kernel.blob_hold h where h.locator = blob.locator and h.holds > 0)`,
    );
  // By the next upload of the same content …
  await mark(`clock_timestamp() + interval '300 milliseconds'`);
  await attach(owner, 'left behind', 'again');
  expect(await read(owner, 'again')).toBe('left behind');
  await write(owner, async (tx) => await detachContent(tx, owner));
  // … or by the next collection, even if the file is already deleted.
  await mark(`'-infinity'`);
  await world.blobs.delete(locatorOf('left behind'));
  const pause = await pauseCollection(world.db.database, 'backup', 600_000);
  expect((await world.collector.collect(never)).blobs).toBe(1);
  await pause.resume();
  expect(await settled(world)).toEqual([]);
  expect(await world.stored()).not.toContain(locatorOf('left behind'));
});

test('content of a deleted project is collected', async () => {
  const owner = await owned();
  await attach(owner, 'of a project that goes', 'n');
  await put(owner.projectId, 'its upload');
  await world.db.asAdmin(`delete from kernel.tenant where id = '${owner.projectId}'`);
  expect((await world.collector.collect(never)).abandoned).toBe(3);
  const rows = await world.db.asAdmin(`select 1 from kernel.blob_usage where project_id = '${owner.projectId}'`);
  expect(rows).toEqual([]);
  expect(await settled(world)).toEqual([]);
});
