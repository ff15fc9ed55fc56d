/** Verifies every entry once a day, in slices: the log reports its own inconsistencies. */
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { eventTypes } from '@dais/api';
import { findingText, LogVerifier, parseCheckpoint, rangeRoot, type Checkpoint } from '@dais/api/tlog';
import type { Sql } from '#engines/database/contract.ts';
import type { JobHandler, JobIo } from '#kernel/job-runner.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Log } from '#lib/log.ts';
import { type ArchiveStore, readBodies } from './archive-store.ts';
import type { AuditKeyring, AuditKeys } from './audit-keys.ts';
import { listCheckpoints, originOf } from './checkpoints.ts';
import { treeHasher } from './hashing.ts';
import { readState } from './tree-store.ts';

/** Entries per transaction: 50 ms of work. */
const SLICE = 5000;
const DAY_MS = 86_400_000;
/** Maximum number of stored findings. */
const MAX_FINDINGS = 20;

interface Progress {
  readonly size: number;
  readonly hashes: readonly Buffer[];
  readonly findings: readonly Finding[];
}

export interface Finding {
  readonly type: string;
  readonly message: string;
}

export interface SelfCheckDependencies {
  readonly ring: AuditKeyring;
  readonly archives: ArchiveStore;
  readonly log: Log;
}

export function selfCheckHandler(dependencies: SelfCheckDependencies): JobHandler {
  return {
    queue: 'audit check',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 60_000, capMs: 3_600_000 },
    every: { firstMs: 600_000, againMs: DAY_MS },
    run: async (_job, io) => await checkAll(dependencies, io),
  };
}

/** Runs one round, or continues an interrupted one. Returns its findings. */
async function checkAll({ ring, archives, log }: SelfCheckDependencies, io: JobIo) {
  const keys = await ring.open();
  const state = await io.read(async ({ sql }) => await readState(sql));
  const { size: target } = state.range;
  const now: Checkpoint = {
    origin: originOf(keys, state.branch),
    size: target,
    root: rangeRoot(treeHasher, state.range),
  };
  let progress = await io.read(async ({ sql }) => await readProgress(sql));
  while (progress.size < target) {
    io.signal.throwIfAborted();
    const { size: from } = progress;
    const slice = await io.read(async (tx) => {
      await tx.enter('all');
      const entries = await readBodies(tx.sql, archives, from, Math.min(SLICE, target - from));
      return { entries, notes: await listCheckpoints(tx.sql, from, 2 * SLICE) };
    });
    const { checkpoints, problems } = verified(slice.notes, keys);
    const last = slice.entries.length < Math.min(SLICE, target - from);
    const verifier = new LogVerifier(treeHasher, [...checkpoints, now], {
      from: { size: from, hashes: progress.hashes },
    });
    for (const { seq, body, leaf } of slice.entries) {
      if (seq < target) verifier.add({ seq, body: body.toString('utf8'), ...(leaf !== undefined && { leaf }) });
    }
    const report = verifier.end(last);
    const found = report.findings
      .filter((finding) => finding.type !== 'restored')
      .map((finding): Finding => ({ type: finding.type, message: findingText(finding) }));
    const findings = [...progress.findings, ...problems, ...found].slice(0, MAX_FINDINGS);
    progress = { size: last ? target : report.size, hashes: report.range.hashes as Buffer[], findings };
    await io.write(async ({ sql }) => await writeProgress(sql, progress));
  }
  const { findings } = progress;
  if (findings.length > 0)
    log.error('the audit log does not match its Merkle tree', { findings: findings.map((one) => one.message) });
  await io.write(async (tx) => {
    const data =
      findings.length === 0
        ? { type: eventTypes.auditVerified, data: { size: target } }
        : { type: eventTypes.auditBroken, data: { findings: findings.map(({ message }) => message) } };
    tx.emit({ ...data, projectId: ORGANIZATION });
    await tx.sql.query(
      `update audit.self_check set size = 0, hashes = '{}', complete_at = clock_timestamp(), complete_size = $1`,
      [target],
    );
  });
  return { size: target, findings: findings.length };
}

async function readProgress(sql: Sql): Promise<Progress> {
  const [row] = await sql.query<{ size: bigint; hashes: Buffer[]; findings: Finding[] }>(
    'select size, hashes, findings from audit.self_check',
  );
  const size = Number(row?.size ?? 0n);
  // A new round deletes the findings of the last one.
  return { size, hashes: row?.hashes ?? [], findings: size === 0 ? [] : (row?.findings ?? []) };
}

async function writeProgress(sql: Sql, { size, hashes, findings }: Progress): Promise<void> {
  await sql.query(
    'update audit.self_check set size = $1, hashes = $2::bytea[], findings = $3, checked_at = clock_timestamp()',
    [size, hashes, JSON.stringify(findings)],
  );
}

function verified(notes: readonly { readonly size: number; readonly note: string }[], keys: AuditKeys) {
  const publicKey = publicKeyOf(keys.verifier.publicKey);
  const checkpoints: Checkpoint[] = [];
  const problems: Finding[] = [];
  for (const { size, note } of notes) {
    const read = parseCheckpoint(note);
    const signature = read?.signatures.find(({ keyHash }) => keyHash === keys.verifier.keyHash)?.signature;
    if (read !== undefined && signature !== undefined && verify(null, Buffer.from(read.text), publicKey, signature)) {
      checkpoints.push(read.checkpoint);
    } else
      problems.push({ type: 'changed', message: `The checkpoint over ${size} entries was not signed by this log.` });
  }
  return { checkpoints, problems };
}

/** RFC 8410: SubjectPublicKeyInfo prefix of the 32 bytes of an Ed25519 public key. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

function publicKeyOf(bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, bytes]), format: 'der', type: 'spki' });
}
