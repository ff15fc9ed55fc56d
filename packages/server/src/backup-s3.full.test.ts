/** The drill of moving: from a folder into a bucket, and back. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { DamagedContent } from '@dais/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BlobStore, PresignedUploads } from '#engines/blobs/contract.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { addHold, adoptBlobs } from '#kernel/content/holds.ts';
import { attachContent, type ContentOwner } from '#kernel/content/references.ts';
import { transact } from '#kernel/transaction.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { startMotoServer, type MotoServer } from '../../../conformance/s3/moto-server.ts';
import { backupInstallation, restoreInstallation } from './admin.ts';
import { loadConfig } from './config-load.ts';
import { withInstallation, type Installation } from './installation/installation.ts';
import { startDais, type RunningDais } from './up.ts';

const MIB = 2 ** 20;
const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
/** More than one part of a multipart upload. */
const TEXTS = new Map([
  ['empty', Buffer.alloc(0)],
  ['table', Buffer.from('rows of a table')],
  ['model', randomBytes(17 * MIB)],
]);

let base: string;
let server: MotoServer;
let client: S3Client;
let running: RunningDais | undefined;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dais-backup-s3-'));
  server = await startMotoServer();
  client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
  const location = { CreateBucketConfiguration: { LocationConstraint: region } } as const;
  await client.send(new CreateBucketCommand({ Bucket: 'content', ...location }));
});
afterAll(async () => {
  await running?.stop();
  client.destroy();
  await server.stop();
  await rm(base, { recursive: true, force: true });
});

const folder = (name: string) => ({
  data: join(base, name),
  'keys.type': 'file',
  'keys.folder': join(base, 'keys'),
  port: 0,
});
const bucket = (name: string) => ({
  ...folder(name),
  'blobs.type': 's3',
  'blobs.bucket': 'content',
  'blobs.prefix': 'of/dais',
  'blobs.region': region,
  'blobs.endpoint': server.url,
  'blobs.pathStyle': true,
  'blobs.accessKeyId': credentials.accessKeyId,
  'blobs.secretAccessKey': credentials.secretAccessKey,
});
type Flags = ReturnType<typeof folder>;

async function start(flags: Flags): Promise<void> {
  const stdout = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { isTTY: false });
  running = await startDais({ flags, stdout, color: false });
}

async function call(path: string, body?: string): Promise<{ status: number; json: Record<string, unknown> }> {
  const token = (await readFile(running!.tokenFile, 'utf8')).trim();
  const response = await fetch(`${running!.url}${path}`, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/yaml' },
    ...(body !== undefined && { method: 'POST', body }),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

const beside = async <T>(flags: Flags, work: (installation: Installation) => Promise<T>): Promise<T> =>
  await withInstallation(await loadConfig({ flags }), silentLog, { beside: true }, work);
const contentOf = (installation: Installation) =>
  new Content({ ...installation, clock: systemClock, ...CONTENT_DEFAULTS });
const query = async (installation: Installation, sql: string) =>
  await transact(installation.database, { mode: 'write', projectId: 'all' }, async (tx) => await tx.sql.query(sql));

async function attach(installation: Installation, owner: ContentOwner, name: string, bytes: Buffer): Promise<void> {
  const { projectId } = owner;
  const lease = await contentOf(installation).upload(Readable.from([bytes]), { projectId, quota: null });
  await transact(installation.database, { mode: 'write', projectId }, async (tx) => {
    await attachContent(tx, owner, [{ name, lease: lease.id }]);
  });
}

/** Every name of the owner, the digest of its content, and the bytes of its project. */
async function everything(flags: Flags, owner: ContentOwner) {
  return await beside(flags, async (installation) => {
    const content = contentOf(installation);
    const names = await content.list(owner, { limit: 100 });
    const read: Record<string, string> = {};
    for (const { name } of names) read[name] = sha256(await buffer((await content.open(owner, name)).bytes));
    return { names, read, usage: await content.usage(owner.projectId) };
  });
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const objects = async (): Promise<string[]> => {
  const listed = await client.send(new ListObjectsV2Command({ Bucket: 'content' }));
  return (listed.Contents ?? []).map(({ Key }) => Key ?? '').filter((key) => !key.endsWith('/owner'));
};

test('content of a folder is restored into a bucket under the same locators, and back', async () => {
  const first = folder('first');
  await start(first);
  const applied = await call(
    '/api/v1/apply',
    'apiVersion: dais.dev/v1\nkind: Project\nmetadata: { name: flights }\nspec: {}\n',
  );
  expect(applied.status).toBe(200);
  const owner = { projectId: '', uid: randomUUID() as string };
  const locators = await beside(first, async (installation) => {
    const [row] = await query(installation, `select id from kernel.tenant where name = 'flights'`);
    owner.projectId = (row as { id: string }).id;
    for (const [name, bytes] of TEXTS) await attach(installation, owner, name, bytes);
    // The state during an upload, or after a crash in one.
    const staged = await installation.blobs.stage(Readable.from(['on its way']));
    await query(installation, `insert into kernel.blob (locator, size) values ('${staged.locator}', ${staged.size})`);
    await transact(installation.database, { mode: 'write', projectId: owner.projectId }, async ({ sql }) => {
      await addHold(sql, { projectId: owner.projectId, locator: staged.locator, size: staged.size, quota: null });
      await sql.query(
        `insert into kernel.upload_lease (id, project_id, locator, expires_at) values ($1, $2, $3, now() + interval '1 hour')`,
        [randomUUID(), owner.projectId, staged.locator],
      );
    });
    await staged.discard();
    const rows = await query(installation, 'select distinct locator from kernel.blob_ref order by locator');
    return (rows as { locator: string }[]).map(({ locator }) => locator);
  });
  const before = await everything(first, owner);
  const summary = await backupInstallation({ flags: first, to: join(base, 'backup') });
  expect(summary.blobs).toMatchObject({ count: TEXTS.size });
  expect(before.read).toEqual(Object.fromEntries([...TEXTS].map(([name, bytes]) => [name, sha256(bytes)])));
  await running!.stop();

  const second = bucket('second');
  expect(await restoreInstallation({ flags: second, from: join(base, 'backup') })).toEqual(summary);
  expect((await objects()).toSorted()).toEqual(locators.map((locator) => `of/dais/${locator.replace(':', '/')}`));
  await start(second);
  await expect
    .poll(async () => (await call('/readyz')).json, { timeout: 60_000 })
    .toMatchObject({ checks: expect.arrayContaining([expect.objectContaining({ name: 'blobs', ok: true })]) });
  // The upload that was on its way belongs to the original.
  const total = [...TEXTS.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  expect(await everything(second, owner)).toEqual({ ...before, usage: total });

  // It continues to work: garbage collection finds nothing to delete, and new content is stored, also from direct
  // uploads.
  const table = TEXTS.get('table')!;
  await beside(second, async (installation) => {
    await query(installation, `update kernel.job set run_at = now() where queue = 'content collection'`);
    const ended = async () =>
      await query(
        installation,
        `select result from kernel.job where queue = 'content collection' and state = 'succeeded'`,
      );
    await expect.poll(ended, { timeout: 20_000 }).toMatchObject([{ result: { blobs: 0, abandoned: 0 } }]);
    await attach(installation, owner, 'new', Buffer.from('new in the bucket'));
    await uploadDirectly(installation, owner, ['copy of the table', 'another copy'], table);
    await uploadDirectly(installation, owner, ['own'], Buffer.from('uploaded by a client'));
  });
  const later = await everything(second, owner);
  expect(later.names.find(({ name }) => name === 'own')).toMatchObject({ sha256: null });
  const again = await backupInstallation({ flags: second, to: join(base, 'backup-2') });
  await running!.stop();

  const third = folder('third');
  await restoreInstallation({ flags: third, from: join(base, 'backup-2') });
  await start(third);
  const after = await everything(third, owner);
  expect(after.read).toEqual(later.read);
  // Restoring has read all bytes, and counts the same bytes once.
  expect(after.names.filter(({ sha256 }) => sha256 === null)).toEqual([]);
  expect(after.usage).toBe(later.usage - 2 * table.length);
  expect(again.blobs.count).toBe(TEXTS.size + 4);
});

test('damaged objects of a bucket are not served, are found by the scrub, and are repaired by an upload', async () => {
  await running?.stop();
  await start(bucket('damaged'));
  const token = (await readFile(running!.tokenFile, 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}` };
  const artifact = (name: string) => `${running!.url}/api/2.0/mlflow-artifacts/artifacts/${name}`;
  const files = { altered: randomBytes(3 * MIB), truncated: randomBytes(3 * MIB), missing: randomBytes(1000) };
  const put = async (name: keyof typeof files) => {
    const body = new Uint8Array(files[name]);
    expect((await fetch(artifact(name), { method: 'PUT', headers, body })).status).toBe(200);
  };
  const read = async (name: string) => {
    const response = await fetch(artifact(name), { headers });
    const bytes = await response.arrayBuffer().catch(() => undefined);
    return { status: response.status, bytes: bytes?.byteLength };
  };
  const names = Object.keys(files) as (keyof typeof files)[];
  for (const name of names) await put(name);
  const Key = (name: keyof typeof files) => `of/dais/sha256/${sha256(files[name])}`;
  const altered = Buffer.from(files.altered);
  altered[altered.length - 1]! ^= 1;
  const store = async (name: keyof typeof files, Body: Buffer) =>
    await client.send(new PutObjectCommand({ Bucket: 'content', Key: Key(name), Body }));
  await store('altered', altered);
  await store('truncated', files.truncated.subarray(0, MIB));
  await client.send(new DeleteObjectCommand({ Bucket: 'content', Key: Key('missing') }));

  // The response had started: it ends before it is complete.
  expect(await read('altered')).toEqual({ status: 200, bytes: undefined });
  const started = await fetch(`${running!.url}/api/v1/content/actions/scrub`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: '{}',
  });
  expect(started.status).toBe(202);
  await expect
    .poll(async () => (await call('/api/v1/content')).json, { timeout: 60_000 })
    .toMatchObject({
      state: 'finished',
      damaged: 3,
    });
  const { items } = (await call('/api/v1/content/damaged')).json as { items: DamagedContent[] };
  expect(Object.fromEntries(items.map(({ owners, kind }) => [owners[0]?.name, kind]))).toEqual({
    altered: 'altered',
    truncated: 'truncated',
    missing: 'missing',
  });
  expect(await read('altered')).toMatchObject({ status: 409 });
  expect(await read('truncated')).toMatchObject({ status: 409 });
  expect(await read('missing')).toMatchObject({ status: 404 });
  for (const name of names) await put(name);
  for (const name of names) expect(await read(name)).toEqual({ status: 200, bytes: files[name].length });
  expect((await call('/api/v1/content')).json).toMatchObject({ damaged: 0 });
});

/** One direct upload for each name, attached as their ledger would. */
async function uploadDirectly(
  installation: Installation,
  owner: ContentOwner,
  names: string[],
  bytes: Buffer,
): Promise<void> {
  const blobs = installation.blobs as BlobStore & PresignedUploads;
  for (const name of names) {
    const upload = await blobs.begin(bytes.length, 5 * MIB);
    const put = await fetch(upload.urls[0]!, { method: 'PUT', body: new Uint8Array(bytes) });
    const { locator, size } = await blobs.complete(upload, [put.headers.get('etag') ?? '']);
    const { projectId, uid } = owner;
    await transact(installation.database, { mode: 'write', projectId }, async (tx) => {
      await adoptBlobs(tx.sql, [{ locator, size }]);
      await addHold(tx.sql, { projectId, locator, size, quota: null });
      await tx.sql.query('insert into kernel.blob_ref (project_id, owner, name, locator) values ($1, $2, $3, $4)', [
        projectId,
        uid,
        name,
        locator,
      ]);
    });
  }
}
