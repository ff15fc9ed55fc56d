/** Scans the files of a version after its registration. */
import { DaisError, eventTypes } from '@dais/api';
import type { BlobStore } from '#engines/blobs/contract.ts';
import { findReadable } from '#kernel/content/damage.ts';
import { contentLabel, listReferences, type ContentInfo } from '#kernel/content/references.ts';
import type { SequencedEvent } from '#kernel/events.ts';
import type { JobHandler, JobIo } from '#kernel/job-runner.ts';
import type { NewJob } from '#kernel/jobs.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { readVersion, versionKeyOf } from '#ledgers/registry/index.ts';
import { scanFile, type ScanFinding, type ScannedFile } from '#lib/model-scan/scan-file.ts';
import type { SafetyDependencies } from './safety-dependencies.ts';
import { endScan, findScan, noteScan, presentScan, recordScan, type ScanResult } from './scan-rows.ts';

const QUEUE = 'model scan';
/** Maximum number of files of a version. */
const MAX_FILES = 5000;

interface Scanned {
  readonly name: string;
  readonly version: number;
  readonly model: string;
}

/** Runs in the transaction that enqueues the scan. */
export async function enqueueScan(tx: Transaction, { name, version, model }: Scanned, now: number): Promise<void> {
  const key = await versionKeyOf(tx, name, version);
  if (key === undefined) throw new DaisError('not_found', `There is no version ${name}/${version}.`);
  await noteScan(tx, { key, model, version }, now);
  tx.enqueue(scanOf(tx.projectId, key, name, version));
}

function scanOf(projectId: string, key: string, name: string, version: number): NewJob {
  return { queue: QUEUE, projectId, payload: { key, name, version }, uniqueKey: key, maxAttempts: 8 };
}

/** Enqueues a scan for each registered version, through every protocol. */
export function scanSubscriber(now: () => number): Subscriber {
  return {
    name: 'model safety',
    // Versions that were registered before the scanner existed are scanned too.
    fromStart: true,
    types: [eventTypes.modelVersionCreated.type],
    handle: async (tx, events) => {
      for (const event of events) await due(tx, event, now());
    },
  };
}

async function due(tx: Transaction, { subject, projectId, data }: SequencedEvent, now: number): Promise<void> {
  const version = Number(data['version']);
  if (subject === undefined || !Number.isSafeInteger(version)) return;
  await tx.enter(projectId);
  try {
    const found = await readVersion(tx.sql, projectId, subject.name, version);
    if (found.type === 'prompt') return;
    await enqueueScan(tx, { name: subject.name, version, model: subject.uid }, now);
  } catch (error) {
    // Deleted or renamed in the meantime: no version has this name.
    if (!(error instanceof DaisError) || error.code !== 'not_found') throw error;
  }
}

export function scanHandler(dependencies: SafetyDependencies): JobHandler {
  const { now } = dependencies;
  return {
    queue: QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 2000, capMs: 300_000 },
    run: async ({ payload, projectId }, io) => {
      const key = String(payload['key']);
      const name = String(payload['name']);
      const version = Number(payload['version']);
      const location = await io.read(async (tx) => await filesOf(tx, dependencies, name, version));
      if ('elsewhere' in location) {
        const detail = `The files could not be scanned: ${location.elsewhere}.`;
        const findings = [{ file: '.', rule: 'external', severity: 'block', detail }] as const;
        await io.write(async (tx) => {
          await recordScan(tx, key, { files: 0, bytes: 0, findings }, now());
          await endScan(tx, key, { state: 'external', error: location.elsewhere }, now());
        });
        return { elsewhere: true };
      }
      const scanned = await unlessDamaged(async () => await scanFiles(dependencies.blobs, location, projectId, io));
      if (typeof scanned === 'string') {
        await io.write(async (tx) => await endScan(tx, key, { state: 'failed', error: scanned }, now()));
        return { damaged: true };
      }
      await io.write(async (tx) => {
        await recordScan(tx, key, scanned, now());
        const scan = await findScan(tx.sql, key);
        if (scan === undefined) return;
        const { result, findings } = await presentScan(tx.sql, name, scan);
        const open = findings.filter(({ state }) => state === 'open').length;
        const subject = { kind: 'Model', name, uid: scan.model };
        tx.emit({ type: eventTypes.modelScanned, projectId, subject, data: { version, result, findings: open } });
      });
      return { files: scanned.files, findings: scanned.findings.length };
    },
    ended: async (tx, job, end) => {
      if (end.state !== 'failed' && end.state !== 'canceled') return;
      await tx.enter(job.projectId);
      const error = end.error ?? 'it was canceled';
      await endScan(tx, String(job.payload['key']), { state: 'failed', error }, now());
    },
  };
}

/** Returns the error of damaged content: it stays damaged until someone acts, so the job is not repeated. */
async function unlessDamaged<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DaisError && (error.code === 'content_damaged' || error.code === 'content_missing')) {
      return error.message;
    }
    throw error;
  }
}

interface FileLocation {
  readonly prefix: string;
  readonly files: readonly ContentInfo[];
}

async function filesOf(
  tx: Transaction,
  { artifactRoot }: SafetyDependencies,
  name: string,
  version: number,
): Promise<FileLocation | { readonly elsewhere: string }> {
  const { artifactUri } = await readVersion(tx.sql, tx.projectId, name, version);
  if (!artifactUri.startsWith(artifactRoot)) return { elsewhere: `they are stored at ${artifactUri}, outside Dais` };
  const folder = artifactUri.slice(artifactRoot.length).replace(/^\/+|\/+$/g, '');
  const prefix = `${folder}/`;
  const owner = { projectId: tx.projectId, uid: tx.projectId };
  const files = await listReferences(tx, owner, { prefix, limit: MAX_FILES + 1 });
  return files.length === 0 ? { elsewhere: `${artifactUri} contains no files` } : { prefix, files };
}

async function scanFiles(
  blobs: BlobStore,
  { prefix, files }: FileLocation,
  projectId: string,
  io: JobIo,
): Promise<ScanResult> {
  const paths = files.map(({ name }) => name.slice(prefix.length));
  const findings: ScanFinding[] = [];
  if (files.length > MAX_FILES) {
    const detail = `The version has more than ${MAX_FILES} files. Not all of them were scanned.`;
    findings.push({ file: '', rule: 'too-many-files', severity: 'block', detail });
  }
  let bytes = 0;
  for (const [index, { name, size }] of files.slice(0, MAX_FILES).entries()) {
    io.signal.throwIfAborted();
    io.progress({ file: index, files: files.length });
    bytes += size;
    const owner = { projectId, uid: projectId, name };
    const { locator } = await io.read(async (tx) => await findReadable(tx, owner));
    const label = contentLabel(owner, name);
    findings.push(...(await scanFile(fileOf(blobs, { locator, label }, paths[index] ?? '', size), paths)));
  }
  return { files: files.length, bytes, findings };
}

interface StoredFile {
  readonly locator: string;
  readonly label: string;
}

function fileOf(blobs: BlobStore, { locator, label }: StoredFile, path: string, size: number): ScannedFile {
  return {
    path,
    size,
    read: async (offset, length) => {
      const end = Math.min(size, offset + length);
      if (offset < 0 || end <= offset) return Buffer.alloc(0);
      const pieces: Buffer[] = [];
      const range = { start: offset, end: end - 1 };
      for await (const piece of await blobs.get(locator, range, label)) pieces.push(piece as Buffer);
      return Buffer.concat(pieces);
    },
  };
}
