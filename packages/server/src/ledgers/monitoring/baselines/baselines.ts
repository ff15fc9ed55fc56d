/** The baseline of a window: resolved from the manifest and the lineage, and stored as statistics after the first read. */
import { DaisError } from '@dais/api';
import type { DatasetVersion } from '@dais/api/data';
import type { MonitorBaseline, MonitorBaselineUsed } from '@dais/api/monitoring';
import { parseServedModel } from '@dais/api/serving';
import type { Sql } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { nearestUpstream } from '#ledgers/lineage/index.ts';
import { readByAlias, versionKeyOf } from '#ledgers/registry/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import { mergeSummaries, summaryFromJson, summaryToJson, type ColumnSummary } from '#lib/statistics/column-summary.ts';
import type { BinEdges } from '#lib/statistics/number-scan.ts';
import { QueryRunner } from '../query-runner.ts';
import { keyOfField, type Family, type Side } from '../metrics/fields.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import { withVersion } from '../windows/dataset-window.ts';
import { withPredictions } from '../windows/prediction-window.ts';
import type { OpenWindow } from '../windows/window.ts';
import { summarize } from '../metrics/summaries.ts';

export interface StoredField {
  readonly side: Side;
  readonly name: string;
  readonly family: Family;
  readonly masked: boolean;
  readonly summary: ColumnSummary;
}

export interface Baseline {
  /** Undefined for a baseline that consists of windows and has no row. */
  readonly id: string | undefined;
  readonly about: MonitorBaselineUsed;
  readonly fields: ReadonlyMap<string, StoredField>;
}

export interface NewBaseline {
  readonly id: string;
  readonly key: string;
  readonly about: MonitorBaselineUsed;
  readonly fields: readonly StoredField[];
}

/** The result of the search for a baseline. `first`: this window becomes the baseline. */
export type FoundBaseline =
  | { readonly found: Baseline; readonly made?: NewBaseline | undefined }
  | { readonly first: true; readonly reason: string | undefined }
  | { readonly unknown: string };

export const FIRST = 'first';

/** Returns the baseline, or why there is none. @throws errors of the query engine */
export async function findBaseline(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  window: OpenWindow,
  definition: MonitorBaseline,
  signal: AbortSignal,
): Promise<FoundBaseline> {
  switch (definition.type) {
    case 'first':
      return await firstBaseline(dependencies, monitor, undefined);
    case 'rolling':
      return await rollingBaseline(dependencies, monitor, definition.windows);
    case 'window':
      return await fixedWindow(dependencies, monitor, definition, signal);
    case 'dataset':
      return await ofReference(dependencies, monitor, definition.version, signal);
    case 'model':
      return await ofModel(dependencies, monitor, definition.model, signal);
    default:
      return await training(dependencies, monitor, window, signal);
  }
}

async function firstBaseline(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  reason: string | undefined,
): Promise<FoundBaseline> {
  const stored = await storedBaseline(dependencies, monitor, FIRST);
  if (stored === undefined) return { first: true, reason };
  return { found: { ...stored, about: { ...stored.about, ...(reason !== undefined && { reason }) } } };
}

async function training(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  window: OpenWindow,
  signal: AbortSignal,
): Promise<FoundBaseline> {
  const [version] = window.versions;
  if (version === undefined) return await firstBaseline(dependencies, monitor, undefined);
  const named = `${version.model}/${version.version}`;
  const found = await inProject(
    dependencies,
    monitor,
    async (tx) => await trainedOn(tx, version.model, version.version),
  );
  if (found === undefined) {
    const reason = `The lineage of ${named} contains no training dataset. The first full window is the baseline.`;
    return await firstBaseline(dependencies, monitor, reason);
  }
  return await ofVersion(dependencies, monitor, found, signal);
}

async function ofModel(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  model: string,
  signal: AbortSignal,
): Promise<FoundBaseline> {
  const named = parseServedModel(model);
  if ('message' in named || named.of === 'run' || named.of === 'remote')
    return { unknown: `The baseline ${model} does not refer to a version of a model.` };
  const found = await inProject(dependencies, monitor, async (tx) => {
    try {
      const version =
        named.of === 'version'
          ? named.version
          : (await readByAlias(tx.sql, tx.projectId, named.name, named.alias)).version;
      return await trainedOn(tx, named.name, String(version));
    } catch (error) {
      if (error instanceof DaisError && error.code === 'not_found') return undefined;
      throw error;
    }
  });
  if (found === undefined) {
    return {
      unknown: `No training dataset of ${model} was found: the version does not exist, or its lineage contains no dataset.`,
    };
  }
  return await ofVersion(dependencies, monitor, found, signal);
}

/** Returns the id of the nearest dataset version upstream of a model version. */
export async function trainedOn(tx: Transaction, model: string, version: string): Promise<string | undefined> {
  if (!/^\d{1,9}$/.test(version)) return undefined;
  const key = await versionKeyOf(tx, model, Number(version));
  if (key === undefined) return undefined;
  const found = await nearestUpstream(tx, key, 'dataset-version');
  return found?.slice('dataset-version:'.length);
}

async function ofReference(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  reference: string,
  signal: AbortSignal,
): Promise<FoundBaseline> {
  try {
    const version = await inProject(
      dependencies,
      monitor,
      async (tx) => await dependencies.versions.resolve(tx, reference),
    );
    return await ofVersion(dependencies, monitor, version.id, signal);
  } catch (error) {
    if (!(error instanceof DaisError) || error.retryable) throw error;
    const id = await inProject(dependencies, monitor, async ({ sql }) => await storedAs(sql, monitor.uid, reference));
    const stored =
      id === undefined
        ? undefined
        : await inProject(dependencies, monitor, async ({ sql }) => await readBaseline(sql, id));
    if (stored === undefined) return { unknown: `The baseline ${reference} cannot be read: ${error.message}` };
    const reason = `${reference} was deleted. Windows are compared with its stored statistics.`;
    return { found: { ...stored, about: { ...stored.about, reason } } };
  }
}

/** Finds the stored statistics of a dataset version by its name, as `flights@3`. */
async function storedAs(sql: Sql, monitor: string, name: string): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>(
    `select id from monitoring.baseline where monitor = $1 and details->>'type' = 'dataset' and details->>'name' = $2
     order by created_at desc limit 1`,
    [monitor, name],
    'baseline_by_name',
  );
  return row?.id;
}

/** Returns the baseline of a dataset version. The stored statistics of a deleted version remain usable. */
async function ofVersion(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  id: string,
  signal: AbortSignal,
): Promise<FoundBaseline> {
  const key = `dataset-version:${id}`;
  const stored = await storedBaseline(dependencies, monitor, key);
  const version = await inProject(dependencies, monitor, async (tx) => await readIfExists(dependencies, tx, id));
  const deleted = version === undefined || version.state === 'deleted';
  if (stored !== undefined) {
    if (!deleted) return { found: stored };
    const reason = `${stored.about.name} was deleted. Windows are compared with its stored statistics.`;
    return { found: { ...stored, about: { ...stored.about, reason } } };
  }
  const name = version === undefined ? `dataset version ${id}` : `${version.dataset}@${version.number}`;
  if (deleted) return { unknown: `The baseline ${name} was deleted before its statistics were computed.` };
  try {
    return await withVersion(
      dependencies,
      { projectId: monitor.project_id, version, signal },
      async ({ data, fields, rows }) => {
        const runner = new QueryRunner(await dependencies.query(), monitor.project_id, signal);
        const made: NewBaseline = {
          id: uuidv7(dependencies.clock.now()),
          key,
          about: { type: 'dataset', name, rows, node: key },
          fields: storedOf(await summarize(runner, data, fields, { rows, edges: new Map() })),
        };
        return { found: asBaseline(made), made };
      },
    );
  } catch (error) {
    if (!(error instanceof DaisError) || error.retryable) throw error;
    return { unknown: `The baseline ${name} cannot be read: ${error.message}` };
  }
}

async function readIfExists(
  dependencies: MonitoringDependencies,
  tx: Transaction,
  id: string,
): Promise<DatasetVersion | undefined> {
  try {
    return await dependencies.versions.read(tx, id);
  } catch (error) {
    if (error instanceof DaisError && error.code === 'not_found') return undefined;
    throw error;
  }
}

async function fixedWindow(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  definition: Extract<MonitorBaseline, { type: 'window' }>,
  signal: AbortSignal,
): Promise<FoundBaseline> {
  const { from, until } = definition;
  const key = `window:${Date.parse(from)}-${Date.parse(until)}`;
  const stored = await storedBaseline(dependencies, monitor, key);
  if (stored !== undefined) return { found: stored };
  const name = `${from} to ${until}`;
  if (Date.parse(until) > dependencies.clock.now()) return { unknown: `The baseline ${name} has not ended yet.` };
  const range = { from: Date.parse(from), until: Date.parse(until) };
  return await withPredictions(dependencies, monitor, range, signal, async ({ data, fields, rows }) => {
    if (rows === 0) return { unknown: `The baseline ${name} contains no predictions.` };
    const runner = new QueryRunner(await dependencies.query(), monitor.project_id, signal);
    const made: NewBaseline = {
      id: uuidv7(dependencies.clock.now()),
      key,
      about: { type: 'window', name, rows },
      fields: storedOf(await summarize(runner, data, fields, { rows, edges: new Map() })),
    };
    return { found: asBaseline(made), made };
  });
}

/** Merges the previous windows. All of them use the bin edges of the first one. */
async function rollingBaseline(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  windows: number,
): Promise<FoundBaseline> {
  const first = await storedBaseline(dependencies, monitor, FIRST);
  if (first === undefined) return { first: true, reason: undefined };
  const rows = await inProject(
    dependencies,
    monitor,
    async ({ sql }) =>
      await sql.query<ColumnRow & { number: number; rows: bigint }>(
        `select w.number, w.rows, c.side, c.name, c.family, c.masked, c.summary from monitoring.column c
         join (select id, number, rows from monitoring.window where monitor = $1 and rows > 0
               order by number desc limit $2) w on w.id = c."window"
         where c.baseline = $3 order by w.number`,
        [monitor.uid, windows, first.id],
        'windows_before',
      ),
  );
  const fields = new Map<string, StoredField>();
  const numbers = new Map<number, number>();
  for (const row of rows) {
    numbers.set(row.number, Number(row.rows));
    const field = { ...fieldOf(row) };
    const key = keyOfField(field);
    const before = fields.get(key);
    fields.set(
      key,
      before === undefined || before.summary.type !== field.summary.type
        ? field
        : { ...field, summary: mergeSummaries(before.summary, field.summary) },
    );
  }
  if (fields.size === 0) return { found: first };
  const [from, until] = [Math.min(...numbers.keys()), Math.max(...numbers.keys())];
  const total = [...numbers.values()].reduce((sum, n) => sum + n, 0);
  const name = from === until ? `window ${from}` : `windows ${from} to ${until}`;
  return { found: { id: first.id, about: { type: 'rolling', name, rows: total }, fields } };
}

export interface ColumnRow {
  readonly side: Side;
  readonly name: string;
  readonly family: Family;
  readonly masked: boolean;
  readonly summary: unknown;
}

export function fieldOf({ side, name, family, masked, summary }: ColumnRow): StoredField {
  return { side, name, family, masked, summary: summaryFromJson(summary) };
}

export function storedOf(
  found: readonly { readonly field: Omit<StoredField, 'summary'>; readonly summary: ColumnSummary }[],
): StoredField[] {
  return found.map(({ field: { side, name, family, masked }, summary }) => ({ side, name, family, masked, summary }));
}

export function asBaseline({ id, about, fields }: NewBaseline): Baseline {
  return { id, about, fields: new Map(fields.map((field) => [keyOfField(field), field])) };
}

/** Returns the bin edges of a baseline, which its windows are counted with. */
export function edgesOf(baseline: Pick<Baseline, 'fields'>): ReadonlyMap<string, BinEdges> {
  const edges = new Map<string, BinEdges>();
  for (const [key, { summary }] of baseline.fields) {
    if (summary.type === 'numbers') edges.set(key, { edges: summary.bins.edges, lattice: summary.lattice });
  }
  return edges;
}

async function inProject<T>(
  { database }: MonitoringDependencies,
  monitor: MonitorRow,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return await transact(database, { mode: 'read', projectId: monitor.project_id }, work);
}

export async function storedBaseline(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  key: string,
): Promise<Baseline | undefined> {
  return await inProject(dependencies, monitor, async ({ sql }) => {
    const [row] = await sql.query<BaselineRow>(
      'select id, details, fields from monitoring.baseline where monitor = $1 and key = $2',
      [monitor.uid, key],
      'stored_baseline',
    );
    return row === undefined ? undefined : presentBaseline(row);
  });
}

interface BaselineRow {
  readonly id: string;
  readonly details: MonitorBaselineUsed;
  readonly fields: readonly ColumnRow[];
}

function presentBaseline({ id, details: about, fields }: BaselineRow): Baseline {
  return { id, about, fields: new Map(fields.map((row) => [keyOfField(row), fieldOf(row)])) };
}

export async function readBaseline(sql: Sql, id: string): Promise<Baseline | undefined> {
  const [row] = await sql.query<BaselineRow>(
    'select id, details, fields from monitoring.baseline where id = $1',
    [id],
    'read_baseline',
  );
  return row === undefined ? undefined : presentBaseline(row);
}

export async function keepBaseline(tx: Transaction, monitor: string, made: NewBaseline, now: number): Promise<void> {
  await tx.sql.query(
    `insert into monitoring.baseline (id, project_id, monitor, key, details, fields, created_at)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (monitor, key) do nothing`,
    [
      made.id,
      tx.projectId,
      monitor,
      made.key,
      JSON.stringify(made.about),
      JSON.stringify(made.fields.map((field) => ({ ...field, summary: summaryToJson(field.summary) }))),
      now,
    ],
    'keep_baseline',
  );
}
