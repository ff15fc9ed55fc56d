/**
 * Records the loads of models on disk: which passed their test prediction, how their processes ended, and which were
 * loading when the gateway itself died. A model whose process ended abnormally twice is quarantined: it is not loaded
 * again, also after a restart, until a user resumes it.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessEnd } from '#engines/inference/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

interface JournalRecord {
  /** `resumes` of the snapshot that the other fields belong to. */
  readonly resumes: number;
  /** The model passed its test prediction. */
  readonly isProven: boolean;
  /** Duration of the last load. */
  readonly loadMs?: number;
  /** Abnormal ends of its processes without a successful batch in between. */
  readonly endsInRow: number;
  /** Times of ends within the window caused by the model itself; milliseconds since the epoch. */
  readonly endTimes: readonly number[];
  /** Deaths of the gateway while it was loading the model, since the last successful load. */
  readonly deaths: number;
  readonly quarantine?: { readonly reason: string; readonly at: number };
}
export type LoadRecord = JournalRecord;

/** Consecutive ends or deaths after which a model is quarantined. */
const MOST_IN_ROW = 2;
/**
 * Ends caused by the model within the window after which it is quarantined, even with successful batches in between.
 */
const MOST_IN_WINDOW = 5;
const WINDOW_MS = 600_000;

/** Most quarantines that are kept for models that are in no snapshot. */
const MOST_ABSENT = 1000;

const EMPTY: JournalRecord = { resumes: 0, isProven: false, endsInRow: 0, endTimes: [], deaths: 0 };

export interface LoadJournalDependencies {
  /** Folder of the gateway. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class LoadJournal {
  readonly #dependencies: LoadJournalDependencies;
  readonly #records = new Map<string, JournalRecord>();
  #writing: Promise<void> = Promise.resolve();
  #isDirty = false;
  #isClosed = false;

  private constructor(dependencies: LoadJournalDependencies) {
    this.#dependencies = dependencies;
  }

  /** Reads the journal of the previous gateway process, and counts its death for each model that it was loading. */
  static async open(dependencies: LoadJournalDependencies): Promise<LoadJournal> {
    const journal = new LoadJournal(dependencies);
    await mkdir(journal.#markers, { recursive: true, mode: 0o700 });
    const text = await readFile(journal.#file, 'utf8').catch(() => undefined);
    const read = text === undefined ? new Map<string, JournalRecord>() : readRecords(text);
    if (read === undefined) dependencies.log.warn('cannot read the load journal; starting a new one');
    for (const [key, record] of read ?? []) journal.#records.set(key, record);
    for (const key of await readdir(journal.#markers)) journal.#countDeath(key);
    await journal.#save();
    for (const key of await readdir(journal.#markers)) await rm(join(journal.#markers, key), { force: true });
    return journal;
  }

  get #file(): string {
    return join(this.#dependencies.folder, 'loads.json');
  }

  /** Contains a file for each model that is loading. */
  get #markers(): string {
    return join(this.#dependencies.folder, 'loading');
  }

  recordOf(key: string): LoadRecord {
    return this.#records.get(key) ?? EMPTY;
  }

  /**
   * Whether a gateway died while it was loading the model. Such a model is loaded last and alone, so that a second
   * death has one cause.
   */
  isSuspect(key: string): boolean {
    return this.recordOf(key).deaths > 0;
  }

  /** Ends a quarantine if a user has requested it since. Returns true if it did. */
  resume(key: string, resumes: number): boolean {
    const record = this.recordOf(key);
    if (record.resumes >= resumes) return false;
    this.#set(key, { ...EMPTY, resumes, isProven: record.isProven && record.quarantine === undefined });
    return record.quarantine !== undefined;
  }

  /** Records the start of a load. When it resolves, a death of this process is counted. */
  async start(key: string): Promise<void> {
    if (this.#isClosed) return;
    await writeFile(join(this.#markers, key), '');
  }

  async succeed(key: string, loadMs: number): Promise<void> {
    const record = this.recordOf(key);
    this.#set(key, { ...record, isProven: true, loadMs, deaths: 0 });
    await this.#saveAndUnmark(key);
  }

  /** Records a failed load without an abnormal end. */
  async fail(key: string): Promise<void> {
    const record = this.recordOf(key);
    if (record.deaths > 0) this.#set(key, { ...record, deaths: 0 });
    await this.#saveAndUnmark(key);
  }

  /**
   * Records that the process ended before the model passed its test prediction. Returns the reason if it is
   * quarantined.
   */
  async endWhileLoading(key: string, reason: string): Promise<string | undefined> {
    const quarantine = this.end(key, { reason, hasAnswered: false, isOwnError: true });
    await this.#saveAndUnmark(key);
    return quarantine;
  }

  /** Records the end of a process of the model. Returns the reason if the model is quarantined. */
  end(key: string, { reason, hasAnswered, isOwnError }: ProcessEnd): string | undefined {
    const now = this.#dependencies.clock.now();
    const record = this.recordOf(key);
    if (record.quarantine !== undefined) return record.quarantine.reason;
    const endsInRow = hasAnswered ? 1 : record.endsInRow + 1;
    const recent = record.endTimes.filter((at) => now - at < WINDOW_MS);
    const endTimes = isOwnError ? [...recent, now] : recent;
    const why =
      endsInRow >= MOST_IN_ROW
        ? `Its process ended abnormally ${endsInRow === 2 ? 'twice' : `${endsInRow} times`} in a row. Last error: ${reason}`
        : endTimes.length >= MOST_IN_WINDOW
          ? `Its process ended abnormally ${endTimes.length} times within ${WINDOW_MS / 60_000} minutes. Last error: ${reason}`
          : undefined;
    this.#set(key, {
      ...record,
      isProven: record.isProven && why === undefined,
      endsInRow,
      endTimes,
      deaths: 0,
      ...(why !== undefined && { quarantine: { reason: why, at: now } }),
    });
    return why;
  }

  /** Removes models that are in no snapshot. Quarantines are kept, because an alias may refer to the model again. */
  keepOnly(keys: ReadonlySet<string>): void {
    const absent = [...this.#records].filter(([key]) => !keys.has(key));
    const newest = absent
      .flatMap(([key, { quarantine }]) => (quarantine === undefined ? [] : [{ key, at: quarantine.at }]))
      .toSorted((a, b) => b.at - a.at)
      .slice(0, MOST_ABSENT);
    const retained = new Set(newest.map(({ key }) => key));
    for (const [key] of absent) {
      if (retained.has(key)) continue;
      this.#records.delete(key);
      this.#saveSoon();
    }
  }

  /** Call this on a regular shutdown: models that are still loading are not suspect. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing.catch(() => {});
    for (const key of await readdir(this.#markers)) await rm(join(this.#markers, key), { force: true });
  }

  async flush(): Promise<void> {
    await this.#writing;
  }

  #countDeath(key: string): void {
    const record = this.recordOf(key);
    const deaths = record.deaths + 1;
    const quarantine =
      deaths >= MOST_IN_ROW
        ? {
            reason: `The gateway ended ${deaths} times while it was loading the model.`,
            at: this.#dependencies.clock.now(),
          }
        : undefined;
    this.#records.set(key, { ...record, isProven: false, deaths, ...(quarantine !== undefined && { quarantine }) });
    this.#dependencies.log.warn('the gateway ended while it was loading a model', { key, deaths });
  }

  #set(key: string, record: JournalRecord): void {
    this.#records.set(key, record);
    this.#saveSoon();
  }

  #saveSoon(): void {
    void this.#save().catch((error: unknown) =>
      this.#dependencies.log.error('cannot write the load journal', { error }),
    );
  }

  async #saveAndUnmark(key: string): Promise<void> {
    // A gateway that cannot write continues; the marker then counts as one death.
    await this.#save().catch((error: unknown) => {
      this.#dependencies.log.error('cannot write the load journal', { error });
    });
    await rm(join(this.#markers, key), { force: true });
  }

  /** Combines several changes of one turn into one write. */
  async #save(): Promise<void> {
    if (!this.#isDirty) {
      this.#isDirty = true;
      const write = async () => {
        this.#isDirty = false;
        const draft = `${this.#file}.new`;
        await writeFile(draft, JSON.stringify({ v: 1, models: Object.fromEntries(this.#records) }), { mode: 0o600 });
        await rename(draft, this.#file);
      };
      this.#writing = this.#writing.then(write, write);
    }
    await this.#writing;
  }
}

/** Returns undefined if the text is not a valid journal. */
function readRecords(text: string): Map<string, JournalRecord> | undefined {
  try {
    const { v, models } = JSON.parse(text) as { v?: unknown; models?: Record<string, unknown> };
    const entries = Object.entries(models ?? {});
    if (v !== 1 || models === undefined || !entries.every(([, record]) => isRecord(record))) return undefined;
    return new Map(entries as [string, JournalRecord][]);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is JournalRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { resumes, isProven, loadMs = 0, endsInRow, endTimes, deaths, quarantine } = value as Partial<JournalRecord>;
  return (
    [resumes, loadMs, endsInRow, deaths].every(Number.isFinite) &&
    typeof isProven === 'boolean' &&
    Array.isArray(endTimes) &&
    endTimes.every(Number.isFinite) &&
    (quarantine === undefined || (typeof quarantine.reason === 'string' && Number.isFinite(quarantine.at)))
  );
}
