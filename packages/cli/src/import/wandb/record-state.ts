/** What the records of one run say about it. */
import type { RunStatus } from '@dais/api/tracking';
import { LatestPoints, millisecondsOf, SYSTEM, type LogPoint } from '../run-logs/log-metrics.ts';
import { PairList, plainText } from '../run-logs/log-text.ts';
import type { Pairs } from '../source.ts';
import { isIn, isMap, mediaIn, pointsOfRow } from './history.ts';
import type { Item, RunRecord, WandbRecord } from './record.ts';

const MOST_SUMMARY_VALUES = 100_000;

/** Values by their whole names. */
class Values {
  readonly #values = new Map<string, { readonly path: readonly string[]; readonly value: unknown }>();

  set(items: readonly Item[]): void {
    for (const { path, value } of items) {
      const key = path.join('.');
      if (this.#values.size < MOST_SUMMARY_VALUES || this.#values.has(key)) this.#values.set(key, { path, value });
    }
  }

  remove(items: readonly Item[]): void {
    for (const { path } of items) this.#values.delete(path.join('.'));
  }

  *entries(): Generator<Item> {
    yield* this.#values.values();
  }
}

export class RecordState {
  run: RunRecord | undefined;
  readonly latest = new LatestPoints();
  readonly #config = new Values();
  readonly #summary = new Values();
  #samples = 0;
  #exit: { readonly code: number; readonly seconds: number } | undefined;
  #environment = { program: '', user: '', commit: '' };
  omittedParams = 0;

  /** Adds a record and returns its points. */
  add(record: WandbRecord): readonly LogPoint[] {
    const points = [...this.#pointsOf(record)];
    for (const point of points) this.latest.add(point);
    this.#addFields(record);
    return points;
  }

  #addFields(record: WandbRecord): void {
    if (record.kind === 'run') {
      this.run = mergeRuns(this.run, record.run);
      // Resumed after its end.
      this.#exit = undefined;
      this.#config.set(record.run.config);
    } else if (record.kind === 'config' || record.kind === 'summary') {
      const values = record.kind === 'config' ? this.#config : this.#summary;
      values.set(record.set);
      values.remove(record.removed);
    } else if (record.kind === 'environment') {
      const { program, user, commit } = this.#environment;
      // Several processes of a run write one each; the first is the one that the user started.
      this.#environment = {
        program: program || record.program,
        user: user || record.user,
        commit: commit || record.commit,
      };
    } else if (record.kind === 'exit') this.#exit = record;
  }

  /** Points of system metrics count samples as their steps, as MLflow does. */
  *#pointsOf(record: WandbRecord): Generator<LogPoint> {
    if (record.kind === 'history') yield* pointsOfRow(record.items, record.step);
    else if (record.kind === 'stats') {
      const step = this.#samples++;
      const timestamp = millisecondsOf(record.at);
      for (const { path, value } of record.items) {
        if (typeof value === 'number') yield { key: `${SYSTEM}${path.join('.')}`, step, timestamp, value };
      }
    }
  }

  /** Values of the summary that no history has, as one point each. */
  *summaryPoints(): Generator<LogPoint> {
    const [step, timestamp] = [this.latest.lastStep, this.latest.lastAt];
    for (const { path, value } of this.#plainSummary()) {
      const key = path.join('.');
      if (typeof value === 'number' && this.latest.get(key) === undefined) yield { key, step, timestamp, value };
    }
  }

  /** Without media and what W&B adds itself. */
  *#plainSummary(): Generator<Item> {
    const media = mediaIn(this.#summary.entries());
    for (const item of this.#summary.entries()) {
      const isInternal = item.path[0]?.startsWith('_') ?? true;
      if (!isInternal && !isIn(media, item.path) && !(isMap(item.value) && '_type' in item.value)) yield item;
    }
  }

  status(isRecent: boolean): RunStatus {
    if (this.#exit === undefined) return isRecent ? 'RUNNING' : 'FAILED';
    return this.#exit.code === 0 ? 'FINISHED' : 'FAILED';
  }

  get startedAt(): number {
    return millisecondsOf(this.run?.startedAt ?? 0);
  }

  get endedAt(): number {
    const runtime = (this.#exit?.seconds ?? 0) * 1000;
    return Math.max(this.latest.lastAt, this.startedAt + runtime);
  }

  get user(): string {
    return this.#environment.user;
  }

  params(): Pairs {
    const pairs = new PairList();
    for (const { path, value } of this.#config.entries()) {
      if (path[0] !== '_wandb') pairs.setNested(path.join('.'), value);
    }
    this.omittedParams = pairs.omitted;
    return pairs.all();
  }

  tags(): Pairs {
    const pairs = new PairList();
    const filled = (key: string, value: string) => value !== '' && pairs.set(key, value);
    const { run } = this;
    filled('mlflow.runName', (run?.name || run?.id) ?? '');
    filled('mlflow.note.content', run?.notes ?? '');
    filled('mlflow.source.name', this.#environment.program);
    filled('mlflow.source.git.commit', run?.gitCommit || this.#environment.commit);
    filled('mlflow.source.git.repoURL', run?.gitUrl ?? '');
    filled('wandb.run_id', run?.id ?? '');
    filled('wandb.project', run?.project ?? '');
    filled('wandb.entity', run?.entity ?? '');
    filled('wandb.group', run?.group ?? '');
    filled('wandb.job_type', run?.jobType ?? '');
    filled('wandb.sweep_id', run?.sweepId ?? '');
    filled('wandb.host', run?.host ?? '');
    for (const tag of run?.tags ?? []) pairs.set(`wandb.tag.${tag}`, 'true');
    for (const { path, value } of this.#plainSummary()) {
      const key = path.join('.');
      const number = typeof value === 'boolean' ? Number(value) : value;
      const shown = this.latest.get(key)?.value;
      // A number without a history becomes a point when the run ends.
      const isShown = typeof number === 'number' && (shown === undefined || isSame(shown, number));
      if (!isShown && value !== null && value !== undefined) pairs.set(`wandb.summary.${key}`, plainText(value));
    }
    return pairs.all();
  }
}

/** A run that was resumed has another record. What it leaves out stays, and the start is the first one. */
function mergeRuns(before: RunRecord | undefined, later: RunRecord): RunRecord {
  if (before === undefined) return later;
  const filled = Object.entries(later).filter(
    ([, value]) => value !== '' && value !== 0 && (value as string | []).length !== 0,
  );
  return {
    ...before,
    ...(Object.fromEntries(filled) as Partial<RunRecord>),
    startedAt: before.startedAt || later.startedAt,
  };
}

const isSame = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));
