/** Selects the prediction and score among the outputs, and defines equality of classes. */
import type { MonitorSpec } from '@dais/api/monitoring';
import { call, cast, literal, when } from '#engines/query/model/build.ts';
import type { Expression } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import { cellText } from '../query-runner.ts';
import { isNamed, type Field } from './fields.ts';

/** Common output names of models. */
const USUAL = ['prediction', 'predictions', 'label', 'output_label', 'class', 'y', 'output'];
const USUAL_SCORES = ['probabilities', 'output_probability', 'probability', 'proba', 'scores', 'score'];

export interface Target {
  readonly task: 'classification' | 'regression';
  /** The name of the prediction output. */
  readonly name: string;
  /** Regression: the predicted number. */
  readonly value: Expression;
  /** Classification: the predicted class, as text. */
  readonly predicted: Expression;
  /** Converts a label to its class, as text. */
  readonly actual: (label: Expression) => Expression;
  /** The positive class, if it is configured. */
  readonly positive: string | undefined;
  /** The probability of the positive class. */
  readonly score: Field | undefined;
}

/** Selects the target of the predictions. `unknown`: why there is none. */
export function targetOf(
  spec: MonitorSpec['prediction'],
  fields: readonly Field[],
): Target | { readonly unknown: string } {
  const outputs = fields.filter(({ side, family }) => side === 'output' && family !== 'other');
  const score = scoreOf(spec, outputs);
  if (spec.score !== undefined && score === undefined) {
    return { unknown: `The score ${spec.score} is not an output of the window, or is not a number.` };
  }
  const scores = score === undefined ? [] : [score.name.replace(/\[\d+\]$/, '')];
  const classes = outputs.filter((field) => spec.column !== undefined || !isNamed(field, scores));
  const found = spec.threshold === undefined ? predictionOf(spec, classes) : undefined;
  if (found === undefined && score !== undefined && spec.column === undefined && needsClasses(spec)) {
    return ofThreshold(spec, score);
  }
  const prediction = found ?? (spec.column === undefined ? predictionOf(spec, outputs) : undefined);
  if (prediction === undefined) {
    return {
      unknown:
        spec.column === undefined
          ? 'No output can be used as the prediction. Set `prediction.column`.'
          : `The output ${spec.column} is not in the window.`,
    };
  }
  const scored = spec.score !== undefined || spec.threshold !== undefined;
  const byType = /^(float|decimal)/.test(prediction.type) && !scored ? 'regression' : 'classification';
  const task = spec.task ?? byType;
  return {
    task,
    name: prediction.name,
    value: prediction.value,
    predicted: classOf(prediction.value),
    actual: classOf,
    positive: spec.positive,
    score: task === 'regression' ? undefined : score,
  };
}

/** Whether a score may be thresholded into classes, which needs a setting in the manifest. */
function needsClasses({ task, score, threshold }: MonitorSpec['prediction']): boolean {
  return task === 'classification' || score !== undefined || threshold !== undefined;
}

function ofThreshold({ threshold = 0.5, positive }: MonitorSpec['prediction'], score: Field): Target {
  const [yes, no] = positive === undefined ? ['1.0', '0.0'] : [wordOfClass(positive), `not ${positive}`];
  const actual = (label: Expression): Expression => {
    const is = call('=', classOf(label), literal(yes));
    if (positive !== undefined) return when(is, literal(yes), literal(no));
    const words = call('lower', cast(label, 'string'));
    const truth = when(call('=', words, literal('false')), literal(no), classOf(label));
    return when(call('=', words, literal('true')), literal(yes), truth);
  };
  return {
    task: 'classification',
    name: score.name,
    value: score.value,
    predicted: when(
      call('>=', cast(score.value, 'float64'), literal(threshold, 'float64')),
      literal(yes),
      when(call('is-not-null', score.value), literal(no)),
    ),
    actual,
    positive,
    score,
  };
}

/** Returns the prediction output, if there is one. */
function predictionOf(spec: MonitorSpec['prediction'], outputs: readonly Field[]): Field | undefined {
  if (spec.column !== undefined) return outputs.find((field) => isNamed(field, [spec.column ?? '']));
  for (const name of USUAL) {
    const found = outputs.find((field) => field.name.toLowerCase() === name);
    if (found !== undefined) return found;
  }
  return outputs[0];
}

/** Returns the score output. In a list of two, the second element is the probability of the positive class. */
function scoreOf({ score, task }: MonitorSpec['prediction'], outputs: readonly Field[]): Field | undefined {
  if (task === 'regression') return undefined;
  const numbers = outputs.filter(({ family, type }) => family === 'number' && (score !== undefined || isReal(type)));
  for (const name of score === undefined ? USUAL_SCORES : [score]) {
    const same = numbers.filter((field) => isNamed(field, [name]));
    const exact = same.find((field) => field.name.toLowerCase() === name.toLowerCase());
    if (exact !== undefined) return exact;
    if (same.length === 2) return same[1];
    if (same.length === 1) return same[0];
  }
  return undefined;
}

function isReal(type: string): boolean {
  return /^(float|decimal)/.test(type);
}

/** Returns the minimum lengths of list columns that the manifest addresses by element. */
export function leastSizes({ prediction }: MonitorSpec): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const name of [prediction.column, prediction.score]) {
    const match = /^(.+)\[(\d{1,2})\]$/.exec(name ?? '');
    if (match === null) continue;
    const column = `out_${match[1]}`;
    sizes.set(column, Math.max(sizes.get(column) ?? 0, Number(match[2]) + 1));
  }
  return sizes;
}

/** Normalizes a class to text: `1` and `1.0` are equal. */
function classOf(value: Expression): Expression {
  const words = call('lower', cast(value, 'string'));
  const number = cast(cast(words, 'float64', { lenient: true }), 'string');
  return call('coalesce', number, words);
}

/** Normalizes a configured class in the same way as `classOf`. */
function wordOfClass(text: string): string {
  const words = text.toLowerCase();
  return /^-?\d+$/.test(words) ? `${Number(words)}.0` : words;
}

/** Formats a class for display: `1.0` becomes `1`. */
export function classText(cell: Cell | undefined): string {
  return (cell === null || cell === undefined ? 'null' : cellText(cell)).replace(/^(-?\d+)\.0$/, '$1');
}

/** Returns a condition for the positive class, on classes of `classOf`. */
export function isPositive(classes: Expression, positive: string | undefined): Expression {
  const words = positive === undefined ? ['1.0', 'true'] : [wordOfClass(positive)];
  return { type: 'in', value: classes, options: words.map((word) => literal(word)) };
}

const USUAL_CLASSES: ReadonlySet<string> = new Set(['0', '1', 'true', 'false']);

/** Selects the positive class; `unknown` if it is ambiguous. */
export function positiveAmong(
  classes: Iterable<string>,
  positive: string | undefined,
): { readonly positive: string } | { readonly unknown: string } {
  if (positive !== undefined) return { positive };
  const existing = [...classes];
  const strange = existing.filter((name) => !USUAL_CLASSES.has(name));
  if (strange.length === 0) return { positive: existing.includes('true') || existing.includes('false') ? 'true' : '1' };
  const shown = strange.slice(0, 3).join(', ');
  return {
    unknown: `The positive class is unknown (classes include ${shown}). Set \`prediction.positive\`.`,
  };
}
