/** The lines of metric files: time, value, step, and for logged models the run and the dataset. */
import { createReadStream } from 'node:fs';
import type { MetricPoint } from '@dais/api/tracking';
import { textLines } from '../run-logs/text-lines.ts';

export interface MetricLine extends MetricPoint {
  readonly rest: readonly string[];
}

const SPECIAL: Readonly<Record<string, MetricPoint['value']>> = {
  nan: 'NaN',
  inf: 'Infinity',
  '-inf': '-Infinity',
};
/** A line has at most some 200 characters. */
const LONGEST_LINE = 10_000;

/**
 * Yields the points of a file. Leaves out the last line without a line break: a training is writing it, or stopped
 * while it wrote. @throws Error for lines that are not points
 */
export async function* metricLines(path: string, end?: number): AsyncGenerator<MetricLine> {
  if (end === 0) return;
  let number = 0;
  const stream = createReadStream(path, { encoding: 'utf8', ...(end !== undefined && { end: end - 1 }) });
  for await (const { text, isTooLong, isLast } of textLines(stream as AsyncIterable<string>, LONGEST_LINE)) {
    number += 1;
    if (text.trim() === '' || (isLast && !isTooLong)) continue;
    const point = isTooLong ? undefined : pointOf(text);
    if (point === undefined) throw new Error(`${path} is damaged in line ${number}: it has no time, value and step.`);
    yield point;
  }
}

function pointOf(line: string): MetricLine | undefined {
  const [time = '', value = '', step = '0', ...rest] = line.trim().split(' ');
  const number = SPECIAL[value] ?? (value === '' ? Number.NaN : Number(value));
  const [timestamp, at] = [Number(time), Number(step)];
  if (Number.isNaN(number) || !Number.isSafeInteger(timestamp) || !Number.isSafeInteger(at)) return undefined;
  return { timestamp, value: number, step: at, rest };
}

/** Whether a point is the later one, as MLflow decides it: by step, time and value. */
export function isLater(a: MetricPoint, b: MetricPoint): boolean {
  if (a.step !== b.step) return a.step > b.step;
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp;
  return Number(a.value) > Number(b.value) || (b.value === 'NaN' && a.value !== 'NaN');
}
