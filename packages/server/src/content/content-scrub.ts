/** Reads all stored objects at a limited rate and marks damaged ones. */
import { DaisError } from '@dais/api';
import type { VerifiedBlobs } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { clearDamage } from '#kernel/content/damage.ts';
import type { JobHandler, JobIo } from '#kernel/job-runner.ts';
import type { NewJob } from '#kernel/jobs.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import { pacer } from '#lib/concurrency/pacer.ts';
import { listDamaged, markDamaged } from './content-damage.ts';
import {
  finishScrubPass,
  nextScrubObjects,
  readScrubPass,
  recordScrubStep,
  startScrubPass,
} from './content-scrub-pass.ts';

export interface ScrubDependencies {
  readonly database: Database;
  readonly blobs: VerifiedBlobs;
  readonly clock: Clock;
  /** Days from the start of one pass to the next; 0: only on request. */
  readonly everyDays: number;
  readonly bytesPerSecond: number;
}

const QUEUE = 'content scrub';
const MINUTE_MS = 60_000;
const PAGE = 200;
/** A restart repeats at most what was read since the progress was last written. */
const RECORD_MS = 2000;

/** Starts a requested pass immediately. */
export function scrubNow(): NewJob {
  return { queue: QUEUE, projectId: ORGANIZATION, payload: {}, uniqueKey: 'requested', maxAttempts: 1000 };
}

export function scrubJob(dependencies: ScrubDependencies): JobHandler {
  return {
    queue: QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 10_000, capMs: 10 * MINUTE_MS },
    every: { firstMs: 10 * MINUTE_MS, againMs: 15 * MINUTE_MS },
    run: async (_job, io) => {
      if (dependencies.everyDays > 0) await io.write(async (tx) => await startDuePass(tx, dependencies.everyDays));
      const pass = await io.read(async (tx) => await readScrubPass(tx.sql));
      if (pass === undefined || pass.finishedAt !== null) return { started: false };
      return await runPass(dependencies, pass, io);
    },
  };
}

async function startDuePass(tx: Transaction, everyDays: number): Promise<void> {
  await tx.enter('all');
  await startScrubPass(tx.sql, everyDays);
}

async function runPass(
  dependencies: ScrubDependencies,
  pass: { readonly position: string; readonly totalObjects: number },
  io: JobIo,
): Promise<Record<string, unknown>> {
  const pace = pacer(dependencies.clock, dependencies.bytesPerSecond, io.signal);
  if (pass.position === '') await recheckDamaged(dependencies, pace, io);
  let position = pass.position;
  let step = { objects: 0, bytes: 0, found: 0 };
  let recordedAt = dependencies.clock.now();
  const record = async () => {
    const done = { ...step, position };
    await io.write(async (tx) => await recordScrubStep(tx.sql, done));
    step = { objects: 0, bytes: 0, found: 0 };
    recordedAt = dependencies.clock.now();
  };
  for (;;) {
    const from = position;
    const page = await io.read(async (tx) => {
      await tx.enter('all');
      return await nextScrubObjects(tx.sql, from, PAGE);
    });
    for (const { locator, size } of page) {
      io.signal.throwIfAborted();
      const isIntact = await checkObject(dependencies, locator, pace, io.signal);
      position = locator;
      step = { objects: step.objects + 1, bytes: step.bytes + size, found: step.found + (isIntact ? 0 : 1) };
      if (dependencies.clock.now() - recordedAt >= RECORD_MS) await record();
    }
    await record();
    if (page.length < PAGE) break;
  }
  await io.write(async (tx) => await finishScrubPass(tx.sql));
  return { started: true };
}

/** Objects that were repaired manually are usable immediately, not only after the whole pass. */
async function recheckDamaged(
  dependencies: ScrubDependencies,
  pace: (bytes: number) => Promise<void>,
  io: JobIo,
): Promise<void> {
  for (let after = ''; ;) {
    const from = after;
    const page = await io.read(async (tx) => {
      await tx.enter('all');
      return await listDamaged(tx.sql, { after: from, limit: PAGE });
    });
    for (const { locator } of page) {
      if (await checkObject(dependencies, locator, pace, io.signal)) await clearDamage(dependencies.database, locator);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.locator;
  }
}

/** Returns whether the object is intact. @throws DaisError `blobs_unavailable` when the store as a whole fails. */
async function checkObject(
  { blobs, database }: ScrubDependencies,
  locator: string,
  pace: (bytes: number) => Promise<void>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await blobs.checkObject(locator, pace, signal);
    return true;
  } catch (error) {
    if (!(error instanceof DaisError)) throw error;
    if (error.code === 'content_damaged' || error.code === 'content_missing') return false;
    if (error.code !== 'blobs_unavailable') throw error;
    // The store works: only this object cannot be read.
    await blobs.check();
    await markDamaged(database, { locator, kind: 'unreadable' });
    return false;
  }
}
