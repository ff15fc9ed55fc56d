import type { AuditEntry } from '@dais/api/audit';
import { findingText, provesConsistency, rootOfInclusion, type Checkpoint } from '@dais/api/tlog';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { freshProject } from '#kernel/testing/test-project.ts';
import { treeHasher } from './hashing.ts';
import {
  fileCheckpoints,
  logSize,
  SOON,
  startAuditWorld,
  verifyWorld,
  type AuditWorld,
} from './testing/audit-world.ts';

interface EntryPage {
  readonly items: AuditEntry[];
  readonly nextCursor?: string;
}

let world: AuditWorld;

beforeAll(async () => {
  world = await startAuditWorld({ ledger: { checkpoints: { everyEntries: 10, everyMs: 50 } } });
});
afterAll(async () => {
  await world.stop();
});

const search = async (input: object = {}) =>
  (await world.dais.call<EntryPage>('organizationAudit.list', { limit: 1000, ...input })).items;

const covered = async () => {
  const size = await world.settled();
  await expect.poll(async () => (await fileCheckpoints(world)).at(-1)?.size ?? 0, SOON).toBeGreaterThanOrEqual(size);
};

test('every event becomes one entry, from the first one, in commit order', async () => {
  const p = await freshProject(world.dais);
  await Promise.all(Array.from({ length: 60 }, (_, n) => p.create(`n${n}`)));
  const size = await world.settled();
  const rows = await world.test.asAdmin(
    `select e.seq::int, k.seq::int as event_seq, convert_from(e.body, 'UTF8') as body from audit.entry e
     join kernel.event k on k.id::text = convert_from(e.body, 'UTF8')::json->>'event' order by e.seq`,
  );
  expect(rows.map((row) => row['seq'])).toEqual(Array.from({ length: size }, (_, n) => n));
  const order = rows.map((row) => row['event_seq'] as number);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  const first = JSON.parse(rows[0]!['body'] as string) as Record<string, unknown>;
  expect(first).toMatchObject({ v: 1, seq: 0, type: 'resource.created', actor: { type: 'system', id: 'dais' } });
});

test('an entry contains actor, method, reason and subject; the log is intact', async () => {
  const p = await freshProject(world.dais);
  const context = { ...p.context, client: { address: '10.1.2.3', userAgent: 'dais/0.1' }, requestId: 'request-77' };
  await world.dais.call('part.create', { manifest: manifest('Part', 'bolt') }, context);
  await world.settled();
  const [entry] = await search({ requestId: 'request-77' });
  expect(entry).toMatchObject({
    type: 'resource.created',
    outcome: 'succeeded',
    project: { name: p.name },
    actor: { type: 'user', id: 'owner' },
    subject: { kind: 'Part', name: 'bolt' },
    requestId: 'request-77',
    data: { generation: 1 },
  });
  await covered();
  const report = await verifyWorld(world, await fileCheckpoints(world));
  expect(report.findings.map(findingText)).toEqual([]);
  expect(report.met).toBeGreaterThan(0);
  expect(report.covered).toBe(report.size);
});

test('search finds by actor, type, subject, time and project, page by page', async () => {
  const p = await freshProject(world.dais);
  const before = new Date();
  for (let n = 0; n < 7; n++) await p.create(`s${n}`);
  await world.settled();
  const byProject = await search({ project: p.name });
  expect(byProject.map((one) => one.subject?.name)).toEqual(['s6', 's5', 's4', 's3', 's2', 's1', 's0']);
  expect(await search({ project: p.name, kind: 'Part', name: 's3' })).toHaveLength(1);
  expect(await search({ project: p.name, type: 'resource.deleted' })).toEqual([]);
  expect(await search({ project: p.name, actor: 'owner' })).toHaveLength(7);
  expect(await search({ project: p.name, actor: 'somebody' })).toEqual([]);
  expect(await search({ project: p.name, from: before.toISOString() })).toHaveLength(7);
  expect(await search({ project: p.name, to: before.toISOString() })).toEqual([]);
  expect(await search({ project: p.name, outcome: 'denied' })).toEqual([]);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page: EntryPage = await world.dais.call(
      'audit.list',
      { limit: 3, ...(cursor !== undefined && { cursor }) },
      { projects: [p.name] },
    );
    seen.push(...page.items.map((one) => one.subject?.name ?? ''));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(seen).toEqual(['s6', 's5', 's4', 's3', 's2', 's1', 's0']);
  const other = await freshProject(world.dais);
  expect((await world.dais.call<EntryPage>('audit.list', {}, { projects: [other.name] })).items).toEqual([]);
});

test('seals a person in the log, finds it by name, and can forget it while the log remains intact', async () => {
  const name = 'jane.doe@example.com';
  await world.dais.call('user.create', { manifest: manifest('User', name, { email: name }) });
  const p = await freshProject(world.dais);
  const principal = {
    type: 'user' as const,
    id: 'owner',
    via: { method: 'password' as const, mfa: true, credential: 's-1' },
  };
  await world.dais.call(
    'part.create',
    { manifest: manifest('Part', 'x') },
    { ...p.context, principal, client: { address: '192.0.2.77', userAgent: 'Jane’s browser' } },
  );
  await covered();
  const texts = await world.test.asAdmin(
    `select convert_from(body, 'UTF8') || coalesce(subject, '') || actor as text from audit.entry`,
  );
  const all = texts.map((row) => row['text'] as string).join('\n');
  for (const secret of [name, 'Jane', '192.0.2.77', 'owner"']) expect(all).not.toContain(secret);

  const [created] = await search({ kind: 'User', name });
  expect(created).toMatchObject({ type: 'resource.created', subject: { kind: 'User', name }, data: { generation: 1 } });
  const [made] = await search({ project: p.name });
  expect(made).toMatchObject({
    actor: { id: 'owner' },
    via: { method: 'password', mfa: true, credential: 's-1', address: '192.0.2.77', userAgent: 'Jane’s browser' },
  });

  const checkpoints = await fileCheckpoints(world);
  await world.dais.call('audit.hold', { reason: 'case 12' });
  await expect(world.dais.call('audit.forget', { user: name })).rejects.toMatchObject({ code: 'invalid_state' });
  await world.dais.call('audit.hold', {});
  await world.dais.call('audit.forget', { user: name });
  await expect(world.dais.call('audit.forget', { user: name })).rejects.toMatchObject({ code: 'not_found' });
  expect(await search({ kind: 'User', name })).toEqual([]);
  const forgotten = (await search({ kind: 'User' })).find((one) => one.seq === created!.seq);
  expect(forgotten).toMatchObject({ subject: { kind: 'User', name: '(forgotten)' } });
  expect(forgotten).not.toHaveProperty('data');
  // A new user with the same name is another person.
  await world.dais.call('user.delete', { name });
  await covered();
  expect((await search({ kind: 'User', name })).map((one) => one.type)).toEqual(['resource.deleted']);
  expect(await search({ type: 'audit.forgotten' })).toHaveLength(1);
  expect((await verifyWorld(world, [...checkpoints, ...(await fileCheckpoints(world))])).findings).toEqual([]);
});

test('a deleted resource is in the log as a digest', async () => {
  const p = await freshProject(world.dais);
  const made = await p.create('gone');
  await world.dais.call('part.delete', { name: 'gone' }, p.context);
  await world.settled();
  const [entry] = await search({ project: p.name, type: 'resource.deleted' });
  expect(entry?.subject?.uid).toBe((made as { metadata: { uid: string } }).metadata.uid);
  expect(entry?.data).toEqual({ objectSha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
});

describe('proofs', () => {
  test('inclusion and consistency', async () => {
    await covered();
    const first = (await fileCheckpoints(world)).at(-1)!;
    const p = await freshProject(world.dais);
    await Promise.all(Array.from({ length: 300 }, (_, n) => p.create(`n${n}`)));
    await covered();
    const now = await logSize(world.test);
    for (const seq of [0, 7, 255, 256, now - 1]) {
      const proof = await world.dais.call<{
        body: string;
        size: number;
        path: string[];
        root: string;
        checkpoint?: string;
      }>('audit.prove', { seq, size: now });
      const root = rootOfInclusion(treeHasher, {
        index: seq,
        size: now,
        leaf: treeHasher.leaf(proof.body),
        path: proof.path.map((hash) => Buffer.from(hash, 'base64')),
      });
      expect(Buffer.from(root!).toString('base64')).toBe(proof.root);
      expect(JSON.parse(proof.body)).toMatchObject({ seq });
    }
    const proof = await world.dais.call<{ path: string[]; fromRoot: string; root: string }>('audit.proveConsistency', {
      from: first.size,
      size: now,
    });
    expect(proof.fromRoot).toBe(Buffer.from(first.root).toString('base64'));
    const given = {
      old: first.size,
      oldRoot: first.root,
      size: now,
      root: Buffer.from(proof.root, 'base64'),
      path: proof.path.map((hash) => Buffer.from(hash, 'base64')),
    };
    expect(provesConsistency(treeHasher, given)).toBe(true);
    await expect(world.dais.call('audit.prove', { seq: now + 5 })).rejects.toMatchObject({ code: 'not_found' });
    await expect(world.dais.call('audit.prove', { seq: 1, size: now + 5000 })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await expect(world.dais.call('audit.proveConsistency', { from: 0 })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });
});

test('an export of entries is itself an entry', async () => {
  await world.settled();
  const page = await world.dais.call<EntryPage>('audit.export', { limit: 5, after: 2 });
  expect(page.items.map((one) => one.seq)).toEqual([3, 4, 5, 6, 7]);
  await world.settled();
  expect((await search({ type: 'audit.exported' }))[0]?.data).toEqual({ from: 3, to: 8 });
});

test('the platform and an administrator cannot change the log by accident', async () => {
  const asApp = (sql: string) => world.dais.write(async (tx) => await tx.sql.query(sql));
  for (const sql of [
    `update audit.entry set type = 'x' where seq = 1`,
    'delete from audit.entry where seq = 1',
    'truncate audit.entry',
    'delete from audit.node',
  ]) {
    await expect(asApp(sql)).rejects.toMatchObject({ code: '42501' });
  }
  for (const sql of [
    `update audit.entry set type = 'x' where seq = 1`,
    'delete from audit.entry where seq = 1',
    'truncate audit.entry',
    'truncate audit.entry_000000',
  ]) {
    await expect(world.test.asAdmin(sql)).rejects.toThrow('append-only');
  }
  await expect(asApp('select audit.remove_archived(5, 5)')).rejects.toThrow('not archived');
});

describe('tampering by the owner of the database', () => {
  const asOwner = (sql: string) =>
    world.test.asAdmin(`begin; set local session_replication_role = replica; ${sql}; commit`);
  const forged = (seq: number, change: string) =>
    `update audit.entry set body = convert_to(replace(convert_from(body, 'UTF8'), ${change}), 'UTF8') where seq = ${seq}`;
  const rehash = (where: string) => `update audit.entry set leaf = sha256('\\x00'::bytea || body) where ${where}`;
  /** Updates the tree as an attacker would, so that the database is consistent. */
  const cases: readonly [string, string, RegExp][] = [
    ['an entry edited', forged(20, `'"type":"', '"type":"x'`), /^Entry 20 was edited/],
    [
      'an entry edited with its hash',
      `${forged(20, `'"type":"', '"type":"x'`)}; ${rehash('seq = 20')}`,
      /among entries \d+ to \d+ something was changed/,
    ],
    ['an entry deleted', 'delete from audit.entry where seq = 20', /^Entry 20 is missing/],
    [
      'two entries swapped',
      `update audit.entry set seq = 1000000 where seq = 20; update audit.entry set seq = 20 where seq = 21; update audit.entry set seq = 21 where seq = 1000000`,
      /^Entry 20 is at a wrong position: its own number is 21\.$/,
    ],
    [
      'the end cut off, and the state with it',
      `delete from audit.entry where seq >= 40; update audit.state set size = 40; delete from audit.checkpoint where size > 40`,
      /^The end is cut off: a checkpoint was signed over \d+ entries, and there are 40/,
    ],
    [
      'an entry taken out and everything after it written anew',
      `delete from audit.entry where seq = 20;
       update audit.entry set body = convert_to(regexp_replace(convert_from(body, 'UTF8'), '"seq":' || seq || ',', '"seq":' || (seq - 1) || ','), 'UTF8'), seq = seq + 499999 where seq > 20;
       update audit.entry set seq = seq - 500000 where seq >= 500000; ${rehash('seq >= 20')}; delete from audit.checkpoint`,
      /among entries \d+ to \d+ something was changed/,
    ],
  ];

  test.each(cases)('%s', async (_name, sql, finding) => {
    await covered();
    const checkpoints = await fileCheckpoints(world);
    // Nothing is appended in the meantime: `asOwner` restores what it changes.
    const report = await inOwnCopy(sql, checkpoints);
    expect(report[0]).toMatch(finding);
  });

  async function inOwnCopy(sql: string, checkpoints: readonly Checkpoint[]): Promise<string[]> {
    await asOwner(
      'create table audit.kept as select * from audit.entry; create table audit.kept_state as select * from audit.state; create table audit.kept_checkpoint as select * from audit.checkpoint',
    );
    try {
      await asOwner(sql);
      return (await verifyWorld(world, checkpoints)).findings.map(findingText);
    } finally {
      await asOwner(
        `delete from audit.entry; insert into audit.entry select * from audit.kept; drop table audit.kept;
         update audit.state s set size = k.size, hashes = k.hashes from audit.kept_state k; drop table audit.kept_state;
         delete from audit.checkpoint; insert into audit.checkpoint select * from audit.kept_checkpoint; drop table audit.kept_checkpoint`,
      );
    }
  }

  test('the log is intact after everything is restored', async () => {
    await covered();
    expect((await verifyWorld(world, await fileCheckpoints(world))).findings).toEqual([]);
  });
});
