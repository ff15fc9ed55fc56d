/**
 * Runs a conversion. Python reads the model in isolation; the result is loaded like any ONNX model and compared with
 * the original. Files, version, lineage and the end of the job share one transaction: there is one version or none.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { ModelConversion } from '@dais/api/serving';
import { wasKilled } from '#engines/inference/contract.ts';
import { attachContent } from '#kernel/content/references.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import { convertedLocation, registerConverted } from '#ledgers/registry/index.ts';
import type { ModelRow } from '#ledgers/serving/index.ts';
import type { JsonValue } from '#lib/formats/json-reader.ts';
import { emitEnded } from '../job-lifecycle.ts';
import { requireFiles } from '../find-model.ts';
import type { HostedModel } from '../hosted-model.ts';
import { upload } from '../job-content.ts';
import { endJobRow, recordPhase, recordShard, recordSize, type JobRow } from '../job-rows.ts';
import type { ModelJobsDependencies } from '../model-jobs-dependencies.ts';
import { withFiles } from '../open-model.ts';
import { compareOutputs, TOLERANCE, type Difference } from './compare-outputs.ts';
import type { CheckRows, Conversion, ConversionPlan, ConvertedModel } from './converter.ts';
import { mlmodelOf, type ConversionJobRequest } from './start-conversion.ts';

/** By the first word of the attempt. */
const WIDTHS: Readonly<Record<string, ModelConversion['computesIn']>> = { double: 'float64', split: 'both' };

type ConversionJob = JobRow<ConversionJobRequest>;

interface Original {
  readonly job: ConversionJob;
  readonly model: ModelRow;
  readonly mlmodel: string;
  readonly plan: ConversionPlan;
  readonly folder: string;
}

interface Converted {
  readonly folder: string;
  readonly files: readonly string[];
  readonly model: ConvertedModel;
  readonly attempt: string;
  readonly checked: CheckRows;
  readonly largest: number;
}

/** @throws DaisError `invalid_request` if the model cannot be converted, or predicts differently after it. */
export async function runConversion(
  dependencies: ModelJobsDependencies,
  job: ConversionJob,
  folder: string,
  io: JobIo,
): Promise<void> {
  const phase = async (name: string) => await io.write(async (tx) => await recordPhase(tx, job.id, name));
  const model = await io.write(async (tx) => {
    await recordPhase(tx, job.id, 'model');
    return await requireFiles(tx, job.files);
  });
  const mlmodel = await mlmodelOf(dependencies, model);
  const original: Original = { job, model, mlmodel, plan: dependencies.converter.plan(mlmodel), folder };
  const note = (text: string) => io.progress({ phase: 'model', note: text });
  const { packages: more } = dependencies.converter;
  const made = await withFiles(dependencies, model, { folder, io: { ...io, note }, more }, async (opened) => {
    const { place, environment, trust } = opened;
    if (environment === undefined) throw wrong(model, 'it does not use Python');
    await phase('convert');
    const { predictFn, opset } = job.request;
    const options = { folder: place, environment, trust, mlmodel, predictFn, opset, signal: io.signal };
    const conversion = await dependencies.converter.open(options);
    try {
      return await firstEqual(dependencies, original, conversion, io);
    } finally {
      await conversion.close();
    }
  });
  await phase('store');
  await store(dependencies, original, made, io);
}

/** Tries the ways to convert until one predicts like the original. */
async function firstEqual(
  dependencies: ModelJobsDependencies,
  original: Original,
  conversion: Conversion,
  io: JobIo,
): Promise<Converted> {
  const { job, folder, model } = original;
  const checked = await conversion.rows();
  const rows = checked.expected.shape[0] ?? 0;
  await io.write(async (tx) => await recordSize(tx, job.id, { shards: 1, rows }));
  const problems: string[] = [];
  for (const attempt of checked.attempts) {
    io.signal.throwIfAborted();
    io.progress({ phase: 'convert', attempt });
    const attemptFolder = join(folder, attempt);
    try {
      const converted = await conversion.convert(attempt);
      const files = await write(dependencies, original, { converted, attemptFolder, checked });
      const { largest, difference } = await verify(dependencies, original, { attemptFolder, checked });
      if (difference === undefined)
        return { folder: attemptFolder, files, model: converted, attempt, checked, largest };
      problems.unshift(describeDifference(original.plan, checked, difference));
    } catch (error) {
      if (!(error instanceof DaisError) || error.code !== 'invalid_request' || wasKilled(error)) throw error;
      problems.push(error.message.slice(0, 1000));
    }
  }
  throw wrong(model, problems[0] ?? 'no converter supports it');
}

function wrong({ label }: ModelRow, why: string): DaisError {
  return new DaisError('invalid_request', `${label} cannot be converted: ${why}`);
}

/** Describes a difference: row, column, expected and actual value. */
function describeDifference(
  { form }: ConversionPlan,
  { columns, examples }: CheckRows,
  difference: Difference,
): string {
  const { row, place, expected, got } = difference;
  const cells = columns.slice(0, 8).map(([name, values]) => {
    const value = JSON.stringify(values[row]) ?? '';
    return form === 'tensor' ? value.slice(0, 200) : `${name} ${value.slice(0, 40)}`;
  });
  const which = row < examples ? `row ${row + 1} of its input example` : `random row ${row + 1 - examples}`;
  const column = place === undefined ? '' : `, column ${place} of the output`;
  const more = columns.length > cells.length ? ', …' : '';
  return `for ${which}${column} expected ${expected}, got ${got}. The row: ${cells.join(', ')}${more}`;
}

async function write(
  { converter }: ModelJobsDependencies,
  { mlmodel, model, job, plan }: Original,
  {
    converted,
    attemptFolder,
    checked,
  }: { readonly converted: ConvertedModel; readonly attemptFolder: string; readonly checked: CheckRows },
): Promise<readonly string[]> {
  await mkdir(attemptFolder, { recursive: true, mode: 0o755 });
  const answer = job.request.predictFn === plan.own ? undefined : checked.expected;
  const beside = converter.files({ mlmodel, label: model.label, opset: converted.opset, id: job.id, answer });
  const files = Object.entries<string | Buffer>({ ...beside, 'model.onnx': converted.onnx });
  for (const [name, bytes] of files) await writeFile(join(attemptFolder, name), bytes, { mode: 0o444 });
  return files.map(([name]) => name);
}

const ROWS_AT_ONCE = 128;

/** Loads the model as it is served, and compares its predictions. */
async function verify(
  dependencies: ModelJobsDependencies,
  { model, plan }: Original,
  { attemptFolder, checked }: { readonly attemptFolder: string; readonly checked: CheckRows },
): Promise<{ readonly largest: number; readonly difference?: Difference }> {
  const { label, description: described } = model;
  const request = { label, folder: attemptFolder, signature: described.signature, trust: 'untrusted' } as const;
  const hosted: HostedModel = await dependencies.host(request, () => {});
  try {
    const rows = checked.expected.shape[0] ?? 0;
    const types = new Map(plan.columns);
    let largest = 0;
    for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
      const columns = checked.columns.map(([name, values]): [string, readonly JsonValue[]] => {
        const cells = values.slice(from, from + ROWS_AT_ONCE) as readonly JsonValue[];
        const isWhole = types.get(name) === 'long';
        return [name, isWhole ? cells.map((cell) => (typeof cell === 'string' ? BigInt(cell) : cell)) : cells];
      });
      const count = Math.min(ROWS_AT_ONCE, rows - from);
      const [got] = await hosted.predict({ columns: new Map(columns), rows: count });
      if (got === undefined) throw new Error('a converted model returned no output');
      const compared = compareOutputs(checked.expected, got, from);
      largest = Math.max(largest, compared.largest);
      if (compared.difference !== undefined) return { largest, difference: compared.difference };
    }
    return { largest };
  } finally {
    await hosted.close();
  }
}

async function store(
  dependencies: ModelJobsDependencies,
  { job, model, mlmodel, folder }: Original,
  { folder: attemptFolder, files, model: made, attempt, checked, largest }: Converted,
  io: JobIo,
): Promise<void> {
  const leases: { readonly lease: string; readonly path: string }[] = [];
  const keep = async (path: string, at: string) =>
    leases.push({ lease: await upload(dependencies, job.project_id, at, io), path });
  for (const path of files) await keep(path, join(attemptFolder, path));
  const paths = model.description.files.map(({ path }) => path);
  for (const path of dependencies.converter.exampleFiles(mlmodel, paths)) await keep(path, join(folder, 'model', path));
  const { to, predictFn } = job.request;
  await io.write(async (tx) => {
    const now = dependencies.clock.now();
    const { artifactRoot } = dependencies;
    const from = { name: job.model_name, version: job.version };
    const at = await convertedLocation(tx, from, { artifactRoot, id: job.id });
    const owner = { projectId: job.project_id, uid: job.project_id };
    const entries = leases.map(({ lease, path }) => ({ lease, name: `${at}/${path}` }));
    await attachContent(tx, owner, entries);
    const version = await registerConverted(tx, { from, to, at, artifactRoot, now, by: job.created_by });
    const rows = checked.expected.shape[0] ?? 0;
    const result: ModelConversion = {
      model: to,
      version,
      opset: made.opset,
      predictFn,
      estimators: [...made.estimators],
      computesIn: WIDTHS[attempt.split('-')[0] ?? ''] ?? 'float32',
      rows,
      examples: checked.examples,
      tolerance: TOLERANCE,
      largestDifference: largest,
    };
    await recordShard(tx, job.id, { number: 0, rows, rejected: 0, problems: [] });
    const ended = await endJobRow(tx, job.id, { state: 'succeeded', now, result });
    if (ended === undefined) throw new Error('the job has already ended');
    emitEnded(tx, ended);
  });
}
