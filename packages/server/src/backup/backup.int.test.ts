import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attachContent } from '#kernel/content/references.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { transact } from '#kernel/transaction.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { backupInstallation, exportInstallation, importInstallation, restoreInstallation } from '#admin.ts';
import { blobPath, DATABASE_FILE } from './backup-manifest.ts';
import { loadConfig } from '#config-load.ts';
import { withInstallation } from '#installation/installation.ts';
import { startDais, type StartedDais } from '#testing/start-dais.ts';

const SECRET = 'the-value-that-no-file-may-hold';
let base: string;
let running: StartedDais | undefined;
const flagsFor = (data: string, keys = 'keys') => ({
  data: join(base, data),
  'keys.type': 'file',
  'keys.folder': join(base, keys),
  port: 0,
});
const start = async (data: string) => await startDais(flagsFor(data));

async function call(path: string, body?: string): Promise<{ status: number; json: Record<string, unknown> }> {
  const token = (await readFile(running!.tokenFile, 'utf8')).trim();
  const response = await fetch(`${running!.url}${path}`, {
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/yaml' }) },
    ...(body !== undefined && { method: 'POST', body }),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

/** The problem that ends a watch: a response, or an event where a busy server has begun the stream before. */
async function watchError(path: string): Promise<unknown> {
  const token = (await readFile(running!.tokenFile, 'utf8')).trim();
  const response = await fetch(`${running!.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  const text = await response.text();
  return JSON.parse(/^event: error\ndata: (.*)$/m.exec(text)?.[1] ?? text);
}

const owner = { projectId: '', uid: randomUUID() as string };

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dais-backup-'));
  running = await start('first');
  const manifests = `apiVersion: dais.dev/v1
kind: Project
metadata: { name: flights }
spec: { description: Delays }
---
apiVersion: dais.dev/v1
kind: Secret
metadata: { name: mail, project: flights }
spec: { data: { password: ${SECRET} } }
`;
  const applied = await call('/api/v1/apply', manifests);
  if (applied.status !== 200) throw new Error(JSON.stringify(applied.json));
  await withInstallation(
    await loadConfig({ flags: flagsFor('first') }),
    silentLog,
    { beside: true },
    async (installation) => {
      const content = new Content({ ...installation, clock: systemClock, ...CONTENT_DEFAULTS });
      const [row] = await transact(installation.database, { mode: 'read', projectId: 'all' }, ({ sql }) =>
        sql.query<{ id: string }>(`select id from kernel.tenant where name = 'flights'`),
      );
      Object.assign(owner, { projectId: row!.id });
      const lease = await content.upload(Readable.from([Buffer.from('rows of a table')]), {
        projectId: row!.id,
        quota: null,
      });
      await transact(installation.database, { mode: 'write', projectId: row!.id }, async (tx) => {
        await attachContent(tx, owner, [{ name: 'table', lease: lease.id }]);
      });
    },
  );
});

afterAll(async () => {
  await running?.stop();
  await rm(base, { recursive: true, force: true });
});

test('a drill: back up a running server, restore elsewhere, and continue', async () => {
  const before = (await call('/api/v1/projects')).json;
  const to = join(base, 'backup');
  const summary = await backupInstallation({ flags: flagsFor('first'), to });
  expect(summary.blobs.count).toBe(1);
  const files = (await readdir(to, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const texts = await Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')));
  expect(texts.filter((content) => content.includes(SECRET))).toEqual([]);
  await expect(backupInstallation({ flags: flagsFor('first'), to })).rejects.toMatchObject({ code: 'invalid_state' });
  await expect(restoreInstallation({ flags: flagsFor('first'), from: to })).rejects.toMatchObject({
    code: 'data_locked',
  });
  await running!.stop();

  const restored = await restoreInstallation({ flags: flagsFor('second'), from: to });
  expect(restored).toEqual(summary);
  running = await start('second');
  const after = (await call('/api/v1/projects')).json;
  expect(after['items']).toEqual(before['items']);
  expect((await call('/p/flights/api/v1/secrets/mail')).json).toMatchObject({ status: { keys: ['password'] } });
  // A place of the original means nothing in the copy.
  const location = encodeURIComponent(String(before['resourceVersion']));
  expect(await watchError(`/api/v1/projects?watch=true&resourceVersion=${location}`)).toMatchObject({
    code: 'cursor_expired',
  });
  await withInstallation(
    await loadConfig({ flags: flagsFor('second') }),
    silentLog,
    { beside: true },
    async (installation) => {
      const content = new Content({ ...installation, clock: systemClock, ...CONTENT_DEFAULTS });
      expect(await text((await content.open(owner, 'table')).bytes)).toBe('rows of a table');
    },
  );
  await expect(restoreInstallation({ flags: flagsFor('first'), from: to })).rejects.toMatchObject({
    code: 'invalid_state',
  });
});

test('a backup that is damaged, or whose keys are elsewhere, changes nothing', async () => {
  const from = join(base, 'damaged');
  await backupInstallation({ flags: flagsFor('second'), to: from });
  await expect(restoreInstallation({ flags: flagsFor('third', 'other-keys'), from })).rejects.toMatchObject({
    code: 'key_missing',
  });
  await rm(join(base, 'third'), { recursive: true });
  const [line] = (await readFile(join(from, 'blobs.ndjson'), 'utf8')).split('\n');
  const blob = blobPath(from, (JSON.parse(line!) as { sha256: string }).sha256);
  const [database, list, manifest] = [DATABASE_FILE, 'blobs.ndjson', 'backup.json'].map((name) => join(from, name));
  const damages: readonly (readonly [string, string, (whole: Buffer) => Buffer | undefined])[] = [
    ['longer database', database!, (whole) => Buffer.concat([whole, Buffer.from('x')])],
    ['truncated database', database!, (whole) => whole.subarray(0, whole.length / 2)],
    ['no database', database!, () => undefined],
    ['truncated list', list!, (whole) => whole.subarray(0, 10)],
    ['no list', list!, () => undefined],
    ['other blob', blob, () => Buffer.from('other bytes')],
    ['truncated blob', blob, (whole) => whole.subarray(0, 3)],
    ['no blob', blob, () => undefined],
    ['truncated manifest', manifest!, (whole) => whole.subarray(0, 40)],
    ['no manifest', manifest!, () => undefined],
    ['other manifest', manifest!, () => Buffer.from('{"format":1}')],
    ['wrong counts', manifest!, (whole) => Buffer.from(whole.toString().replace('"count": 1', '"count": 2'))],
    ['wrong rows', manifest!, (whole) => Buffer.from(whole.toString().replace(/"rows": /, '"rows": 1'))],
  ];
  for (const [name, path, damage] of damages) {
    const whole = await readFile(path);
    const changed = damage(whole);
    await (changed === undefined ? rm(path) : writeFile(path, changed));
    const failure = await restoreInstallation({ flags: flagsFor('third'), from }).catch((error: unknown) => error);
    expect([name, failure]).toEqual([name, expect.objectContaining({ code: 'backup_invalid' })]);
    expect((failure as Error).message).toContain(from);
    // Not even the folder was created.
    await expect(readdir(join(base, 'third'))).rejects.toMatchObject({ code: 'ENOENT' });
    await writeFile(path, whole);
  }
  await expect(restoreInstallation({ flags: flagsFor('third'), from: join(base, 'absent') })).rejects.toMatchObject({
    code: 'backup_invalid',
  });
  await restoreInstallation({ flags: flagsFor('third'), from });
});

test('damaged content stops a backup and is named with its owner, or is left out and listed', async () => {
  const [digest] = (await readFile(join(base, 'damaged', 'blobs.ndjson'), 'utf8'))
    .split('\n')
    .map((line) => (line === '' ? '' : (JSON.parse(line) as { sha256: string }).sha256));
  const stored = join(base, 'third', 'blobs', 'sha256', digest!.slice(0, 2), digest!.slice(2, 4), digest!);
  const whole = await readFile(stored);
  await writeFile(stored, 'rows of a tablE');
  const to = join(base, 'with-damage');
  const failure = await backupInstallation({ flags: flagsFor('third'), to }).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'content_damaged',
    message: expect.stringContaining('--skip-damaged'),
    issues: [{ message: expect.stringMatching(/is altered: record .* of project flights, file table$/) }],
  });
  expect(await readdir(to)).toEqual([]);
  const summary = await backupInstallation({ flags: flagsFor('third'), to, skipDamaged: true });
  expect(summary).toMatchObject({ blobs: { count: 0 }, damaged: [{ sha256: digest, kind: 'altered' }] });
  await restoreInstallation({ flags: flagsFor('fifth'), from: to });
  await withInstallation(
    await loadConfig({ flags: flagsFor('fifth') }),
    silentLog,
    { beside: false },
    async (installation) => {
      const content = new Content({ ...installation, clock: systemClock, ...CONTENT_DEFAULTS });
      await expect(content.open(owner, 'table')).rejects.toMatchObject({ code: 'content_missing' });
    },
  );

  await rm(stored);
  await rm(to, { recursive: true });
  await expect(backupInstallation({ flags: flagsFor('third'), to })).rejects.toMatchObject({
    code: 'content_damaged',
    issues: [{ message: expect.stringContaining('is missing') }],
  });
  await writeFile(stored, whole);
  expect(await backupInstallation({ flags: flagsFor('third'), to })).toMatchObject({ damaged: [] });
});

test('a folder without a database is not backed up or exported, and stays as it is', async () => {
  const flags = flagsFor('nothing');
  const absent = { code: 'file_not_found', message: expect.stringContaining(join(base, 'nothing')) };
  await expect(backupInstallation({ flags, to: join(base, 'empty') })).rejects.toMatchObject(absent);
  await expect(exportInstallation({ flags, to: join(base, 'empty.dais') })).rejects.toMatchObject(absent);
  await expect(readdir(flags.data)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('the database alone moves by export and import', async () => {
  const file = join(base, 'database.dais');
  const exported = await exportInstallation({ flags: flagsFor('second'), to: file });
  expect(await importInstallation({ flags: flagsFor('fourth'), from: file })).toEqual(exported);
});
