/**
 * Runs a batch prediction. Finished shards are content of the job: after a kill, the next attempt resumes with the
 * first unfinished one. The dataset version, its lineage and the end of the job share one transaction, so there is one
 * version or none.
 */
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { DaisError } from '@dais/api';
import type { DatasetVersion } from '@dais/api/data';
import type { Column, FileTable } from '#engines/query/contract.ts';
import { scan } from '#engines/query/model/build.ts';
import { attachContent } from '#kernel/content/references.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import { readVersion, requireUsable, tableOf, withLocalFiles } from '#ledgers/data/index.ts';
import type { ModelRow } from '#ledgers/serving/index.ts';
import { emitEnded } from '../job-lifecycle.ts';
import { requireFiles } from '../find-model.ts';
import { outputFileOf, contentOfJob, dropContent, fetchTo, REJECTS, rejectsOf, upload } from '../job-content.ts';
import {
  endJobRow,
  recordPhase,
  recordShard,
  recordSize,
  readShards,
  type JobRow,
  type ShardRow,
} from '../job-rows.ts';
import type { ModelJobsDependencies } from '../model-jobs-dependencies.ts';
import { withModel } from '../open-model.ts';
import { predictShard, planShards, type ShardWork, type Shard } from './shard-files.ts';

interface StartedBatch {
  readonly job: JobRow;
  readonly model: ModelRow;
  readonly version: DatasetVersion;
  readonly shards: readonly Shard[];
  readonly done: readonly ShardRow[];
}

/** @throws RowRefused, DaisError, QueryError. */
export async function runBatch(
  dependencies: ModelJobsDependencies,
  job: JobRow,
  folder: string,
  io: JobIo,
): Promise<void> {
  const begun = await io.write(async (tx): Promise<StartedBatch> => {
    const version = requireUsable(await readVersion(tx, job.request.data));
    const shards = planShards(version.files);
    await recordSize(tx, job.id, { shards: shards.length, rows: version.rows });
    return { job, version, shards, model: await requireFiles(tx, job.files), done: await readShards(tx, job.id) };
  });
  const done = new Set(begun.done.map(({ number }) => number));
  const left = begun.shards.filter(({ number }) => !done.has(number));
  if (left.length > 0) await predictAll(dependencies, begun, { left, folder, io });
  await store(dependencies, begun, folder, io);
}

async function predictAll(
  dependencies: ModelJobsDependencies,
  { job, model, version }: StartedBatch,
  { left, folder, io }: { readonly left: readonly Shard[]; readonly folder: string; readonly io: JobIo },
): Promise<void> {
  const phase = async (name: string) => await io.write(async (tx) => await recordPhase(tx, job.id, name));
  await phase('model');
  const note = (text: string) => io.progress({ phase: 'model', note: text });
  await withModel(dependencies, model, folder, { ...io, note }, async (hosted) => {
    hosted.check(job.request.inputs);
    await phase('predict');
    await withLocalFiles(dependencies.data, version, async (files) => {
      const table: FileTable = tableOf(version, files);
      const engine = await dependencies.query();
      const { request } = job;
      const work: ShardWork = {
        engine,
        model: hosted,
        version,
        table,
        request,
        folder,
        signal: io.signal,
        form: undefined,
      };
      for (const shard of left) {
        io.signal.throwIfAborted();
        await predictOne(dependencies, job, work, shard, io);
        io.progress({ phase: 'predict', shard: shard.number });
      }
    });
  });
}

async function predictOne(
  dependencies: ModelJobsDependencies,
  job: JobRow,
  work: ShardWork,
  shard: Shard,
  io: JobIo,
): Promise<void> {
  const { rows, problems, answers, rejects } = await predictShard(work, shard);
  const owner = contentOfJob(job);
  const entries: { readonly lease: string; readonly name: string }[] = [];
  if (answers !== undefined) {
    entries.push({ lease: await upload(dependencies, job.project_id, answers, io), name: outputFileOf(shard.number) });
  }
  if (rejects !== undefined) {
    entries.push({ lease: await upload(dependencies, job.project_id, rejects, io), name: rejectsOf(shard.number) });
  }
  await io.write(async (tx) => {
    if (entries.length > 0) await attachContent(tx, owner, entries, { replace: true });
    await recordShard(tx, job.id, { number: shard.number, rows, rejected: problems.length, problems });
  });
  await rm(join(work.folder, `shard-${shard.number}`), { recursive: true, force: true });
}

/** Stores all shards as one version. */
async function store(
  dependencies: ModelJobsDependencies,
  { job, model, version }: StartedBatch,
  folder: string,
  io: JobIo,
): Promise<void> {
  const { request } = job;
  const owner = contentOfJob(job);
  const shards = await io.write(async (tx) => {
    await recordPhase(tx, job.id, 'store');
    return await readShards(tx, job.id);
  });
  const rows = shards.reduce((sum, shard) => sum + Number(shard.rows), 0);
  if (rows === 0) {
    const why = version.rows === 0 ? 'the dataset has no rows' : 'the model rejected all rows';
    throw new DaisError('invalid_request', `No predictions were made for ${request.dataName}: ${why}.`);
  }
  const paths: string[] = [];
  for (const { number } of shards.filter((shard) => shard.rows > 0n)) {
    const path = join(folder, outputFileOf(number));
    await fetchTo(dependencies, owner, outputFileOf(number), path);
    paths.push(path);
  }
  const engine = await dependencies.query();
  const files = paths.map((path) => ({ path, format: 'parquet' as const }));
  const { columns } = await engine.describe({ files: files.slice(0, 1) }, { signal: io.signal });
  const typed: readonly Column[] = columns.map(({ name, type }) => ({ name, type }));
  const rejects = await joinRejects(dependencies, job, { shards, folder, io });
  const marks = await io.read(async (tx) => {
    const requested = new Set(request.columns);
    return (await dependencies.marks(tx, version.dataset)).filter((mark) => requested.has(mark.column));
  });
  const keys = version.keys.every((key) => request.columns.includes(key)) ? version.keys : [];
  const { eventTime } = version;
  const spec = {
    description: `Predictions of ${model.label} for ${version.dataset}.`,
    ...(keys.length > 0 && { keys }),
    ...(eventTime !== undefined && request.columns.includes(eventTime) && { eventTime }),
    ...(marks.length > 0 && { sensitive: marks }),
  };
  await dependencies.maker.make(
    {
      projectId: job.project_id,
      dataset: request.out,
      ensure: { origin: 'manifest', spec },
      tables: { answers: { files, columns: typed } },
      query: scan('answers'),
      expectedRows: rows,
      source: { type: 'predictions', versions: [request.data] },
      parents: model.lineage_key === null ? [] : [model.lineage_key],
      message: `Predicted by ${model.label} for ${request.dataName}.`,
      by: job.created_by,
    },
    { signal: io.signal, write: async (work) => await io.write(work) },
    async (tx, { version: made, unchanged }) => {
      if (rejects !== undefined) await attachContent(tx, owner, [{ lease: rejects, name: REJECTS }], { replace: true });
      const result = { version: made.number, versionId: made.id, rows: made.rows, unchanged };
      const ended = await endJobRow(tx, job.id, { state: 'succeeded', now: dependencies.clock.now(), result });
      if (ended === undefined) throw new Error('the job has already ended');
      await dropContent(tx, owner, [REJECTS]);
      emitEnded(tx, ended);
    },
  );
}

/** The rejected rows of all shards, in row order. */
async function joinRejects(
  dependencies: ModelJobsDependencies,
  job: JobRow,
  { shards, folder, io }: { readonly shards: readonly ShardRow[]; readonly folder: string; readonly io: JobIo },
): Promise<string | undefined> {
  const with_ = shards.filter(({ rejected }) => rejected > 0n);
  if (with_.length === 0) return undefined;
  const path = join(folder, REJECTS);
  await rm(path, { force: true });
  await appendFile(path, '', { mode: 0o600 });
  for (const { number } of with_) {
    const part = join(folder, rejectsOf(number));
    await fetchTo(dependencies, contentOfJob(job), rejectsOf(number), part);
    await pipeline(createReadStream(part), createWriteStream(path, { flags: 'a' }));
  }
  return await upload(dependencies, job.project_id, path, io);
}
