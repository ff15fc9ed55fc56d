import { statfs } from 'node:fs/promises';
import { DaisError, errorCatalog } from '@dais/api';
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { ReadinessCheck } from '#http/metrics/probe-routes.ts';
import type { Kernel } from '#kernel/kernel.ts';
import type { Clock } from '#lib/clock.ts';
import type { WorkGate } from '#lib/concurrency/work-gate.ts';

/** The event stream is read at least once a second; after so long something is stuck. */
const MAX_WATCH_AGE_MS = 10_000;
/** Events are sequenced within a second; so many unsequenced events mean that no process sequences them. */
const MAX_UNSEQUENCED = 10_000;
const PING_MS = 2000;
/** How long a result of the blob store is reused: the check writes into it, and probes come every few seconds. */
const BLOBS_MS = 10_000;
/** A failing result, and one from before a request failed because a disk is full, is reused for this long only. */
const RECHECK_MS = 1000;
/** Below this the data folder counts as full: PostgreSQL extends its write-ahead log by 16 MiB at a time. */
const MIN_FREE_BYTES = 64 * 2 ** 20;
const LOADING_REMEDY = 'Wait until it has loaded, or read the log of this node.';
const REMEDY = 'Wait a few seconds. If the check still fails, run `dais doctor` to find the cause.';

/** The checks of /readyz. */
export async function readiness(
  kernel: Kernel,
  database: Database,
  schema: () => Promise<readonly string[]>,
  disks: readonly (() => Promise<ReadinessCheck>)[],
): Promise<readonly ReadinessCheck[]> {
  const disk = disks.map(async (ready) => await ready());
  return (await Promise.all([databaseReadiness(kernel, database, schema), ...disk])).flat();
}

/** Checks the free space of the data folder at every probe: this costs one system call. */
export function diskReadiness(
  folder: string,
  freeBytes: () => Promise<number> = async () => await freeOf(folder),
): () => Promise<ReadinessCheck> {
  return async () => {
    try {
      const free = await freeBytes();
      const text = `${Math.floor(free / 2 ** 20)} MiB are free on the disk of ${folder}`;
      if (free >= MIN_FREE_BYTES) return { name: 'disk', ok: true, detail: text };
      const detail = `${text}, but Dais needs ${MIN_FREE_BYTES / 2 ** 20} MiB`;
      return { name: 'disk', ok: false, detail, remedy: errorCatalog.storage_full.remedy };
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException;
      return { name: 'disk', ok: false, detail: `${folder} cannot be read (${code})`, remedy: REMEDY };
    }
  };
}

async function freeOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/**
 * Fails while the gateway of this node does not have models that those of other nodes serve. `isStarting`: it has not loaded the models of the
 * endpoints for the first time.
 */
export function gatewayReadiness(
  behind: readonly string[],
  { isStarting = false }: { readonly isStarting?: boolean } = {},
): readonly ReadinessCheck[] {
  if (isStarting) {
    const detail = 'The gateway has not loaded the models of the endpoints yet';
    return [{ name: 'gateway', ok: false, detail, remedy: LOADING_REMEDY }];
  }
  if (behind.length === 0) return [];
  const [first, ...more] = behind;
  const named = more.length === 0 ? first : `${first} and ${more.length} more`;
  const detail = `The gateway does not have ${named} ready, which the gateways of other nodes serve`;
  return [{ name: 'gateway', ok: false, detail, remedy: LOADING_REMEDY }];
}

/**
 * Checks the store at most once in 10 s (1 s while it fails), and waits at most 2 s for the result. `fullAt` is when a request last failed
 * because a disk is full: a result from before that is not reused.
 */
export function blobsReadiness(
  blobs: BlobStore,
  clock: Clock,
  fullAt: () => number | undefined = () => undefined,
): () => Promise<ReadinessCheck> {
  let last: { readonly startedAt: number; readonly at: number; readonly check: ReadinessCheck } | undefined;
  let pending: Promise<ReadinessCheck> | undefined;
  const ask = async () => {
    const startedAt = clock.now();
    const check = await blobs.check().then(
      () => ({ name: 'blobs', ok: true, detail: 'content can be written and read' }),
      (error: unknown) =>
        error instanceof DaisError
          ? { name: 'blobs', ok: false, detail: error.message, remedy: errorCatalog[error.code].remedy }
          : { name: 'blobs', ok: false, detail: 'the check failed', remedy: REMEDY },
    );
    last = { startedAt, at: clock.now(), check };
    pending = undefined;
    return check;
  };
  const isCurrent = ({ startedAt, at, check: { ok } }: NonNullable<typeof last>): boolean => {
    const isDoubtful = !ok || (fullAt() ?? Number.NEGATIVE_INFINITY) >= startedAt;
    return clock.now() - at < (isDoubtful ? RECHECK_MS : BLOBS_MS);
  };
  return async () => {
    if (last !== undefined && isCurrent(last)) return last.check;
    pending ??= ask();
    let cancel = () => {};
    const late = new Promise<ReadinessCheck>((resolve) => {
      const check = { name: 'blobs', ok: false, detail: 'did not respond in time', remedy: REMEDY };
      cancel = clock.after(PING_MS, () => resolve(check));
    });
    return await Promise.race([pending, late]).finally(() => cancel());
  };
}

/** A draining node answers requests, but load balancers must send no more. */
export function nodeReadiness({ isOpen }: WorkGate, isEnding: boolean): ReadinessCheck {
  if (isEnding) {
    return {
      name: 'node',
      ok: false,
      detail: 'the process is shutting down',
      remedy: 'Send requests to another node.',
    };
  }
  if (isOpen) return { name: 'node', ok: true, detail: 'takes new work' };
  const detail = 'the node is draining or drained';
  return { name: 'node', ok: false, detail, remedy: '`dais admin resume-node ID` ends the drain.' };
}

async function databaseReadiness(
  kernel: Kernel,
  database: Database,
  schema: () => Promise<readonly string[]>,
): Promise<readonly ReadinessCheck[]> {
  try {
    await database.ping(PING_MS);
    const { watchAgeMs, unsequenced, sequencing } = await kernel.health();
    return [
      { name: 'database', ok: true, detail: 'responds' },
      await schemaReadiness(schema),
      check('watch', watchAgeMs <= MAX_WATCH_AGE_MS, `events were last read ${Math.round(watchAgeMs)} ms ago`),
      check(
        'leases',
        unsequenced <= MAX_UNSEQUENCED,
        `${unsequenced} events are not sequenced yet; ${sequencing ? 'this process sequences them' : 'another process sequences them'}`,
      ),
    ];
  } catch (error) {
    const detail = error instanceof DaisError ? error.message : 'does not respond';
    return [{ name: 'database', ok: false, detail, remedy: REMEDY }];
  }
}

/** During an upgrade a newer program may move the schema beyond what this one can use. */
async function schemaReadiness(schema: () => Promise<readonly string[]>): Promise<ReadinessCheck> {
  try {
    const pending = await schema();
    if (pending.length === 0) return { name: 'migrations', ok: true, detail: 'the schema is up to date' };
    const detail = `not applied: ${pending.join(', ')}`;
    return { name: 'migrations', ok: false, detail, remedy: 'Restart this process: it runs migrations at startup.' };
  } catch (error) {
    if (!(error instanceof DaisError && error.code === 'data_version')) throw error;
    return {
      name: 'migrations',
      ok: false,
      detail: error.message,
      remedy: 'Upgrade this process to the version of the other processes.',
    };
  }
}

function check(name: string, ok: boolean, detail: string): ReadinessCheck {
  return ok
    ? { name, ok, detail }
    : { name, ok, detail, remedy: 'Read the log of the controller. If the check still fails, restart the controller.' };
}
