/** Exports a project as a folder that a stock `mlflow server` opens: `mlflow.db` and `artifacts`. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { Transform, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { DaisError, type DaisClient } from '@dais/api';
import { readArtifactOperation, type Experiment, type Run } from '@dais/api/tracking';
import { barText } from '#output/progress-bar.ts';
import { DaisSource } from './dais-source.ts';
import { MlflowStore } from './mlflow-store.ts';
import { putDataset, putRecord, putScorer } from './evaluation-rows.ts';
import { putExperiment, putLoggedModel, putModel, putPoint, putRun, putVersion } from './store-rows.ts';
import { putSpan, putTrace } from './trace-rows.ts';

export interface ExportDependencies {
  readonly client: DaisClient;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly progress: (text: string) => void;
}

const COUNTED = [
  'experiments',
  'runs',
  'points',
  'loggedModels',
  'traces',
  'spans',
  'models',
  'versions',
  'evaluationDatasets',
  'records',
  'scorers',
  'files',
  'bytes',
] as const;
export type ExportCounts = Record<(typeof COUNTED)[number], number>;

/** Points in one transaction. */
const POINTS_TOGETHER = 50_000;

/**
 * @throws DaisError `invalid_state` when the folder has no MLflow store, `digest_mismatch`.
 */
export async function exportProject(dependencies: ExportDependencies): Promise<ExportCounts> {
  const { client, folder, signal } = dependencies;
  const source = new DaisSource(client, signal);
  const counts = Object.fromEntries(COUNTED.map((one) => [one, 0])) as ExportCounts;
  const store = await MlflowStore.open(join(folder, 'mlflow.db'));
  try {
    const experiments: Experiment[] = [];
    for await (const experiment of source.experiments()) experiments.push(experiment);
    store.together(() => experiments.forEach((experiment) => putExperiment(store, experiment)));
    counts.experiments = experiments.length;
    for (const { id } of experiments) {
      for await (const run of source.runs(id)) {
        counts.points += await exportRun(source, store, run);
        counts.runs += 1;
        dependencies.progress(`${counts.runs} runs with ${counts.points} points written`);
      }
      for await (const model of source.loggedModels(id)) {
        store.together(() => putLoggedModel(store, model));
        counts.loggedModels += 1;
      }
      for await (const { trace, links } of source.traces(id)) {
        const spans = await allOf(source.spans(trace.id));
        store.together(() => {
          putTrace(store, trace, links);
          for (const span of spans) putSpan(store, trace, span);
        });
        counts.traces += 1;
        counts.spans += spans.length;
        dependencies.progress(`${counts.traces} traces with ${counts.spans} spans written`);
      }
    }
    for await (const model of source.models()) {
      store.together(() => putModel(store, model));
      counts.models += 1;
    }
    for await (const version of source.versions()) {
      store.together(() => putVersion(store, version));
      counts.versions += 1;
    }
    await exportEvaluation(source, store, counts);
  } finally {
    store.close();
  }
  await copyFiles(source, dependencies, counts);
  return counts;
}

async function exportEvaluation(source: DaisSource, store: MlflowStore, counts: ExportCounts): Promise<void> {
  for await (const dataset of source.evaluationDatasets()) {
    store.together(() => putDataset(store, dataset));
    counts.evaluationDatasets += 1;
    const records = await allOf(source.evaluationRecords(dataset.id));
    store.together(() => records.forEach((record) => putRecord(store, dataset.id, record)));
    counts.records += records.length;
  }
  for await (const scorer of source.scorers()) {
    store.together(() => putScorer(store, scorer));
    counts.scorers += 1;
  }
}

async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Returns the number of points. */
async function exportRun(source: DaisSource, store: MlflowStore, run: Run): Promise<number> {
  store.together(() => putRun(store, run));
  let total = 0;
  for (const { key } of run.metrics) {
    let waiting: Parameters<typeof putPoint>[4][] = [];
    const flush = () => {
      store.together(() => waiting.forEach((point) => putPoint(store, 'metrics', run.id, key, point)));
      total += waiting.length;
      waiting = [];
    };
    for await (const point of source.history(run.id, key)) {
      waiting.push(point);
      if (waiting.length === POINTS_TOGETHER) flush();
    }
    flush();
  }
  return total;
}

async function copyFiles(source: DaisSource, dependencies: ExportDependencies, counts: ExportCounts): Promise<void> {
  const { folder, signal, now, progress } = dependencies;
  const root = resolve(folder, 'artifacts');
  const startedAt = now();
  const files: { readonly path: string; readonly size: number }[] = [];
  for await (const file of source.files()) files.push(file);
  for (const { path, size } of files) {
    signal.throwIfAborted();
    const target = resolve(root, path);
    if (!target.startsWith(`${root}${sep}`)) throw new DaisError('unsafe_path', `${path} is outside of ${root}.`);
    if ((await sizeOf(target)) !== size) await copyFile(source, path, target, signal);
    counts.files += 1;
    counts.bytes += size;
    const elapsedMs = now() - startedAt;
    progress(barText({ what: 'files', done: counts.files, total: files.length, bytes: counts.bytes, elapsedMs }));
  }
}

async function copyFile(source: DaisSource, path: string, target: string, signal: AbortSignal): Promise<void> {
  const { bytes, tag } = await source.client.download(readArtifactOperation, { path }, { signal });
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(Readable.fromWeb(bytes as ReadableStream), hashed, createWriteStream(partial, { flush: true }), {
      signal,
    });
    const got = hash.digest('hex');
    if (tag !== undefined && tag !== got) {
      throw new DaisError('digest_mismatch', `${path} has digest ${got}, expected ${tag}.`);
    }
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  return await stat(file).then(
    (found) => found.size,
    () => undefined,
  );
}
