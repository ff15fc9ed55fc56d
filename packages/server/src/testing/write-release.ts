/**
 * Writes down what the version in package.json releases: `released-migrations.json` and rows in every table. Run once for
 * each release: `npx tsx --conditions=dais-source packages/server/src/testing/write-release.ts`, then `npm run format`.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { attachContent } from '#kernel/content/references.ts';
import { startTestKernel } from '#kernel/testing/test-kernel.ts';
import { transact } from '#kernel/transaction.ts';
import { systemClock } from '#lib/clock.ts';
import { pauseCollection } from '#content/collection-pause.ts';
import { programVersion } from '#version.ts';
import { fillTables } from './filler-rows.ts';
import {
  MIGRATIONS_FILE,
  migrationsOf,
  openProgram,
  readReleases,
  rowsFile,
  TABLES_QUERY,
  type Program,
  type Releases,
} from './releases.ts';

const MANIFESTS = `
apiVersion: dais.dev/v1
kind: Project
metadata: { name: flights, labels: { team: data } }
spec: { description: Delays of flights, owners: [ada] }
---
apiVersion: dais.dev/v1
kind: Secret
metadata: { name: hook, project: flights }
spec: { data: { key: a-signing-key } }
---
apiVersion: dais.dev/v1
kind: AlertChannel
metadata: { name: operators, project: flights, annotations: { note: first } }
spec: { attempts: 1, send: { type: webhook, url: "http://127.0.0.1:9/", signingKey: { secret: hook, key: key } } }
`;

async function main(): Promise<void> {
  const version = programVersion();
  const headings = await changelogHeadings();
  const heading = headings.get(version);
  if (heading === undefined) {
    throw new Error(`CHANGELOG.md does not list ${version}. Add the heading "## ${version} (not yet released)".`);
  }
  const releases = readReleases();
  if (version in releases && !heading.endsWith('(not yet released)')) {
    throw new Error(`${version} is released, and its files never change. Raise the version.`);
  }
  const program = await openProgram();
  const database = await startTestDatabase(program.slices.slice(1));
  try {
    await live(database, program);
    const tables = (await database.asAdmin(TABLES_QUERY(program.slices))).map(({ name }) => String(name));
    const rowsOf = async (table: string) =>
      (await database.asAdmin(`select to_json(t) as row from ${table} t order by t::text collate "C"`)).map(
        ({ row }): unknown => row,
      );
    const empty: string[] = [];
    for (const table of tables) if ((await rowsOf(table)).length === 0) empty.push(table);
    await fillTables(database, empty);
    const rows: Record<string, unknown> = {};
    for (const table of tables) rows[table] = await rowsOf(table);
    // A version that got another number before its release is not listed any more.
    const listed = Object.entries(releases).filter(([one]) => headings.has(one));
    for (const one of Object.keys(releases)) if (!headings.has(one)) await rm(rowsFile(one), { force: true });
    const all: Releases = { ...Object.fromEntries(listed), [version]: migrationsOf(program.slices) };
    await writeFile(MIGRATIONS_FILE, `${JSON.stringify(all, undefined, 2)}\n`);
    await writeFile(rowsFile(version), `${JSON.stringify(rows, undefined, 2)}\n`);
  } finally {
    await database.stop();
    await program.close();
  }
}

/** Returns the headings of the changelog by their versions. A heading states whether the version is released. */
async function changelogHeadings(): Promise<ReadonlyMap<string, string>> {
  const changes = await readFile(new URL('../../../../CHANGELOG.md', import.meta.url), 'utf8');
  return new Map(
    [...changes.matchAll(/^## (\d+\.\d+\.\d+).*$/gm)].map(([heading, version = '']) => [version, heading]),
  );
}

/** Does with a kernel what people do with it, so that every table gets rows. */
async function live(database: TestDatabase, program: Program): Promise<void> {
  const kernel = await startTestKernel(database, program);
  const folder = await mkdtemp(join(tmpdir(), 'dais-release-'));
  try {
    await kernel.apply(MANIFESTS);
    await kernel.apply(MANIFESTS.replace('note: first', 'note: second'));
    const project = { projects: ['flights'] };
    const part = { apiVersion: 'dais.dev/v1', kind: 'Secret', metadata: { name: 'gone' }, spec: { data: { k: 'v' } } };
    await kernel.call('secret.create', { manifest: part }, { ...project, idempotencyKey: 'once' });
    await kernel.call('secret.delete', { name: 'gone' }, project);
    await kernel.call('alertChannel.test', { name: 'operators', message: 'a test' }, project);
    const [row] = await database.asAdmin(`select id from kernel.tenant where name = 'flights'`);
    const owner = { projectId: String(row!['id']), uid: randomUUID() };
    const blobs = await openFsBlobStore({ root: folder, clock: systemClock });
    const content = new Content({ database: database.database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
    const upload = async (text: string) =>
      await content.upload(Readable.from([text]), { projectId: owner.projectId, quota: null });
    const lease = await upload('rows of a table');
    await transact(database.database, { mode: 'write', projectId: owner.projectId }, async (tx) => {
      await attachContent(tx, owner, [{ name: 'table', lease: lease.id }]);
    });
    await upload('not attached yet');
    await pauseCollection(database.database, 'backup', 60_000);
    // No subscriber and no controller waits for events yet.
    await database.asAdmin(
      `insert into kernel.subscription (name, seq) values ('somebody', 1);
       insert into kernel.watch (topic, uid) select 'a topic', uid from kernel.reconcile limit 1`,
    );
    await settled(database);
  } finally {
    await kernel.stop();
    await rm(folder, { recursive: true });
  }
}

/** Every event has its place, the alert was given up, and nothing is due. */
async function settled(database: TestDatabase): Promise<void> {
  const waits = `select (select count(*) from kernel.event where seq is null) + (select count(*) from kernel.reconcile where due_at <= now())
    + (select count(*) from alert_channel.delivery where state = 'pending') as n`;
  for (let tries = 0; ; tries += 1) {
    const [row] = await database.asAdmin(waits);
    if (Number(row!['n']) === 0) return;
    if (tries === 1000) throw new Error('the kernel does not become idle');
    await new Promise<void>((resolve) => void setTimeout(resolve, 20));
  }
}

await main();
