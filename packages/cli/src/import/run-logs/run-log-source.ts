/** Runs that tools logged into files, as a tracking source: they have no models, traces and datasets. */
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { EvaluationRecord, Span } from '@dais/api/tracking';
import type { Problem } from '../tally.ts';
import type { FileOwner, Series, SourceExperiment, SourceFile, SourceReport, SourceRun } from '../source.ts';
import type { TrackingSource } from '../source.ts';
import type { LogFile } from './log-file.ts';

/** Files that make up one run, or one exported file with several runs. */
export interface RunLog {
  /** Identifies the log within the source. */
  readonly name: string;
  readonly files: readonly LogFile[];
}

export interface LoggedFile extends SourceFile {
  open(): Promise<Readable>;
}

export interface LoggedRun {
  readonly experiment: string;
  readonly run: SourceRun;
  readonly files: readonly LoggedFile[];
  histories(): AsyncIterable<Series>;
}

export interface ReadLog {
  readonly runs: readonly LoggedRun[];
  /** Content that is not imported. The exit code of the import reports it. */
  readonly problems: readonly Problem[];
  /** What a user may want to know about a log that is imported. */
  readonly notes: readonly string[];
}

export interface RunLogFormat {
  /** Names the tool in the records of imports. */
  readonly name: string;
  find(): Promise<readonly RunLog[]>;
  /** Reads all of a log and keeps no points. @throws DaisError when nothing of it can be imported */
  read(log: RunLog): Promise<ReadLog>;
}

export class RunLogSource implements TrackingSource {
  readonly repeatsPoints = true;
  readonly #format: RunLogFormat;
  readonly #progress: (text: string) => void;
  readonly #read = new Map<string, { readonly state: string; readonly log: ReadLog }>();
  #runs = new Map<string, LoggedRun>();
  #report: { problems: Problem[]; notes: string[] } = { problems: [], notes: [] };

  constructor(format: RunLogFormat, progress: (text: string) => void) {
    this.#format = format;
    this.#progress = progress;
  }

  get name(): string {
    return this.#format.name;
  }

  /** Reads what changed since the round before. */
  async *experiments(): AsyncGenerator<SourceExperiment> {
    await this.#readAll();
    const first = new Map<string, number>();
    for (const { experiment, run } of this.#runs.values()) {
      first.set(experiment, Math.min(first.get(experiment) ?? Infinity, run.startedAt));
    }
    for (const [name, createdAt] of first) {
      // The default experiment of an MLflow server has the id 0; names of logs mean no such thing.
      const id = `name:${name}`;
      yield { id, name, artifactUri: id, createdAt, updatedAt: createdAt, deleted: false, tags: {} };
    }
  }

  async #readAll(): Promise<void> {
    const logs = await this.#format.find();
    this.#runs = new Map();
    this.#report = { problems: [], notes: [] };
    let done = 0;
    for (const log of logs) {
      this.#progress(`reading logs: ${done++} of ${logs.length}, ${log.name}`);
      try {
        const { runs, problems, notes } = await this.#readOne(log);
        this.#report.problems.push(...problems);
        this.#report.notes.push(...notes);
        for (const run of runs) this.#runs.set(run.run.id, run);
      } catch (error) {
        if (!(error instanceof DaisError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
        this.#report.problems.push({ what: log.name, why: (error as Error).message });
      }
    }
  }

  async #readOne(log: RunLog): Promise<ReadLog> {
    const state = JSON.stringify(log.files);
    const before = this.#read.get(log.name);
    // Time alone can end a run in progress.
    const isEnded = before?.log.runs.every(({ run }) => run.status !== 'RUNNING') === true;
    if (before?.state === state && isEnded) return before.log;
    const read = await this.#format.read(log);
    this.#read.set(log.name, { state, log: read });
    return read;
  }

  async *runs(experimentId: string): AsyncGenerator<SourceRun> {
    for (const { experiment, run } of this.#runs.values()) if (`name:${experiment}` === experimentId) yield run;
  }

  histories(run: SourceRun): AsyncIterable<Series> {
    return this.#of(run.id).histories();
  }

  async *history(runId: string, key: string): AsyncGenerator<Series> {
    for await (const series of this.#of(runId).histories()) if (series.key === key) yield series;
  }

  async *files({ id }: FileOwner): AsyncGenerator<SourceFile> {
    for (const { path, size } of this.#of(id).files) yield { path, size };
  }

  async open({ id }: FileOwner, path: string): Promise<Readable> {
    const file = this.#of(id).files.find((one) => one.path === path);
    if (file === undefined) throw new DaisError('not_found', `The log of run ${id} has no file ${path}.`);
    return await file.open();
  }

  report(): SourceReport {
    return this.#report;
  }

  #of(id: string): LoggedRun {
    const run = this.#runs.get(id);
    if (run === undefined) throw new DaisError('not_found', `The log of run ${id} does not exist any more.`);
    return run;
  }

  async *loggedModels(): AsyncGenerator<never> {}
  async *models(): AsyncGenerator<never> {}
  async *versions(): AsyncGenerator<never> {}
  async *traces(): AsyncGenerator<never> {}
  async *evaluationDatasets(): AsyncGenerator<never> {}
  async *evaluationRecords(): AsyncGenerator<EvaluationRecord[]> {}
  async *scorers(): AsyncGenerator<never> {}

  async spans(): Promise<Span[]> {
    return [];
  }

  async close(): Promise<void> {}
}
