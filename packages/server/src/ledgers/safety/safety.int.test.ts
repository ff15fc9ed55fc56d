import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { BlockedVersion, ModelFinding, ModelScan } from '@dais/api/serving';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { attachContent } from '#kernel/content/references.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { KindRegistry } from '#kernel/registry.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { codeOf, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { model } from '#kinds/model/index.ts';
import { project } from '#kinds/project/index.ts';
import { commentsSlice } from '#ledgers/comments/index.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { registryEntries, versionKeyOf } from '#ledgers/registry/index.ts';
import { systemClock } from '#lib/clock.ts';
import { safetyLedger, safetySlice, scanResult } from './index.ts';
import { safetyFacts } from './safety-facts.ts';

const ROOT = 'mlflow-artifacts:';
let db: TestDatabase;
let dais: TestKernel;
let content: Content;
let folder: string;
let tenant: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-safety-'));
  const kinds = [project, model(systemClock, { facts: safetyFacts })];
  db = await startTestDatabase([kernelSlice, lineageSlice, commentsSlice, model(systemClock).slice!, safetySlice]);
  const blobs = await openFsBlobStore({ root: join(folder, 'blobs'), clock: systemClock });
  content = new Content({ database: db.database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
  const now = () => Date.now();
  const ledger = safetyLedger({ blobs, now, artifactRoot: ROOT });
  const registry = registryEntries({
    now,
    kinds: () => new KindRegistry(kinds),
    artifactRoot: ROOT,
    homes: {
      ofRun: async (_tx, id) => await Promise.resolve(`${ROOT}/0/${id}/artifacts`),
      ofLoggedModel: async () => await Promise.resolve(undefined),
    },
    memberOf: async () => await Promise.resolve([]),
  });
  dais = await startTestKernel(db, {
    kinds,
    entries: [...registry, ...ledger.entries],
    jobs: ledger.jobs,
    subscribers: ledger.subscribers,
  });
  const [row] = await db.asAdmin("select id from kernel.tenant where name = 'default'");
  tenant = String(row?.['id']);
  await dais.call('registeredModel.create', { name: 'flights' });
});

afterAll(async () => {
  await dais.stop();
  await db.stop();
  await rm(folder, { recursive: true });
});

let runs = 0;

/** Registers a version with these files and waits for the scan. */
async function register(files: Readonly<Record<string, string | Buffer>>): Promise<ModelScan> {
  const runId = `${++runs}`.padStart(32, '0');
  for (const [path, bytes] of Object.entries(files)) {
    const lease = await content.upload(Readable.from([Buffer.from(bytes)]), { projectId: tenant, quota: null });
    await dais.write(async (tx) => {
      await attachContent(tx, { projectId: tenant, uid: tenant }, [
        { lease: lease.id, name: `0/${runId}/artifacts/model/${path}` },
      ]);
    });
  }
  const input = { name: 'flights', source: `runs:/${runId}/model`, runId };
  const { version } = await dais.call<{ version: number }>('modelVersion.create', input);
  const get = async () => await dais.call<ModelScan>('modelScan.get', { name: 'flights', version: String(version) });
  await expect
    .poll(async () => (await get().catch(() => undefined))?.state ?? 'pending', { timeout: 60_000 })
    .not.toBe('pending');
  return await get();
}

async function result(version: number) {
  return await dais.write(async (tx) => {
    await tx.enter(tenant);
    return await scanResult(tx, (await versionKeyOf(tx, 'flights', version)) ?? '', `flights/${version}`);
  });
}

describe('the files of a version', () => {
  it('are scanned automatically; a harmless version is clean', async () => {
    const scan = await register({ MLmodel: 'flavors: {}\n', 'requirements.txt': 'numpy\n' });
    expect(scan).toMatchObject({ state: 'succeeded', result: 'clean', files: 2, findings: [] });
    expect(await result(scan.version)).toEqual({ result: 'clean' });
  });

  it('that are harmful block the version until a finding is waived with a reason', async () => {
    const scan = await register({ 'model.pkl': Buffer.from('cos\nsystem\n(S"id"\ntR.'), 'code/a.py': 'x = 1\n' });
    expect(scan).toMatchObject({ result: 'blocked' });
    expect(scan.findings.map(({ rule, severity, state }) => [rule, severity, state])).toEqual([
      ['pickle-import', 'block', 'open'],
      ['code', 'review', 'open'],
    ]);
    const version = `flights/${scan.version}`;
    expect((await result(scan.version)).reason).toBe(
      `The scan of ${version} blocks it. model.pkl: It imports os.system, which no model needs at load time. ` +
        `\`dais model scan ${version}\` lists the findings. Register a version without them, or have an approver waive them.`,
    );
    const one = { name: 'flights', version: String(scan.version), finding: scan.findings[0]!.id };
    expect(await codeOf(dais.call('modelFinding.waive', { ...one, reason: '' }))).toBe('invalid_request');
    const waived = await dais.call<ModelFinding>('modelFinding.waive', { ...one, reason: 'it is a test' });
    expect(waived).toMatchObject({ state: 'waived', reason: 'it is a test', decidedBy: 'user/owner' });
    expect((await result(scan.version)).result).toBe('review');
    // A rescan keeps the waiver, which belongs to the finding.
    await dais.call('modelScan.start', { name: 'flights', version: String(scan.version) });
    await expect.poll(async () => (await result(scan.version)).result, { timeout: 60_000 }).toBe('review');
    await dais.call('modelFinding.reopen', { ...one, reason: 'no' });
    expect((await result(scan.version)).result).toBe('blocked');
    expect(await codeOf(dais.call('modelFinding.reopen', one))).toBe('invalid_state');
  });

  it('that are stored elsewhere are not loaded, and an unscanned version waits', async () => {
    const scan = await register({});
    expect(scan).toMatchObject({ state: 'external', result: 'blocked' });
    expect((await result(99)).result).toBe('pending');
    expect(await codeOf(dais.call('modelScan.get', { name: 'flights', version: '99' }))).toBe('not_found');
  });

  it('are listed while they block the newest version of a model', async () => {
    const list = async () =>
      (await dais.call<{ items: BlockedVersion[] }>('modelScan.listBlocked', { limit: 10 })).items;
    const hostile = Buffer.from('cos\nsystem\n(S"id"\ntR.');
    const blocked = await register({ 'model.pkl': hostile, 'other.pkl': hostile });
    expect(await list()).toEqual([
      {
        model: 'flights',
        version: blocked.version,
        reason: 'model.pkl: It imports os.system, which no model needs at load time. There is 1 more finding.',
        findings: 2,
        endedAt: expect.any(Number) as number,
      },
    ]);
    const reason = { name: 'flights', version: String(blocked.version), reason: 'it is a test' };
    for (const { id } of blocked.findings) await dais.call('modelFinding.waive', { ...reason, finding: id });
    expect(await list()).toEqual([]);
    await dais.call('modelFinding.reopen', { ...reason, finding: blocked.findings[0]!.id });
    expect(await list()).toMatchObject([{ version: blocked.version, findings: 1 }]);
    // External files are not an error of the version, and a newer version supersedes a blocked one.
    await register({});
    expect(await list()).toEqual([]);
    await register({ 'model.pkl': hostile });
    await register({ MLmodel: 'flavors: {}\n' });
    expect(await list()).toEqual([]);
    expect(await codeOf(dais.call('modelScan.listBlocked', { limit: 10, cursor: 'x' }))).toBe('invalid_cursor');
  });

  it('are a policy attribute', async () => {
    await register({ 'model.pkl': Buffer.from('cos\nsystem\n(S"id"\ntR.') });
    const { metadata } = await dais.call<{ metadata: { uid: string } }>('model.get', { name: 'flights' });
    const subject = { kind: 'Model', name: 'flights', uid: metadata.uid };
    const facts = await dais.write(async (tx) => await safetyFacts.load(tx, subject, new Set(safetyFacts.names)));
    expect(facts).toEqual({ values: { openSafetyFindings: 1, safetyScanned: true }, unknown: {} });
  });
});
