import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import type { AuditEntry } from '@dais/api/audit';
import { findingText } from '@dais/api/tlog';
import { expect, test } from 'vitest';
import { exportDatabase } from '#engines/database/archive/export-database.ts';
import { importDatabase } from '#engines/database/archive/import-database.ts';
import { openDatabase } from '#engines/database/database.ts';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { freshProject } from '#kernel/testing/test-project.ts';
import { systemClock } from '#lib/clock.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import {
  auditSlices,
  fileCheckpoints,
  SOON,
  startAuditWorld,
  verifyWorld,
  type AuditWorld,
} from './testing/audit-world.ts';

interface EntryPage {
  readonly items: AuditEntry[];
}

test('repairs a truncated checkpoint file without duplicates', async () => {
  const own = await startAuditWorld({ ledger: { checkpoints: { everyEntries: 1, everyMs: 1 } } });
  try {
    const folder = join(own.folder, 'checkpoints');
    const p = await freshProject(own.dais);
    const sizes = async () => (await fileCheckpoints(own)).map((one) => one.size);
    await p.create('a');
    const size = await own.settled();
    await expect.poll(async () => (await sizes()).at(-1), SOON).toBe(size);
    await own.halt();
    const [name] = await readdir(folder);
    const path = join(folder, name!);
    const whole = await readFile(path, 'utf8');
    const before = await sizes();
    for (const cut of [1, 2, 30, 150]) {
      await truncate(path, Buffer.byteLength(whole) - cut);
      const again = await startAuditWorld({ like: own, ledger: { checkpoints: { everyEntries: 1, everyMs: 1 } } });
      await expect.poll(async () => (await readFile(path, 'utf8')).trimEnd(), SOON).toBe(whole.trimEnd());
      await again.halt();
    }
    await writeFile(path, '');
    await appendFile(path, 'dais.dev/torn');
    const again = await startAuditWorld({ like: own, ledger: { checkpoints: { everyEntries: 1, everyMs: 1 } } });
    await expect.poll(sizes, SOON).toEqual(before);
    await again.halt();
  } finally {
    await own.stop();
  }
});

test('signs the last entries on stop', async () => {
  const own = await startAuditWorld({ ledger: { checkpoints: { everyEntries: 1_000_000, everyMs: 1e9 } } });
  try {
    const p = await freshProject(own.dais);
    await p.create('a');
    const size = await own.settled();
    await own.halt();
    expect((await fileCheckpoints(own)).at(-1)?.size).toBe(size);
  } finally {
    await own.stop();
  }
});

test('posts checkpoints in order, and retries until they are accepted', async () => {
  const got: { size: string; note: string }[] = [];
  let refuse = 2;
  const net = new TestNet();
  const url = await net.serve((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      response.statusCode = refuse-- > 0 ? 500 : 204;
      if (response.statusCode === 204) got.push({ size: String(request.headers['dais-checkpoint-size']), note: body });
      response.end();
    });
  });
  const own = await startAuditWorld({
    ledger: { checkpointWebhook: url, checkpoints: { everyEntries: 1, everyMs: 1 } },
  });
  try {
    const p = await freshProject(own.dais);
    for (const name of ['a', 'b', 'c']) await p.create(name);
    const size = await own.settled();
    await expect.poll(() => got.at(-1)?.size, SOON).toBe(String(size));
    const sizes = got.map((one) => Number(one.size));
    expect(sizes).toEqual([...new Set(sizes)].toSorted((a, b) => a - b));
    expect(got.at(-1)?.note).toContain(`\n${size}\n`);
  } finally {
    await own.stop();
    await net.end();
  }
});

test('a restored database continues as another branch: missing entries are reported, not tampering', async () => {
  const own = await startAuditWorld({ ledger: { checkpoints: { everyEntries: 1, everyMs: 1 } } });
  const signed = async (world_: AuditWorld) => {
    const size = await world_.settled();
    await expect.poll(async () => (await fileCheckpoints(world_)).at(-1)?.size ?? 0, SOON).toBeGreaterThanOrEqual(size);
    return size;
  };
  try {
    const p = await freshProject(own.dais);
    await p.create('kept');
    const then = await signed(own);
    const chunks: Buffer[] = [];
    const sink = new PassThrough();
    sink.on('data', (chunk: Buffer) => chunks.push(chunk));
    await exportDatabase(own.test.connection, auditSlices, sink, { programVersion: '1.0.0', clock: systemClock });
    for (const name of ['lost-1', 'lost-2', 'lost-3']) await p.create(name);
    const beyond = await signed(own);
    await own.halt();

    const connection = await own.test.emptyDatabase();
    await importDatabase(connection, auditSlices, Readable.from(chunks), { programVersion: '1.0.0' });
    const database = openDatabase(connection, {});
    const copy = await startAuditWorld({
      like: own,
      database,
      ledger: { checkpoints: { everyEntries: 1, everyMs: 1 } },
    });
    try {
      const announced = async () =>
        (await copy.dais.call<EntryPage>('organizationAudit.list', { type: 'audit.restored' })).items;
      await expect.poll(async () => (await announced()).length, SOON).toBe(1);
      expect((await announced())[0]?.data).toMatchObject({ size: then });
      for (let n = 0; n < 8; n++) {
        await copy.dais.call('part.create', { manifest: manifest('Part', `new-${n}`) }, { projects: [p.name] });
      }
      const newest = async () => {
        const { size, checkpoint } = await copy.dais.call<{ size: number; checkpoint?: { size: number } }>(
          'audit.status',
          {},
        );
        return size > beyond && size === checkpoint?.size;
      };
      await expect.poll(newest, SOON).toBe(true);
      await expect.poll(async () => new Set((await fileCheckpoints(copy)).map((one) => one.origin)).size, SOON).toBe(2);
      const report = await verifyWorld(copy, await fileCheckpoints(copy));
      const texts = report.findings.map(findingText);
      expect(texts.length).toBeGreaterThan(0);
      for (const text of texts) expect(text).toContain(`restored to the state of entry ${then}`);
    } finally {
      await copy.halt();
      await database.close();
    }
  } finally {
    await own.stop();
  }
});
