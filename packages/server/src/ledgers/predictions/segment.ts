/**
 * Writes predictions into segment files, for each request of a gateway; the only file of this ledger that the gateway
 * imports. Records of one turn of the event loop share a write. The collector converts segments to tables and deletes
 * them.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncate,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  write,
  writev,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { DaisError } from '@dais/api';
import type { ServedEndpoint } from '@dais/api/gateway';
import type { Log } from '#lib/log.ts';
import { processIdentity } from '#lib/system/process-identity.mjs';
import { encodeHead, encodeRecord, type PredictionRecord } from './segment-format.ts';
import { SegmentPages } from './segment-pages.ts';

export type { PredictionRecord } from './segment-format.ts';

export type CapturePolicy = ServedEndpoint['capture'];

/** File name suffix of segments. */
export const SEGMENT_SUFFIX = '.segment';

const MEBIBYTE = 1024 * 1024;
const SEGMENT_MS = 3_600_000;
/** Delay of a write for `async` and `sample`, whose records may be lost for this long. */
const ASYNC_MS = 10;
/** Interval for checking the folder while it exceeds its limit. */
const SPOOL_SCAN_MS = 1000;
/** Interval of log messages about lost records: a full disk loses thousands per second. */
const REPORT_MS = 10_000;

export interface SegmentOptions {
  /** Folder of the segments of this gateway; created if missing. Several processes may share it. */
  readonly folder: string;
  /** Name of the gateway, for readers of the files. */
  readonly gateway: string;
  readonly now: () => number;
  readonly log: Log;
  /** A larger file is closed; default 64 MiB. */
  readonly segmentBytes?: number;
  /** An older file with records is closed, so that the collector can delete what it has collected; default an hour. */
  readonly segmentMs?: number;
  /** Limits of waiting data: default 64 MiB, and 1 s since the oldest record. Further records are rejected. */
  readonly pendingBytes?: number;
  readonly pendingMs?: number;
  /** Limit of all segments in the folder that have not been collected; default 8 GiB. */
  readonly spoolBytes?: number;
}

export interface SegmentStats {
  readonly records: number;
  readonly bytes: number;
  /** Lost records of requests with a response (`drop`, `async`). */
  readonly dropped: number;
  /** Requests that were rejected because they could not be captured (`shed`). */
  readonly shed: number;
  /** Records without their tensors, which were too large (16 MiB). */
  readonly cut: number;
  readonly pendingBytes: number;
  /** Error of the last failed write. */
  readonly problem: string | undefined;
}

/** The records of one write. Its result is reported once for all waiting requests. */
interface Group {
  readonly pages: SegmentPages;
  /** Time of its first record. */
  since: number;
  records: number;
  bytes: number;
  sync: boolean;
  /** Records whose response must not be sent unless they are captured. */
  shed: number;
  readonly outcomes: { [overflow in CapturePolicy['overflow']]?: Deferred };
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (failure: DaisError) => void;
}

interface OpenSegment {
  readonly fd: number;
  /** Position of the first record. */
  readonly start: number;
  /** Position of the next record. */
  at: number;
  /** Whether a power failure leaves the name of the file in its folder. */
  isNameSynced: boolean;
}

/** A write of one piece, the usual case, costs a third of a list. */
async function writeAt(fd: number, pieces: readonly Uint8Array[], at: number): Promise<number> {
  return await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, written: number) => (error === null ? resolve(written) : reject(error));
    const [first] = pieces;
    if (pieces.length === 1 && first !== undefined) write(fd, first, 0, first.length, at, done);
    else writev(fd, pieces, at, done);
  });
}

const syncData = promisify(fdatasync);
const truncate = promisify(ftruncate);

export class SegmentWriter {
  readonly #options: Required<SegmentOptions>;
  readonly #process = randomUUID().slice(0, 8);
  #segment: OpenSegment | undefined;
  #group: Group | undefined;
  readonly #pages: Buffer[] = [];
  /** The write in progress. */
  #writing: Promise<void> | undefined;
  /** The write in progress, if it lasted a whole turn of the event loop. */
  #late: Promise<void> | undefined;
  #isScanning = false;
  #pending = 0;
  #oldest = 0;
  #sequence = 0;
  #files = 0;
  #spoolFull = false;
  #spoolScan = 0;
  #timer: NodeJS.Timeout | undefined;
  #age: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  readonly #counts = { records: 0, bytes: 0, dropped: 0, shed: 0, cut: 0 };
  #problem: string | undefined;
  #lastReport = { at: Number.NEGATIVE_INFINITY, dropped: 0, shed: 0 };

  constructor(options: SegmentOptions) {
    this.#options = {
      segmentBytes: 64 * MEBIBYTE,
      segmentMs: SEGMENT_MS,
      pendingBytes: 64 * MEBIBYTE,
      pendingMs: 1000,
      spoolBytes: 8192 * MEBIBYTE,
      ...options,
    };
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    this.#measureSpool();
  }

  stats(): SegmentStats {
    return { ...this.#counts, pendingBytes: this.#pending, problem: this.#problem };
  }

  /** Whether a record would be rejected now: with `shed`, check before the model runs and return 503. */
  full(): boolean {
    if (this.#spoolFull) this.#measureSpool();
    if (this.#spoolFull || this.#pending >= this.#options.pendingBytes) return true;
    return this.#pending > 0 && this.#options.now() - this.#oldest > this.#options.pendingMs && this.#isLate();
  }

  /**
   * Whether the write in progress is late, and not this process. After a second without CPU time, a process receives
   * requests and the end of its writes in one turn, possibly the requests first: the answer is known only after the
   * turn.
   */
  #isLate(): boolean {
    const write = this.#writing;
    if (write === undefined) return false;
    if (this.#late === write) return true;
    if (!this.#isScanning) {
      this.#isScanning = true;
      setImmediate(() => {
        this.#isScanning = false;
        if (this.#writing === write) this.#late = write;
      });
    }
    return false;
  }

  /**
   * Writes a record under the policy of the endpoint. Undefined: no wait is necessary. Otherwise the response waits for
   * it. Rejects with `overloaded` if the response must not be sent because it cannot be captured (`overflow: shed`).
   */
  append(record: PredictionRecord, capture: CapturePolicy): Promise<void> | undefined {
    const { policy, overflow } = capture;
    if (policy === 'off' || (policy === 'sample' && Math.random() >= capture.share)) return undefined;
    const waits = policy === 'ack' || policy === 'sync';
    if (this.full()) {
      const shed = waits && overflow === 'shed';
      this.#counts[shed ? 'shed' : 'dropped'] += 1;
      this.#reportLost();
      return shed ? Promise.reject(refused('the disk is too slow')) : undefined;
    }
    const group = (this.#group ??= this.#newGroup());
    const { bytes, cut } = encodeRecord(record, (this.#sequence += 1), capture.omit, group.pages);
    if (cut) this.#counts.cut += 1;
    // A failed record may have left an old group without records.
    if (group.records === 0) group.since = this.#options.now();
    if (this.#pending === 0) this.#oldest = group.since;
    this.#pending += bytes;
    group.bytes += bytes;
    group.records += 1;
    if (!waits) {
      this.#timer ??= setTimeout(() => this.#begin(), ASYNC_MS);
      return undefined;
    }
    if (policy === 'sync') group.sync = true;
    if (overflow === 'shed') group.shed += 1;
    this.#turn ??= setImmediate(() => this.#begin());
    return (group.outcomes[overflow] ??= deferred()).promise;
  }

  #newGroup(): Group {
    return { pages: new SegmentPages(this.#pages), since: 0, records: 0, bytes: 0, sync: false, shed: 0, outcomes: {} };
  }

  /** Resolves when all accepted records are written. */
  async flush(): Promise<void> {
    while (this.#group !== undefined || this.#writing !== undefined) {
      this.#begin();
      await this.#writing;
    }
  }

  /** Writes waiting records and closes the file. Later records open another one. */
  async close(): Promise<void> {
    await this.flush();
    this.#endSegment();
  }

  #begin(): void {
    clearTimeout(this.#timer);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
    const group = this.#group;
    // Records that arrive during a write form the next group.
    if (group === undefined || this.#writing !== undefined) return;
    this.#group = undefined;
    this.#writing = this.#write(group).finally(() => {
      this.#writing = undefined;
      if (this.#group !== undefined) this.#begin();
    });
  }

  async #write(group: Group): Promise<void> {
    let isWritten = true;
    try {
      const segment = (this.#segment ??= this.#openSegment());
      await this.#writeAt(segment, group);
      this.#counts.records += group.records;
      this.#counts.bytes += group.bytes;
      this.#problem = undefined;
      if (segment.at >= this.#options.segmentBytes) this.#endSegment();
    } catch (error) {
      isWritten = false;
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    // Before the callbacks: a caller that immediately writes again sees the current limits.
    this.#pending -= group.bytes;
    this.#oldest = this.#group?.since ?? 0;
    group.pages.giveBack();
    const { shed, drop } = group.outcomes;
    drop?.resolve();
    if (isWritten) {
      shed?.resolve();
      return;
    }
    this.#counts.shed += group.shed;
    this.#counts.dropped += group.records - group.shed;
    this.#reportLost();
    shed?.reject(refused(this.#problem ?? 'the write failed'));
  }

  #reportLost(): void {
    const { now, log } = this.#options;
    const { dropped, shed } = this.#counts;
    if (now() - this.#lastReport.at < REPORT_MS) return;
    const reason = this.#problem ?? (this.#spoolFull ? 'the capture folder is full' : 'the disk is too slow');
    const since = { dropped: dropped - this.#lastReport.dropped, shed: shed - this.#lastReport.shed };
    log.error('cannot capture predictions', { ...since, reason });
    this.#lastReport = { at: now(), dropped, shed };
  }

  /** All or nothing: a partial write is truncated, so that the next record has the right position. */
  async #writeAt(segment: OpenSegment, { pages, bytes, sync }: Group): Promise<void> {
    try {
      let left = bytes;
      let rest = pages.pieces();
      for (let at = segment.at; left > 0;) {
        const written = await writeAt(segment.fd, rest, at);
        if (written === 0) throw new Error('the write returned 0 bytes');
        at += written;
        left -= written;
        if (left > 0) rest = behind(rest, written);
      }
      if (sync) {
        await syncData(segment.fd);
        this.#syncName(segment);
      }
    } catch (error) {
      await truncate(segment.fd, segment.at).catch(() => this.#endSegment());
      throw error;
    }
    segment.at += bytes;
  }

  #openSegment(): OpenSegment {
    const { folder, gateway, now, segmentMs } = this.#options;
    this.#measureSpool();
    if (this.#spoolFull)
      throw new Error('the capture folder is full of segments that the control plane has not collected');
    this.#files += 1;
    const count = String(this.#files).padStart(6, '0');
    const path = `${folder}/${String(now()).padStart(14, '0')}-${this.#process}-${count}${SEGMENT_SUFFIX}`;
    const fd = openSync(path, 'wx', 0o600);
    try {
      const head = encodeHead({ gateway, process: processIdentity(process.pid) });
      writeSync(fd, head, 0, head.length, 0);
      clearInterval(this.#age);
      this.#age = setInterval(() => void this.#replaceSegment(), segmentMs).unref();
      return { fd, start: head.length, at: head.length, isNameSynced: false };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** The collector keeps the last file of a process that runs, so a closed file needs a successor, also without further records. */
  async #replaceSegment(): Promise<void> {
    const old = this.#segment;
    while (this.#writing !== undefined) await this.#writing;
    if (old === undefined || this.#segment !== old || old.at === old.start) return;
    this.#endSegment();
    try {
      this.#segment = this.#openSegment();
    } catch (error) {
      // The next write tries again and reports it.
      this.#problem = error instanceof Error ? error.message : String(error);
    }
  }

  #syncName(segment: OpenSegment): void {
    if (segment.isNameSynced) return;
    const fd = openSync(this.#options.folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    segment.isNameSynced = true;
  }

  #endSegment(): void {
    clearInterval(this.#age);
    if (this.#segment !== undefined) closeSync(this.#segment.fd);
    this.#segment = undefined;
  }

  /** Once per file, and every second while the folder is full. */
  #measureSpool(): void {
    const { folder, spoolBytes, now } = this.#options;
    if (now() - this.#spoolScan < SPOOL_SCAN_MS) return;
    this.#spoolScan = now();
    let bytes = 0;
    for (const name of readdirSync(folder))
      bytes += statSync(`${folder}/${name}`, { throwIfNoEntry: false })?.size ?? 0;
    this.#spoolFull = bytes >= spoolBytes;
  }
}

function deferred(): Deferred {
  let resolve = () => {};
  let reject: Deferred['reject'] = () => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function refused(reason: string): DaisError {
  const detail = `The prediction cannot be captured (${reason}), and the endpoint rejects requests that cannot be captured. Retry later.`;
  return new DaisError('overloaded', detail, { retryAfter: 1 });
}

/** Returns the rest of the pieces after the written bytes. */
function behind(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let skip = written;
  let at = 0;
  while (at < pieces.length && skip >= pieces[at]!.length) skip -= pieces[at++]!.length;
  const [first, ...rest] = pieces.slice(at);
  return first === undefined ? [] : [first.subarray(skip), ...rest];
}
