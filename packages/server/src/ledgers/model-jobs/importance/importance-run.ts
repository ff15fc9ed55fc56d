/** Computes feature importance: the mean absolute Shapley value of each column over a random sample of rows. */
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { DatasetVersion } from '@dais/api/data';
import type { Cell } from '#engines/query/contract.ts';
import { column, named, scan } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import { readVersion, requireUsable, tableOf, withLocalFiles } from '#ledgers/data/index.ts';
import { readJsonLines } from '#lib/formats/json-lines.ts';
import { emitEnded } from '../job-lifecycle.ts';
import { requireFiles } from '../find-model.ts';
import type { HostedExplanation, ExplainableModel, HostedTable } from '../hosted-model.ts';
import { tableOfRows } from '../batch/predict-rows.ts';
import { endJobRow, recordPhase, recordShard, recordSize, type JobRow } from '../job-rows.ts';
import type { ModelJobsDependencies } from '../model-jobs-dependencies.ts';
import { withExplainable } from '../open-model.ts';
import { AttributionSizes, rowsAtOnce } from './attribution-sizes.ts';
import { storeImportance, type NewImportance } from './importance-rows.ts';
import type { ImportanceRequest } from './start-importance.ts';

export async function runImportance(
  dependencies: ModelJobsDependencies,
  job: JobRow<ImportanceRequest>,
  folder: string,
  io: JobIo,
): Promise<void> {
  const { request } = job;
  const { version, model } = await io.write(async (tx) => {
    const found = requireUsable(await readVersion(tx, request.data));
    await recordSize(tx, job.id, { shards: 1, rows: Math.min(found.rows, request.sample) });
    await recordPhase(tx, job.id, 'model');
    return { version: found, model: await requireFiles(tx, job.files) };
  });
  const note = (text: string) => io.progress({ phase: 'model', note: text });
  const made = await withExplainable(dependencies, model, folder, { ...io, note }, async (hosted) => {
    await hosted.check(request.inputs);
    await io.write(async (tx) => await recordPhase(tx, job.id, 'explain'));
    const draw = async (rows: number, seed: number) =>
      await drawn(dependencies, { version, request, folder, io }, rows, seed);
    const background = await draw(request.background, request.seed + 1);
    const sample = await draw(request.sample, request.seed);
    return await explainAll(hosted, { sample, background, request, version }, io);
  });
  await io.write(async (tx) => {
    const now = dependencies.clock.now();
    await recordShard(tx, job.id, { number: 0, rows: made.sample, rejected: 0, problems: [] });
    await storeImportance(tx, job, made, now);
    const ended = await endJobRow(tx, job.id, { state: 'succeeded', now, result: { ...made } });
    if (ended === undefined) throw new Error('the job has already ended');
    emitEnded(tx, ended);
  });
}

interface Drawing {
  readonly version: DatasetVersion;
  readonly request: ImportanceRequest;
  readonly folder: string;
  readonly io: JobIo;
}

type Rows = readonly (readonly Cell[])[];

/** Samples rows of the version; reproducible by the seed. */
async function drawn(
  dependencies: ModelJobsDependencies,
  { version, request, folder, io }: Drawing,
  rows: number,
  seed: number,
): Promise<Rows> {
  const path = join(folder, `drawn-${seed}.ndjson`);
  const engine = await dependencies.query();
  const all: Relation = scan('rows');
  const from: Relation = version.rows <= rows ? all : { type: 'sample', from: all, size: { rows }, seed };
  await withLocalFiles(dependencies.data, version, async (files) => {
    await engine.run(
      {
        tables: { rows: tableOf(version, files) },
        query: { type: 'project', from, columns: request.inputs.map((name) => named(name, column(name))) },
        output: { type: 'ndjson', path },
        owner: version.project,
      },
      { signal: io.signal },
    );
  });
  const found: (readonly Cell[])[] = [];
  const lines = readJsonLines<readonly Cell[]>([path], { batch: 1000, skip: 0, signal: io.signal });
  for await (const part of lines) found.push(...part);
  return found;
}

interface Explaining {
  readonly sample: Rows;
  readonly background: Rows;
  readonly request: ImportanceRequest;
  readonly version: DatasetVersion;
}

async function explainAll(
  model: ExplainableModel,
  { sample, background, request, version }: Explaining,
  io: JobIo,
): Promise<NewImportance> {
  const types = new Map(version.schema.columns.map(({ name, type }) => [name, type]));
  const columns = request.inputs.map((name) => ({ name, type: types.get(name) ?? 'string' }));
  const table = (rows: Rows): HostedTable => tableOfRows(columns, rows);
  const others = table(background);
  const sizes = new AttributionSizes();
  let last: HostedExplanation | undefined;
  const atOnce = rowsAtOnce(background.length);
  for (let from = 0; from < sample.length; from += atOnce) {
    io.signal.throwIfAborted();
    const part = table(sample.slice(from, from + atOnce));
    last = await model.explain(part, others, { seed: request.seed });
    sizes.add(last, part.rows);
    io.progress({ phase: 'explain', rows: from + part.rows });
  }
  if (last === undefined) throw new DaisError('invalid_request', `${request.dataName} has no rows.`);
  return {
    data: request.dataName,
    method: last.method,
    scale: last.scale,
    sample: sample.length,
    background: background.length,
    seed: request.seed,
    features: sizes.means(),
  };
}
