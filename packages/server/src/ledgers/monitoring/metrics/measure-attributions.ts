/** Computes feature attributions of the active version for a window and for its baseline, with the same model and background. */
import { createHash } from 'node:crypto';
import { countNoun, DaisError } from '@dais/api';
import { nameOfCheck, type MonitorAttributions, type MonitorBaseline } from '@dais/api/monitoring';
import type { Column } from '#engines/query/contract.ts';
import { call, column, filter, named } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import { transact } from '#kernel/transaction.ts';
import type { RowsToExplain, VersionToExplain } from '#ledgers/model-jobs/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { QueryRunner, Rows } from '../query-runner.ts';
import {
  attributionsBefore,
  storedAttributions,
  type Attributions,
  type NewAttributions,
} from '../baselines/attribution-rows.ts';
import type { FoundBaseline } from '../baselines/baselines.ts';
import {
  evaluateAttributionDrift,
  MIN_EXPLAINED,
  presentAttributions,
  type AttributionCheck,
} from '../checks/attribution-drift.ts';
import { unknownOutcome, type CheckOutcome } from '../checks/outcome.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import { ofVersion } from '../baselines/score-reference.ts';
import { withPredictions } from '../windows/prediction-window.ts';
import type { WindowVersion, OpenWindow } from '../windows/window.ts';

/** Number of background rows. */
const MAX_BACKGROUND = 20;
const SAMPLE_SEED = 1;
const BACKGROUND_SEED = 2;

export interface EvaluatedAttributions {
  readonly outcome: CheckOutcome;
  readonly attributions: MonitorAttributions | undefined;
  readonly made: NewAttributions | undefined;
  readonly notes: readonly string[];
}

interface ExplainContext {
  readonly dependencies: MonitoringDependencies;
  readonly monitor: MonitorRow;
  readonly check: AttributionCheck;
  readonly version: WindowVersion;
  readonly runner: QueryRunner;
}

/** Evaluates attribution drift. A failed explanation makes this check unknown; other checks continue. */
export async function evaluateAttributions(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  window: OpenWindow,
  { check, main, definition, runner }: AttributionRequest,
): Promise<EvaluatedAttributions> {
  const { spec } = monitor;
  const unknown = (reason: string): EvaluatedAttributions => {
    const outcome = unknownOutcome(check, spec, 'ndcg', reason);
    return { outcome, attributions: undefined, made: undefined, notes: [] };
  };
  const [version] = window.versions;
  if (window.rows === 0 || version === undefined) return unknown('The window has no rows.');
  if (window.rows < spec.minSamples) {
    return unknown(`The window has ${countNoun(window.rows, 'row')}, fewer than ${spec.minSamples}.`);
  }
  if (window.inputs.length === 0)
    return unknown('The captured predictions contain no inputs. Check `spec.capture` of the Endpoint.');
  if ('unknown' in main) return unknown(main.unknown);
  const named = `${version.model}/${version.version}`;
  try {
    return await explainBoth({ dependencies, monitor, check, version, runner }, window, sourceOf(main, definition));
  } catch (error) {
    if (runner.signal.aborted) throw error;
    dependencies.log.warn('explaining a window failed', { monitor: monitor.name, error });
    const why =
      error instanceof DaisError ? error.message : 'The explanation failed. The server log contains the reason.';
    return unknown(`${named} cannot be explained: ${why}`);
  }
}

interface AttributionRequest {
  readonly check: AttributionCheck;
  readonly main: FoundBaseline;
  readonly definition: MonitorBaseline;
  readonly runner: QueryRunner;
}

/** The source of the baseline rows. */
type Source =
  | { readonly of: 'dataset'; readonly key: string; readonly name: string }
  | {
      readonly of: 'window';
      readonly key: string;
      readonly name: string;
      readonly from: number;
      readonly until: number;
    }
  | { readonly of: 'windows'; readonly windows: number }
  | { readonly of: 'first' };

function sourceOf(main: Exclude<FoundBaseline, { readonly unknown: string }>, definition: MonitorBaseline): Source {
  if (definition.type === 'rolling') return { of: 'windows', windows: definition.windows };
  if ('first' in main) return { of: 'first' };
  const { type, name, node } = main.found.about;
  if (type === 'dataset' && node !== undefined) return { of: 'dataset', key: node, name };
  if (definition.type !== 'window') return { of: 'first' };
  const [from, until] = [Date.parse(definition.from), Date.parse(definition.until)];
  return { of: 'window', key: `window:${from}-${until}`, name, from, until };
}

async function explainBoth(
  context: ExplainContext,
  window: OpenWindow,
  source: Source,
): Promise<EvaluatedAttributions> {
  const { dependencies, monitor, check, version, runner } = context;
  const { spec } = monitor;
  const of = { check: nameOfCheck(check), model: version.model, version: version.version };
  const label = `${of.model}/${of.version}`;
  const answered = { tables: window.data.tables, relation: ofVersion(window.data.relation, version) };
  const rows = await sampleOfKept(context, answered, window.inputs);
  if (rows.rows.length === 0) throw new DaisError('invalid_state', 'all inputs are too large to be captured.');
  const key = keyOf(context, source);
  const stored =
    source.of === 'windows'
      ? await attributionsBefore(dependencies, monitor, of, source.windows)
      : await storedAttributions(dependencies, monitor, key);
  const requested = { projectId: monitor.project_id, ...of, requester: monitor.uid, signal: runner.signal };
  const { current, own } = await dependencies.explainer.withVersion(requested, async (opened) => {
    const explaining = { ...context, opened, backgroundRows: await findBackground(context, opened, source) };
    return {
      current: await explained(explaining, rows, `window ${monitor.number + 1}`),
      own: stored === undefined ? await ofBaseline(explaining, source) : undefined,
    };
  });
  const baseline = stored ?? own?.attributions;
  const full = current.attributions.rows >= MIN_EXPLAINED;
  const about = baseline ?? (source.of === 'first' && full ? current.attributions : undefined);
  const kept = stored === undefined && source.of !== 'windows' ? about : undefined;
  return {
    outcome:
      baseline === undefined
        ? unknownOutcome(check, spec, 'ndcg', noBaseline(label, source, current.attributions))
        : evaluateAttributionDrift(check, spec, { version: label, current: current.attributions, baseline }),
    attributions: presentAttributions(of, current.attributions, baseline),
    made: kept === undefined ? undefined : { id: uuidv7(dependencies.clock.now()), key, about: kept },
    notes: [
      ...(version.rows < window.rows
        ? [`Only rows of ${label} were explained, the version with the most predictions.`]
        : []),
      ...[current, own].flatMap((one) => one?.note ?? []),
    ],
  };
}

function noBaseline(label: string, source: Source, { rows }: Attributions): string {
  if (source.of === 'windows') return `No earlier window has attributions of ${label}.`;
  if (rows >= MIN_EXPLAINED) return `Attributions of ${label} in this window are the baseline of later windows.`;
  return `Only ${countNoun(rows, 'row')} of this window could be explained, fewer than ${MIN_EXPLAINED}. There is no baseline yet.`;
}

interface Explaining extends ExplainContext {
  readonly opened: VersionToExplain;
  readonly backgroundRows: BackgroundRows;
}

interface BackgroundRows {
  readonly of: MonitorAttributions['background']['of'];
  readonly rows: RowsToExplain | undefined;
}

interface Explained {
  readonly attributions: Attributions;
  readonly note: string | undefined;
}

async function explained(
  { opened, backgroundRows, check }: Explaining,
  sample: RowsToExplain,
  name: string,
): Promise<Explained> {
  const how = { seconds: check.seconds, mostBackground: MAX_BACKGROUND };
  const found = await opened.sizes(sample, backgroundRows.rows, how);
  const { rows, method, scale, features, refused, refusal = '' } = found;
  const background = { of: backgroundRows.of, rows: found.background };
  const sizes = Object.fromEntries(features.map(({ feature, importance }) => [feature, importance]));
  return {
    attributions: { name, rows, method, scale, background, sizes },
    note:
      refused === 0 ? undefined : `${refused} of ${rows + refused} rows of ${name} could not be explained: ${refusal}`,
  };
}

/** Returns the attributions of the baseline; undefined if it consists of windows and there is none yet. */
async function ofBaseline(explaining: Explaining, source: Source): Promise<Explained | undefined> {
  const { dependencies, monitor, check, runner, opened } = explaining;
  if (source.of === 'dataset') {
    const rows = await sampleOfDataset(explaining, opened, source, { rows: check.sample, seed: SAMPLE_SEED });
    return await explained(explaining, rows, source.name);
  }
  if (source.of !== 'window') return undefined;
  const { name, from, until } = source;
  const rows = await withPredictions(
    dependencies,
    monitor,
    { from, until },
    runner.signal,
    async ({ data, inputs }) => {
      return await sampleOfKept(explaining, data, inputs);
    },
  );
  return await explained(explaining, rows, name);
}

/** Returns the background: the input example of the model, which is the same for all windows, else rows of the dataset. */
async function findBackground(
  context: ExplainContext,
  opened: VersionToExplain,
  source: Source,
): Promise<BackgroundRows> {
  if ((await opened.exampleRows()) > 0) return { of: 'example', rows: undefined };
  if (source.of !== 'dataset') {
    const detail =
      'it has no input example, and the baseline is not a dataset version. Log the model with an input example.';
    throw new DaisError('invalid_state', detail);
  }
  const few = { rows: MAX_BACKGROUND, seed: BACKGROUND_SEED };
  return { of: 'baseline', rows: await sampleOfDataset(context, opened, source, few) };
}

/** Selects the same captured rows each time, independent of their files. */
async function sampleOfKept(
  { check, runner }: ExplainContext,
  { tables, relation }: Rows,
  inputs: readonly Column[],
): Promise<RowsToExplain> {
  const drawn: Relation = {
    type: 'limit',
    from: {
      type: 'sort',
      from: filter(relation, call('not', column('cut'))),
      by: [{ expression: call('hash64', column('prediction_id'), column('row')) }],
    },
    count: check.sample,
  };
  const query: Relation = {
    type: 'project',
    from: drawn,
    columns: inputs.map(({ name }) => named(name, column(name))),
  };
  const { rows } = await runner.queryOne(tables, query, check.sample);
  return { columns: inputs.map(({ name, type }) => ({ name: name.slice('in_'.length), type })), rows, kept: true };
}

async function sampleOfDataset(
  { dependencies, monitor, runner }: ExplainContext,
  opened: VersionToExplain,
  { key, name }: Extract<Source, { readonly of: 'dataset' }>,
  { rows: most, seed }: { readonly rows: number; readonly seed: number },
): Promise<RowsToExplain> {
  const id = key.slice('dataset-version:'.length);
  const read = { mode: 'read', projectId: monitor.project_id } as const;
  const version = await transact(
    dependencies.database,
    read,
    async (tx) => await dependencies.versions.read(tx, id),
  ).catch(() => undefined);
  if (version === undefined || version.state === 'deleted') {
    throw new DaisError('invalid_state', `${name} was deleted. Its rows are no longer available for comparison.`);
  }
  const names = opened.inputsOf(version);
  const types = new Map(version.schema.columns.map((one) => [one.name, one.type]));
  return await dependencies.versions.withTable(version, async (table) => {
    const all: Relation = { type: 'scan', table: 'data' };
    const drawn: Relation = version.rows <= most ? all : { type: 'sample', from: all, size: { rows: most }, seed };
    // Sorted by hash: if the time limit ends the explanation early, the explained rows are still a random sample.
    const from: Relation = {
      type: 'sort',
      from: drawn,
      by: [{ expression: call('hash64', ...names.map((one) => column(one))) }],
    };
    const query: Relation = { type: 'project', from, columns: names.map((one) => named(one, column(one))) };
    const { rows } = await runner.queryOne({ data: table }, query, most);
    return { columns: names.map((one) => ({ name: one, type: types.get(one) ?? 'string' })), rows, kept: false };
  });
}

function keyOf({ check, version }: ExplainContext, source: Source): string {
  const rows = 'key' in source ? source.key : source.of;
  const requested = JSON.stringify([rows, check.sample]);
  return `${version.model}/${version.version}:${createHash('sha256').update(requested).digest('hex').slice(0, 16)}`;
}
