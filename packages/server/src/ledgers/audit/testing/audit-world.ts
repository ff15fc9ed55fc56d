/** Test fixture: a kernel with the audit ledger, with files in a separate folder. */
import { createPublicKey, randomBytes, randomUUID, verify } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LogVerifier,
  parseCheckpoint,
  parseVerifierKey,
  splitNotes,
  type Checkpoint,
  type LogReport,
} from '@dais/api/tlog';
import { expect } from 'vitest';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import type { Database } from '#engines/database/contract.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { workshopSlice } from '#kernel/testing/machine-controller.ts';
import { startTestKernel, testKinds, type TestKernel, type TestKernelOptions } from '#kernel/testing/test-kernel.ts';
import { userKind } from '@dais/api/access';
import { systemClock } from '#lib/clock.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { treeHasher } from '../hashing.ts';
import { auditLedger, auditSlice, type AuditLedger, type AuditLedgerDependencies } from '../index.ts';

export const SOON = { timeout: 60_000, interval: 20 };

export const auditSlices = [kernelSlice, auditSlice, workshopSlice];

export interface AuditWorldOptions {
  readonly ledger?: Partial<AuditLedgerDependencies>;
  readonly kernel?: TestKernelOptions;
  /** Another world with the same database, keys and files. */
  readonly like?: AuditWorld;
  readonly database?: Database;
}

export interface AuditWorld {
  readonly test: TestDatabase;
  readonly dais: TestKernel;
  readonly ledger: AuditLedger;
  readonly keys: KeyStore;
  /** The seed of `keys`. */
  readonly keyText: string;
  readonly net: TestNet;
  readonly folder: string;
  /** Waits until the log contains everything that was committed, and returns its size. */
  settled(): Promise<number>;
  /** Stops the process; the database remains. */
  halt(): Promise<void>;
  stop(): Promise<void>;
}

export async function startAuditWorld(options: AuditWorldOptions = {}): Promise<AuditWorld> {
  const { like } = options;
  const test = like?.test ?? (await startTestDatabase(auditSlices));
  const folder = like?.folder ?? (await mkdtemp(join(tmpdir(), 'dais-audit-')));
  const keyText = like?.keyText ?? randomBytes(32).toString('base64');
  const keys = like?.keys ?? openEnvKeys(keyText);
  const net = like?.net ?? new TestNet();
  const database = options.database ?? test.database;
  const blobs = await openFsBlobStore({ root: join(folder, 'blobs'), clock: systemClock });
  const ledger = auditLedger({
    database,
    keys,
    blobs,
    outbound: net.client(),
    clock: systemClock,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    holder: randomUUID(),
    checkpointFolders: [join(folder, 'checkpoints')],
    checkpointWebhook: undefined,
    days: 400,
    ...options.ledger,
  });
  const dais = await startTestKernel(test, {
    database,
    kinds: [...testKinds, { spec: userKind }],
    subscribers: ledger.subscribers,
    jobs: ledger.jobs,
    entries: ledger.entries,
    ...options.kernel,
  });
  await ledger.start({ controller: true });
  const halt = async () => {
    await dais.stop();
    await ledger.close();
  };
  return {
    test,
    dais,
    ledger,
    keys,
    keyText,
    net,
    folder,
    halt,
    settled: async () => {
      const behind = async () =>
        await dais.write(async ({ sql }) => {
          const [row] = await sql.query<{ n: bigint }>(
            `select (select count(*) from kernel.event) - (select size from audit.state) as n`,
          );
          return Number(row?.n);
        });
      await expect.poll(behind, SOON).toBe(0);
      return await dais.write(async ({ sql }) => {
        const [row] = await sql.query<{ size: bigint }>('select size from audit.state');
        return Number(row?.size);
      });
    },
    stop: async () => {
      await halt();
      await net.end();
      await blobs.close();
      await rm(folder, { recursive: true, force: true });
      if (options.like === undefined) await test.stop();
    },
  };
}

export async function logSize(test: TestDatabase): Promise<number> {
  const [row] = await test.asAdmin('select size::int from audit.state');
  return row!['size'] as number;
}

/** Returns all checkpoints in the files of a world, in write order, with verified signatures. */
export async function fileCheckpoints(world: Pick<AuditWorld, 'folder' | 'dais'>): Promise<Checkpoint[]> {
  const folder = join(world.folder, 'checkpoints');
  const { verifierKey } = await world.dais.call<{ verifierKey: string }>('audit.key', {});
  const spki = Buffer.concat([
    Buffer.from('302a300506032b6570032100', 'hex'),
    parseVerifierKey(verifierKey)!.publicKey,
  ]);
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const checkpoints = [];
  const names: readonly string[] = await readdir(folder).catch(() => []);
  for (const name of names.toSorted()) {
    const { notes, rest } = splitNotes(await readFile(join(folder, name), 'utf8'));
    expect(rest).toBe('');
    for (const note of notes) {
      const read = parseCheckpoint(note)!;
      expect(verify(null, Buffer.from(read.text), publicKey, read.signatures[0]!.signature)).toBe(true);
      checkpoints.push(read.checkpoint);
    }
  }
  return checkpoints;
}

/** Audits the log: reads every entry through the operation and compares it with external checkpoints. */
export async function verifyWorld(
  world: Pick<AuditWorld, 'dais'>,
  checkpoints: readonly Checkpoint[],
): Promise<LogReport> {
  const verifier = new LogVerifier(treeHasher, checkpoints);
  let after: number | undefined;
  for (;;) {
    const page = await world.dais.call<{ items: { seq: number; body: string; leaf?: string }[] }>('audit.bodies', {
      limit: 500,
      ...(after !== undefined && { after }),
    });
    for (const { seq, body, leaf } of page.items) {
      verifier.add({ seq, body, ...(leaf !== undefined && { leaf: Buffer.from(leaf, 'base64') }) });
      after = seq;
    }
    if (page.items.length === 0) break;
  }
  return verifier.end();
}
