/** Differences between two versions. Pure functions. */
import type { Objective } from './model-spec.ts';
import type { ModelFile } from './model-file.ts';

export interface DiffRow {
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly differs: boolean;
}

/** Keys of both, in order. */
export function diffRecords(
  before: Readonly<Record<string, string | number>>,
  after: Readonly<Record<string, string | number>>,
): readonly DiffRow[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted().map((key) => {
    const a = shown(before[key]);
    const b = shown(after[key]);
    return { key, before: a, after: b, differs: a !== b };
  });
}

function shown(value: string | number | undefined): string | undefined {
  return typeof value === 'number' ? numberText(value) : value;
}

/** Six significant digits, as people compare values. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(value.toPrecision(6)));
}

/** The fields of a signature by `input distance`. */
export function signatureRecord(file: ModelFile | undefined): Readonly<Record<string, string>> {
  const part = (word: string, fields: ModelFile['inputs']) =>
    fields.map(({ name, type, optional }) => [`${word} ${name}`, optional ? `${type}, optional` : type] as const);
  if (file === undefined) return {};
  return Object.fromEntries([
    ...part('input', file.inputs),
    ...part('output', file.outputs),
    ...part('parameter', file.params),
  ]);
}

export interface ObjectiveRow {
  readonly objective: Objective;
  readonly before: number | undefined;
  readonly after: number | undefined;
  /** Whether the second value is better, by the direction of the metric. */
  readonly result: 'better' | 'worse' | 'same' | 'unknown';
  /** Whether the second value meets the target; undefined without a target or a value. */
  readonly met: boolean | undefined;
}

type Metrics = Readonly<Record<string, number | string>>;

export function objectiveRows(
  objectives: readonly Objective[],
  before: Metrics | undefined,
  after: Metrics,
): readonly ObjectiveRow[] {
  return objectives.map((objective) => {
    const a = numberOf(before?.[objective.metric]);
    const b = numberOf(after[objective.metric]);
    return { objective, before: a, after: b, result: resultOf(objective, a, b), met: isMet(objective, b) };
  });
}

function resultOf({ direction }: Objective, before: number | undefined, after: number | undefined) {
  if (before === undefined || after === undefined) return 'unknown';
  if (before === after) return 'same';
  return (direction === 'maximize') === after > before ? 'better' : 'worse';
}

function isMet({ direction, target }: Objective, value: number | undefined): boolean | undefined {
  if (target === undefined || value === undefined) return undefined;
  return direction === 'maximize' ? value >= target : value <= target;
}

/** NaN and infinities, which are strings, are not compared. */
function numberOf(value: number | string | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
