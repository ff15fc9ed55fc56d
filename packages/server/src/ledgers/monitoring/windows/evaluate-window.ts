/** Evaluates one window without writing: reads its rows once, compares them with the baseline, and runs each check. */
import {
  nameOfCheck,
  type MonitorAttributions,
  type MonitorEstimate,
  type MonitorExample,
  type MonitorFairness,
  type ServedVersion,
} from '@dais/api/monitoring';
import { transact } from '#kernel/transaction.ts';
import { versionKeyOf } from '#ledgers/registry/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import { aggregate, call, literal, named } from '#engines/query/model/build.ts';
import { QueryRunner, cellsOf, count } from '../query-runner.ts';
import type { NewAttributions } from '../baselines/attribution-rows.ts';
import {
  asBaseline,
  edgesOf,
  findBaseline,
  FIRST,
  storedBaseline,
  storedOf,
  trainedOn,
  type Baseline,
  type FoundBaseline,
  type NewBaseline,
  type StoredField,
} from '../baselines/baselines.ts';
import { compareFields, type ComparedField } from '../checks/compared-fields.ts';
import { evaluateDrift } from '../checks/drift.ts';
import { unknownOutcome, type CheckOutcome } from '../checks/outcome.ts';
import { evaluateQuality } from '../checks/quality.ts';
import { evaluateResources } from '../checks/resources.ts';
import { evaluateSlo, sumsOf, type SloSums } from '../checks/slo.ts';
import { findExamples } from '../metrics/examples.ts';
import { finiteOf, isNumeric, keyOfField, type Field } from '../metrics/fields.ts';
import { evaluateOutputs, type EvaluatedOutputs } from './evaluate-outputs.ts';
import { evaluateAttributions, type EvaluatedAttributions } from '../metrics/measure-attributions.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import type { ScoreReference } from '../baselines/score-reference.ts';
import type { OpenWindow } from './window.ts';
import { summarize } from '../metrics/summaries.ts';

export interface EvaluatedWindow {
  readonly window: Pick<OpenWindow, 'range' | 'rows' | 'dataset' | 'requests'>;
  readonly outcomes: readonly CheckOutcome[];
  readonly versions: readonly ServedVersion[];
  readonly baseline: Baseline | undefined;
  readonly made: readonly NewBaseline[];
  readonly fields: readonly StoredField[];
  /** The baseline whose bin edges the fields were counted with. */
  readonly edges: string | undefined;
  readonly known: readonly string[];
  readonly examples: readonly MonitorExample[];
  readonly notes: readonly string[];
  /** Sums by check. */
  readonly slo: Readonly<Record<string, SloSums>>;
  readonly estimates: readonly MonitorEstimate[];
  readonly fairness: readonly MonitorFairness[];
  /** Score references that were computed for this window. */
  readonly references: readonly ScoreReference[];
  readonly attributions: readonly MonitorAttributions[];
  /** Attributions of baselines that were computed for this window. */
  readonly sides: readonly NewAttributions[];
}

export async function evaluateWindow(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  window: OpenWindow,
  signal: AbortSignal,
): Promise<EvaluatedWindow> {
  const { spec } = monitor;
  const runner = new QueryRunner(await dependencies.query(), monitor.project_id, signal);
  const definition =
    spec.baseline ??
    (monitor.dataset === null ? ({ type: 'training' } as const) : ({ type: 'rolling', windows: 1 } as const));
  const main = await findBaseline(dependencies, monitor, window, definition, signal);
  const compared = await compareWith(dependencies, monitor, window, main, runner);
  const versions = await describeVersions(dependencies, monitor, window);
  const known = knownInputs(monitor, window);
  const outside = await countOutside(runner, window, compared.fields);
  const notes = [...window.notes, ...compared.notes];
  const outcomes: CheckOutcome[] = [];
  const outputs: EvaluatedOutputs[] = [];
  const explained: EvaluatedAttributions[] = [];
  const slo: Record<string, SloSums> = {};
  const facts = {
    spec,
    rows: window.rows,
    fields: compared.fields,
    against: compared.against,
    unknown: compared.unknown,
    lost: lostOf(compared, known.before),
  };
  for (const check of spec.checks) {
    switch (check.type) {
      case 'drift':
      case 'predictionDrift':
        if (check.type === 'predictionDrift' && monitor.dataset !== null) break;
        outcomes.push(evaluateDrift(check, facts));
        break;
      case 'quality':
        outcomes.push(evaluateQuality(check, { ...facts, known: known.before, outside }));
        break;
      case 'skew': {
        const training = await findBaseline(dependencies, monitor, window, { type: 'training' }, signal);
        const own = await compareWith(dependencies, monitor, window, trainingOnly(training), runner);
        compared.made.push(...own.made);
        outcomes.push(
          evaluateDrift(check, {
            ...facts,
            fields: own.fields,
            against: own.against,
            unknown: own.unknown,
            lost: lostOf(own, known.before),
          }),
        );
        break;
      }
      case 'slo': {
        const outcome = evaluateSlo(check, {
          spec,
          requests: window.requests,
          before: await sloBefore(dependencies, monitor, check),
        });
        outcomes.push(outcome);
        if (window.requests !== undefined) slo[outcome.name] = sumsOf(check, window.requests);
        break;
      }
      case 'resources': {
        const { from, until } = window.range;
        const of = { projectId: monitor.project_id, endpoint: monitor.endpoint ?? '', from, until };
        const requests = window.requests?.requests ?? 0;
        outcomes.push(evaluateResources(check, spec, { requests, usage: await dependencies.usage(of) }));
        break;
      }
      case 'attributionDrift':
        explained.push(await evaluateAttributions(dependencies, monitor, window, { check, main, definition, runner }));
        break;
      case 'fairness':
      case 'estimatedPerformance':
        outputs.push(await evaluateOutputs(dependencies, monitor, window, check, runner));
        break;
      default:
        outcomes.push(unknownOutcome(check, spec, 'labeled', 'No prediction has ground truth yet.'));
    }
  }
  outcomes.push(...[...outputs, ...explained].map(({ outcome }) => outcome));
  notes.push(...[...outputs, ...explained].flatMap((one) => one.notes));
  for (const problem of window.problems) outcomes.push(dataOutcome(spec.severity, problem));
  const examples = await findExamples(runner, window, compared.fields, outcomes);
  return {
    window,
    outcomes,
    versions,
    baseline: compared.baseline,
    made: compared.made,
    fields: compared.fields.map(({ field, current }) => ({ ...field, summary: current })),
    edges: compared.baseline?.id,
    known: known.after,
    examples,
    notes,
    slo,
    estimates: outputs.flatMap(({ estimate }) => estimate ?? []),
    fairness: outputs.flatMap(({ fairness }) => fairness),
    references: outputs.flatMap(({ reference }) => reference ?? []),
    attributions: explained.flatMap(({ attributions }) => attributions ?? []),
    sides: explained.flatMap(({ made }) => made ?? []),
  };
}

/** Reports a problem with the data of the window as the check `data`, which never raises an alert. */
function dataOutcome(
  severity: CheckOutcome['severity'],
  { metric, reason }: OpenWindow['problems'][number],
): CheckOutcome {
  const result = { check: 'data', type: 'data', metric, status: 'unknown' as const, reason };
  return { name: 'data', type: 'quality', severity, status: 'unknown', reason, results: [result] };
}

interface Compared {
  readonly fields: readonly ComparedField[];
  readonly baseline: Baseline | undefined;
  readonly against: string;
  readonly unknown: string | undefined;
  readonly made: NewBaseline[];
  readonly notes: readonly string[];
  /** Fields of the baseline that the window does not contain; training data has columns that are not inputs. */
  readonly lost: readonly StoredField[];
}

/** Counts the window with the bin edges of its baseline. Outputs, which a dataset does not contain, are compared with the first window. */
async function compareWith(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  window: OpenWindow,
  main: FoundBaseline,
  runner: QueryRunner,
): Promise<Compared> {
  const { spec } = monitor;
  const full = window.rows >= spec.minSamples;
  const made: NewBaseline[] = [];
  const notes: string[] = [];
  const baseline = 'found' in main ? main.found : undefined;
  if ('found' in main && main.made !== undefined) made.push(main.made);
  if (baseline?.about.reason !== undefined) notes.push(baseline.about.reason);
  const complement = monitor.dataset === null ? await firstOf(dependencies, monitor, baseline) : undefined;
  const edges = new Map([
    ...(complement === undefined ? [] : edgesOf(complement)),
    ...(baseline === undefined ? [] : edgesOf(baseline)),
  ]);
  const summarized = await summarize(runner, window.data, window.rows === 0 ? [] : window.fields, {
    rows: window.rows,
    edges,
  });
  const current = storedOf(summarized);
  const named = (number: number) => `window ${number}`;
  if ('first' in main && full) {
    made.push({
      id: uuidv7(dependencies.clock.now()),
      key: FIRST,
      about: {
        type: 'first',
        name: named(monitor.number + 1),
        rows: window.rows,
        ...(main.reason !== undefined && { reason: main.reason }),
      },
      fields: current,
    });
    if (main.reason !== undefined) notes.push(main.reason);
  }
  const uncovered = current.filter(
    (field) => field.side === 'output' && baseline !== undefined && !baseline.fields.has(keyOfField(field)),
  );
  if (
    baseline !== undefined &&
    complement === undefined &&
    uncovered.length > 0 &&
    full &&
    window.dataset === undefined
  ) {
    const first: NewBaseline = {
      id: uuidv7(dependencies.clock.now()),
      key: `outputs:${baseline.id ?? ''}`,
      about: { type: 'first', name: named(monitor.number + 1), rows: window.rows },
      fields: uncovered,
    };
    made.push(first);
    notes.push(
      `${baseline.about.name} contains no predictions. Predictions of later windows are compared with this window.`,
    );
  }
  const self = made.find(({ key }) => key === FIRST);
  const unknown =
    'unknown' in main
      ? main.unknown
      : 'first' in main
        ? full
          ? `This window is the baseline of later windows.${main.reason === undefined ? '' : ` ${main.reason}`}`
          : `There is no baseline yet, because no window had ${spec.minSamples} rows.`
        : undefined;
  const existing = new Set(current.map(keyOfField));
  return {
    fields: compareFields(current, baseline, complement),
    lost: [...(baseline?.fields ?? []), ...(complement?.fields ?? [])].flatMap(([key, field]) =>
      existing.has(key) ? [] : [field],
    ),
    baseline: baseline ?? (self === undefined ? undefined : asBaseline(self)),
    against: baseline?.about.name ?? 'the baseline',
    unknown,
    made,
    notes,
  };
}

/** Returns fields that were compared before: outputs, and inputs that earlier windows contained. */
function lostOf({ lost }: Compared, known: readonly string[]): readonly StoredField[] {
  return lost.filter(({ side, name }) => side === 'output' || known.includes(name));
}

/** Returns the outputs of the first window with this baseline. */
async function firstOf(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  baseline: Baseline | undefined,
): Promise<Baseline | undefined> {
  if (baseline === undefined || baseline.about.type !== 'dataset') return undefined;
  return await storedBaseline(dependencies, monitor, `outputs:${baseline.id ?? ''}`);
}

/** Restricts a baseline to training data, which skew requires. */
function trainingOnly(found: FoundBaseline): FoundBaseline {
  if ('unknown' in found) return found;
  const reason =
    'first' in found ? found.reason : found.found.about.type === 'dataset' ? undefined : found.found.about.reason;
  if ('found' in found && found.found.about.type === 'dataset') return found;
  return { unknown: reason ?? 'The training dataset of the active version is unknown.' };
}

async function describeVersions(
  { database, versions }: MonitoringDependencies,
  monitor: MonitorRow,
  window: OpenWindow,
): Promise<ServedVersion[]> {
  return await transact(database, { mode: 'read', projectId: monitor.project_id }, async (tx) => {
    const described: ServedVersion[] = [];
    for (const { model, version, rows } of window.versions.slice(0, 20)) {
      const node = /^\d{1,9}$/.test(version) ? await versionKeyOf(tx, model, Number(version)) : undefined;
      const id = node === undefined ? undefined : await trainedOn(tx, model, version);
      const data = id === undefined ? undefined : await versions.read(tx, id).catch(() => undefined);
      described.push({
        model,
        version,
        rows,
        ...(node !== undefined && { node }),
        ...(data !== undefined && { trainedOn: `${data.dataset}@${data.number}` }),
      });
    }
    return described;
  });
}

/** Returns the inputs of earlier windows of the same version, and these with the inputs of this window. */
function knownInputs(monitor: MonitorRow, window: OpenWindow) {
  const [version] = window.versions;
  const by =
    window.dataset !== undefined
      ? 'dataset'
      : version === undefined
        ? undefined
        : `${version.model}/${version.version}`;
  const before = by === undefined ? [] : (monitor.known_inputs[by] ?? []);
  const now = window.fields.flatMap(({ side, name }) => (side === 'input' ? [name] : []));
  return { by, before, after: [...new Set([...before, ...now])] };
}

export function knownInputsKey(evaluated: EvaluatedWindow): string | undefined {
  const [version] = evaluated.versions;
  return evaluated.window.dataset !== undefined
    ? 'dataset'
    : version === undefined
      ? undefined
      : `${version.model}/${version.version}`;
}

/** Counts rows outside the range of the baseline. */
async function countOutside(
  runner: QueryRunner,
  window: OpenWindow,
  fields: readonly ComparedField[],
): Promise<ReadonlyMap<string, number>> {
  const byKey = new Map(window.fields.map((field) => [keyOfField(field), field]));
  const requested = fields.flatMap(({ field, baseline, current }) => {
    const of = byKey.get(keyOfField(field));
    const then = baseline?.summary;
    if (of === undefined || field.side !== 'input' || then?.type !== 'numbers' || !isNumeric(of)) return [];
    if (then.min === undefined || then.max === undefined || current.type !== 'numbers') return [];
    // If the range of the window is within the baseline, no row is outside.
    if ((current.min ?? then.min) >= then.min && (current.max ?? then.max) <= then.max) return [];
    return [{ field: of, low: then.min, high: then.max }];
  });
  if (requested.length === 0 || window.rows === 0) return new Map();
  const columns = requested.map(({ field, low, high }: { field: Field; low: number; high: number }, at) => {
    const value = finiteOf(field);
    const beyond = call('or', call('<', value, literal(low, 'float64')), call('>', value, literal(high, 'float64')));
    return named(`o${at}`, aggregate('count', [], { where: beyond }));
  });
  const query = { type: 'aggregate' as const, from: window.data.relation, by: [], columns };
  const cells = cellsOf(await runner.queryOne(window.data.tables, query, 1));
  return new Map(requested.map(({ field }, at) => [field.name, count(cells.get(`o${at}`))]));
}

async function sloBefore(
  { database }: MonitoringDependencies,
  monitor: MonitorRow,
  check: Extract<MonitorRow['spec']['checks'][number], { type: 'slo' }>,
): Promise<readonly SloSums[]> {
  const most = Math.max(...check.burn.map(({ windows }) => windows)) - 1;
  if (most <= 0) return [];
  const rows = await transact(
    database,
    { mode: 'read', projectId: monitor.project_id },
    async ({ sql }) =>
      await sql.query<{ sums: SloSums | null }>(
        `select sums->'slo'->$2 as sums from monitoring.window where monitor = $1 order by number desc limit $3`,
        [monitor.uid, nameOfCheck(check), most],
        'slo_before',
      ),
  );
  return rows.flatMap(({ sums }) => sums ?? { requests: 0, failed: 0 });
}
