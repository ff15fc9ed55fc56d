import { randomBytes } from 'node:crypto';
import type { AuditEntry } from '@dais/api/audit';
import { rootOfInclusion } from '@dais/api/tlog';
import { expect, test } from 'vitest';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { freshProject } from '#kernel/testing/test-project.ts';
import { treeHasher } from './hashing.ts';
import { fileCheckpoints, SOON, startAuditWorld, verifyWorld } from './testing/audit-world.ts';

interface EntryPage {
  readonly items: AuditEntry[];
  readonly nextCursor?: string;
}

test('moves old entries to archives; verifies, proves and searches both; a legal hold stops it', async () => {
  const own = await startAuditWorld({
    ledger: { days: 0.000001, archiveEntries: 16, checkpoints: { everyEntries: 5, everyMs: 1 } },
  });
  try {
    const p = await freshProject(own.dais);
    await Promise.all(Array.from({ length: 100 }, (_, n) => p.create(`n${n}`)));
    const size = await own.settled();
    await expect.poll(async () => (await fileCheckpoints(own)).at(-1)?.size ?? 0, SOON).toBeGreaterThanOrEqual(size);
    const checkpoints = await fileCheckpoints(own);
    const runJob = async (queue: string) => {
      await own.dais.write(async ({ sql }) => {
        await sql.query(`update kernel.job set run_at = clock_timestamp() where queue = $1 and state = 'pending'`, [
          queue,
        ]);
        await sql.query(`select pg_notify('dais_job', '')`);
      });
      const done = async () =>
        (await own.test.asAdmin(`select 1 from kernel.job where queue = '${queue}' and state = 'succeeded'`)).length;
      await expect.poll(done, SOON).toBeGreaterThan(0);
      await own.test.asAdmin(`delete from kernel.job where queue = '${queue}' and state = 'succeeded'`);
    };
    const inTable = async () => Number((await own.test.asAdmin('select count(*)::int as n from audit.entry'))[0]!['n']);
    await own.dais.call('audit.hold', { reason: 'case 7' });
    await runJob('audit archive');
    expect(await inTable()).toBeGreaterThanOrEqual(size);
    await own.dais.call('audit.hold', {});
    const questions = [
      ['organizationAudit.list', {}],
      ['organizationAudit.list', { project: p.name, kind: 'Part' }],
      ['organizationAudit.list', { project: p.name, name: 'n7' }],
      ['organizationAudit.list', { actor: 'owner', outcome: 'succeeded' }],
      ['organizationAudit.list', { actor: 'nobody' }],
      ['audit.list', { name: 'n7' }],
    ] as const;
    const locationsOf = async (operation: string, filter: object, limit: number) => {
      const found: number[] = [];
      let pages = 0;
      for (let cursor: string | undefined; ;) {
        const project = operation === 'audit.list' ? p.name : undefined;
        const input = { ...filter, limit, ...(cursor !== undefined && { cursor }) };
        const page = await own.dais.call<EntryPage>(
          operation,
          input,
          ...(project === undefined ? [] : [{ projects: [project] }]),
        );
        found.push(...page.items.map(({ seq }) => seq).filter((seq) => seq < size));
        cursor = page.nextCursor;
        pages += 1;
        if (cursor === undefined) return { found, pages };
      }
    };
    const shown = [];
    for (const [operation, filter] of questions) shown.push((await locationsOf(operation, filter, 500)).found);
    await runJob('audit archive');
    const all = await own.settled();
    expect(await inTable()).toBeLessThan(all - 40);
    // Archived entries are found in the same way, by page; each page reads only some archives.
    for (const [index, [operation, filter]] of questions.entries()) {
      for (const limit of [500, 7]) expect((await locationsOf(operation, filter, limit)).found).toEqual(shown[index]);
    }
    expect(shown[0]).toEqual(Array.from({ length: size }, (_, n) => size - 1 - n));
    expect(shown[2]?.length).toBeGreaterThan(0);
    expect(shown[5]).toEqual(shown[2]);
    expect((await locationsOf('organizationAudit.list', { actor: 'nobody' }, 500)).pages).toBeGreaterThan(1);
    const future = new Date(Date.now() + 3_600_000).toISOString();
    expect(await locationsOf('organizationAudit.list', { from: future }, 500)).toEqual({ found: [], pages: 1 });
    const report = await verifyWorld(own, checkpoints);
    expect(report.findings).toEqual([]);
    expect(report.size).toBe(all);
    const proof = await own.dais.call<{ body: string; path: string[]; root: string }>('audit.prove', {
      seq: 3,
      size: all,
    });
    const root = rootOfInclusion(treeHasher, {
      index: 3,
      size: all,
      leaf: treeHasher.leaf(proof.body),
      path: proof.path.map((one) => Buffer.from(one, 'base64')),
    });
    expect(Buffer.from(root!).toString('base64')).toBe(Buffer.from(report.root).toString('base64'));
    const status = await own.dais.call<{ archived: number }>('audit.status', {});
    expect(status.archived).toBeGreaterThanOrEqual(48);
    await runJob('audit check');
    await own.settled();
    const found = await own.dais.call<EntryPage>('organizationAudit.list', { type: 'audit.verified' });
    expect(found.items).toHaveLength(1);

    // The ledger reports inconsistencies itself.
    await own.test.asAdmin(
      `begin; set local session_replication_role = replica; update audit.entry set body = body || '\\x20'::bytea where seq = (select min(seq) from audit.entry); commit`,
    );
    await runJob('audit check');
    await own.settled();
    const broken = await own.dais.call<EntryPage>('organizationAudit.list', { type: 'audit.broken' });
    expect(broken.items[0]).toMatchObject({ outcome: 'failed' });
    const after = await own.dais.call<{ check: { findings: { type: string }[] } }>('audit.status', {});
    expect(after.check.findings.map((one) => one.type)).toContain('edited');

    // A damaged archive ends the search: entries are never omitted silently.
    await own.test.asAdmin(`update audit.archive set sha256 = repeat('0', 64)`);
    await expect(locationsOf('organizationAudit.list', {}, 500)).rejects.toMatchObject({
      code: 'content_damaged',
      message: expect.stringMatching(/^Archive audit\/\d+\.jsonl\.gz of the audit log is damaged/) as string,
    });
  } finally {
    await own.stop();
  }
});

test('rewraps keys when the key-encryption key changes; names remain searchable', async () => {
  const own = await startAuditWorld();
  try {
    const p = await freshProject(own.dais);
    await p.create('a');
    await own.settled();
    const key = await own.dais.call('audit.key', {});
    await own.halt();
    const newer = openEnvKeys(`new:${randomBytes(32).toString('base64')},${own.keyText}`);
    const again = await startAuditWorld({ like: own, ledger: { keys: newer } });
    const { fingerprint } = await newer.current();
    await again.dais.write(async ({ sql }) => {
      await sql.query(
        `update kernel.job set run_at = clock_timestamp() where queue = 'audit keys' and state = 'pending'`,
      );
      await sql.query(`select pg_notify('dais_job', '')`);
    });
    const older = async () =>
      (
        await own.test.asAdmin(
          `select key_fingerprint from audit.wrapped_key union all select key_fingerprint from audit.person`,
        )
      ).filter((row) => row['key_fingerprint'] !== fingerprint).length;
    await expect.poll(older, SOON).toBe(0);
    expect(await again.dais.call('audit.key', {})).toEqual(key);
    const found = await again.dais.call<EntryPage>('organizationAudit.list', { project: p.name, actor: 'owner' });
    expect(found.items[0]?.actor.id).toBe('owner');
    await again.halt();
  } finally {
    await own.stop();
  }
});
