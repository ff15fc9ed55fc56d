/** A file store of MLflow (`mlruns`), read without a server. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { EvaluationRecord, LoggedModelStatus, RunStatus, Span } from '@dais/api/tracking';
import type { LocalFiles } from '../local-files.ts';
import { NO_POINTS, type FileOwner, type PointColumns, type SourceExperiment, type SourceFile } from '../source.ts';
import type { SourceLoggedModel, SourceModel, SourceModelMetric, SourceReport, SourceRun } from '../source.ts';
import type { SourceTrace, SourceVersion, TrackingSource } from '../source.ts';
import type { Problem } from '../tally.ts';
import { isLater, metricLines, type MetricLine } from './metric-lines.ts';
import { fileTraceOf, spansOfTrace } from './file-traces.ts';
import { runLinks } from './run-links.ts';
import {
  foldersIn,
  isDeleted,
  keysIn,
  metaNumber,
  metaOf,
  metaText,
  pairsIn,
  textOf,
  type Meta,
} from './store-files.ts';

const POINTS = 50_000;
const TRASH = '.trash';
const MODELS = 'models';
/** Folders of an experiment that are not runs. */
const NOT_RUNS = new Set(['tags', 'datasets', 'traces', MODELS, TRASH]);
const RUN_STATUS: Readonly<Record<number, RunStatus>> = {
  1: 'RUNNING',
  2: 'SCHEDULED',
  3: 'FINISHED',
  4: 'FAILED',
  5: 'KILLED',
};
const MODEL_STATUS: Readonly<Record<number, LoggedModelStatus>> = { 1: 'PENDING', 2: 'READY', 3: 'UPLOAD_FAILED' };
const DELETED_VERSION = 'Deleted_Internal';

/** @throws DaisError `invalid_request` when the folder is not a file store */
export async function fileSource(folder: string, files: LocalFiles): Promise<TrackingSource> {
  const source = new FileSource(folder, files);
  for await (const _experiment of source.experiments()) return source;
  const detail = `${folder} is not an MLflow file store: no subfolder has a meta.yaml of an experiment. Give the folder that is named mlruns.`;
  throw new DaisError('invalid_request', detail);
}

class FileSource implements TrackingSource {
  readonly name: string;
  readonly repeatsPoints = true;
  readonly #root: string;
  readonly #files: LocalFiles;
  /** Folders of experiments, runs, logged models and traces by their ids. */
  readonly #folders = new Map<string, string>();
  /** Bytes of metric files when their run was read: a running training appends to them. */
  readonly #sizes = new Map<string, number>();
  #problems = new Map<string, Problem>();

  constructor(root: string, files: LocalFiles) {
    this.#root = root;
    this.#files = files;
    this.name = `file://${root}`;
  }

  async *experiments(): AsyncGenerator<SourceExperiment> {
    this.#problems = new Map();
    for (const parent of [this.#root, join(this.#root, TRASH)]) {
      for (const name of await foldersIn(parent)) {
        const folder = join(parent, name);
        if (name === TRASH || (parent === this.#root && name === MODELS)) continue;
        const meta = await this.#metaOf(folder, `experiment ${name}`);
        const id = meta === undefined ? '' : metaText(meta, 'experiment_id');
        if (meta === undefined || id === '') continue;
        this.#folders.set(`experiment ${id}`, folder);
        yield {
          id,
          name: metaText(meta, 'name'),
          artifactUri: metaText(meta, 'artifact_location'),
          createdAt: metaNumber(meta, 'creation_time'),
          updatedAt: metaNumber(meta, 'last_update_time'),
          deleted: isDeleted(meta),
          tags: await pairsIn(join(folder, 'tags')),
        };
      }
    }
  }

  async *runs(experimentId: string): AsyncGenerator<SourceRun> {
    const parent = this.#folderOf('experiment', experimentId);
    for (const name of await foldersIn(parent)) {
      if (NOT_RUNS.has(name)) continue;
      const what = `run ${name}`;
      const meta = await this.#metaOf(join(parent, name), what);
      if (meta === undefined) continue;
      const run = await this.#orProblem(what, async () => await this.#runOf(parent, join(parent, name), meta));
      if (run !== undefined) yield run;
    }
  }

  async #runOf(parent: string, folder: string, meta: Meta): Promise<SourceRun> {
    const id = metaText(meta, 'run_id') || metaText(meta, 'run_uuid');
    this.#folders.set(`run ${id}`, folder);
    const endedAt = metaNumber(meta, 'end_time');
    const tags = await pairsIn(join(folder, 'tags'));
    return {
      id,
      name: metaText(meta, 'run_name') || (tags['mlflow.runName'] ?? ''),
      user: metaText(meta, 'user_id'),
      status: RUN_STATUS[metaNumber(meta, 'status')] ?? 'FINISHED',
      startedAt: metaNumber(meta, 'start_time'),
      ...(endedAt !== 0 && { endedAt }),
      deleted: isDeleted(meta),
      artifactUri: metaText(meta, 'artifact_uri'),
      params: await pairsIn(join(folder, 'params')),
      tags,
      metrics: await this.#latestMetrics(id, join(folder, 'metrics')),
      ...(await runLinks(parent, folder)),
    };
  }

  async #latestMetrics(runId: string, folder: string): Promise<SourceRun['metrics']> {
    const metrics: SourceRun['metrics'][number][] = [];
    for (const key of await keysIn(folder)) {
      const path = join(folder, key);
      const { size } = await lstat(path);
      this.#sizes.set(`${runId} ${key}`, size);
      let latest: MetricLine | undefined;
      for await (const line of metricLines(path, size)) {
        if (latest === undefined || isLater(line, latest)) latest = line;
      }
      if (latest === undefined) continue;
      const { value, timestamp, step } = latest;
      metrics.push({ key, value, timestamp, step });
    }
    return metrics;
  }

  async *history(runId: string, key: string): AsyncGenerator<PointColumns> {
    const path = join(this.#folderOf('run', runId), 'metrics', key);
    let points = NO_POINTS();
    for await (const { step, timestamp, value } of metricLines(path, this.#sizes.get(`${runId} ${key}`))) {
      points.steps.push(step);
      points.timestamps.push(timestamp);
      points.values.push(value);
      if (points.steps.length < POINTS) continue;
      yield points;
      points = NO_POINTS();
    }
    if (points.steps.length > 0) yield points;
  }

  async *loggedModels(experimentId: string): AsyncGenerator<SourceLoggedModel> {
    const parent = join(this.#folderOf('experiment', experimentId), MODELS);
    for (const name of await foldersIn(parent)) {
      const folder = join(parent, name);
      const what = `logged model ${name}`;
      const meta = await this.#metaOf(folder, what);
      if (meta === undefined) continue;
      const model = await this.#orProblem(what, async () => await loggedModelOf(folder, meta));
      if (model !== undefined) yield model;
    }
  }

  async *models(): AsyncGenerator<SourceModel> {
    for (const name of await foldersIn(join(this.#root, MODELS))) {
      const folder = join(this.#root, MODELS, name);
      const meta = await this.#metaOf(folder, `registered model ${name}`);
      if (meta === undefined) continue;
      const aliases: [string, number][] = [];
      for (const alias of await keysIn(join(folder, 'aliases'))) {
        aliases.push([alias, Number(await textOf(join(folder, 'aliases', alias)))]);
      }
      this.#folders.set(`model ${metaText(meta, 'name')}`, folder);
      yield {
        name: metaText(meta, 'name'),
        description: metaText(meta, 'description'),
        createdAt: metaNumber(meta, 'creation_timestamp'),
        updatedAt: metaNumber(meta, 'last_updated_timestamp'),
        tags: await pairsIn(join(folder, 'tags')),
        aliases: Object.fromEntries(aliases),
      };
    }
  }

  async *versions(model: string): AsyncGenerator<SourceVersion> {
    const parent = this.#folderOf('model', model);
    for (const name of await foldersIn(parent)) {
      if (!name.startsWith('version-')) continue;
      const folder = join(parent, name);
      const meta = await this.#metaOf(folder, `model version ${model}/${name.slice(8)}`);
      if (meta === undefined || meta['current_stage'] === DELETED_VERSION) continue;
      yield {
        name: model,
        version: metaNumber(meta, 'version'),
        description: metaText(meta, 'description'),
        createdAt: metaNumber(meta, 'creation_timestamp'),
        updatedAt: metaNumber(meta, 'last_updated_timestamp'),
        stage: metaText(meta, 'current_stage') || 'None',
        source: metaText(meta, 'source'),
        ...filled('runId', metaText(meta, 'run_id')),
        ...filled('loggedModelId', metaText(meta, 'model_id')),
        ...filled('runLink', metaText(meta, 'run_link')),
        tags: await pairsIn(join(folder, 'tags')),
      };
    }
  }

  async *traces(experiment: SourceExperiment): AsyncGenerator<SourceTrace> {
    const parent = join(this.#folderOf('experiment', experiment.id), 'traces');
    for (const name of await foldersIn(parent)) {
      const what = `trace ${name}`;
      const trace = await this.#orProblem(what, async () => await fileTraceOf(join(parent, name)));
      if (trace !== undefined) yield trace;
    }
  }

  async spans(trace: SourceTrace): Promise<Span[]> {
    return await spansOfTrace(this.#files, trace);
  }

  /** A file store of MLflow has neither evaluation datasets nor scorers. */
  async *evaluationDatasets(): AsyncGenerator<never> {}
  async *evaluationRecords(): AsyncGenerator<EvaluationRecord[]> {}
  async *scorers(): AsyncGenerator<never> {}

  async *files(owner: FileOwner): AsyncGenerator<SourceFile> {
    yield* this.#files.list(owner.artifactUri);
  }

  async open(owner: FileOwner, path: string): Promise<Readable> {
    return await this.#files.open(owner.artifactUri, path);
  }

  report(): SourceReport {
    return { problems: [...this.#problems.values()], notes: [] };
  }

  async close(): Promise<void> {}

  #folderOf(kind: string, id: string): string {
    const folder = this.#folders.get(`${kind} ${id}`);
    if (folder === undefined) throw new DaisError('not_found', `${this.#root} has no ${kind} ${id}.`);
    return folder;
  }

  async #metaOf(folder: string, what: string): Promise<Meta | undefined> {
    return await this.#orProblem(what, async () => await metaOf(folder));
  }

  /** A damaged object does not prevent the import of the others. */
  async #orProblem<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      this.#problems.set(what, { what, why: (error as Error).message });
      return undefined;
    }
  }
}

async function loggedModelOf(folder: string, meta: Meta): Promise<SourceLoggedModel> {
  const metrics: SourceModelMetric[] = [];
  for (const key of await keysIn(join(folder, 'metrics'))) {
    for await (const { rest, ...point } of metricLines(join(folder, 'metrics', key))) {
      const [runId = '', datasetName = '', datasetDigest = ''] = rest;
      metrics.push({
        ...point,
        key,
        runId,
        ...filled('datasetName', datasetName),
        ...filled('datasetDigest', datasetDigest),
      });
    }
  }
  return {
    id: metaText(meta, 'model_id'),
    name: metaText(meta, 'name'),
    ...filled('type', metaText(meta, 'model_type')),
    ...filled('sourceRunId', metaText(meta, 'source_run_id')),
    status: MODEL_STATUS[metaNumber(meta, 'status')] ?? 'READY',
    ...filled('statusMessage', metaText(meta, 'status_message')),
    createdAt: metaNumber(meta, 'creation_timestamp'),
    updatedAt: metaNumber(meta, 'last_updated_timestamp'),
    deleted: isDeleted(meta),
    artifactUri: metaText(meta, 'artifact_location'),
    params: await pairsIn(join(folder, 'params')),
    tags: await pairsIn(join(folder, 'tags')),
    metrics,
  };
}

const filled = <Name extends string>(name: Name, value: string) =>
  (value === '' ? {} : { [name]: value }) as { readonly [N in Name]?: string };
