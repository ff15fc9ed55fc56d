/** Exported histories: CSV of `run.history()` or of a chart, or one JSON object per line. */
import { basename } from 'node:path';
import { countNoun, DaisError } from '@dais/api';
import { storable } from '../exact-json.ts';
import { streamFile, type LogFile } from '../run-logs/log-file.ts';
import { LatestPoints, seriesOf, type LogPoint } from '../run-logs/log-metrics.ts';
import { runIdOf } from '../run-logs/log-text.ts';
import { textLines } from '../run-logs/text-lines.ts';
import type { LoggedRun, ReadLog } from '../run-logs/run-log-source.ts';
import type { Problem } from '../tally.ts';
import { csvRows, MalformedCsv } from './csv-rows.ts';
import { isMap, pointsOfRow } from './history.ts';
import { looseJson } from './loose-json.ts';
import type { Item } from './record.ts';

interface ExportedPoint extends LogPoint {
  /** Name of the run. */
  readonly run: string;
}

const STEPS = ['_step', 'Step', 'step', 'global_step'];
const TIMES = ['_timestamp', 'timestamp'];
/** Between the name of a run and the name of a metric in an exported chart. */
const SEPARATOR = ' - ';
const RANGE = /__(?:MIN|MAX)$/;
const LONGEST_LINE = 16 << 20;
const NUMBERS: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Infinity,
  infinity: Infinity,
  '-inf': -Infinity,
  '-infinity': -Infinity,
  true: 1,
  false: 0,
};

export async function readExport(file: LogFile, experiment: string): Promise<ReadLog> {
  const problems: Problem[] = [];
  const notes: string[] = [];
  const runs = new Map<string, LatestPoints>();
  const damage = (why: string) => problems.push({ what: file.path, why });
  for await (const point of pointsOf(file, damage)) {
    let latest = runs.get(point.run);
    if (latest === undefined) runs.set(point.run, (latest = new LatestPoints()));
    latest.add(point);
  }
  if (runs.size === 0 && problems.length === 0) {
    const detail = `${file.path} contains no metrics. It must have a row of column names, such as _step,loss, or one JSON object per line.`;
    throw new DaisError('invalid_request', detail);
  }
  return { runs: [...runs].map(([run, latest]) => runOf(file, experiment, run, latest)), problems, notes };
}

function runOf(file: LogFile, experiment: string, name: string, latest: LatestPoints): LoggedRun {
  const { lastAt, firstAt } = latest;
  return {
    experiment,
    run: {
      id: runIdOf('wandb-export', experiment, basename(file.path), name),
      name: name.slice(0, 250),
      user: '',
      status: 'FINISHED',
      // Charts have no times.
      startedAt: firstAt || file.modifiedAt,
      endedAt: lastAt || file.modifiedAt,
      deleted: false,
      artifactUri: '',
      params: {},
      tags: { 'mlflow.runName': name.slice(0, 250), 'wandb.export': basename(file.path) },
      metrics: latest.all(),
      datasets: [],
      modelInputs: [],
      modelOutputs: [],
      contentState: String(file.size),
    },
    files: [{ path: `wandb/${basename(file.path)}`, size: file.size, open: async () => streamFile(file) }],
    histories: () => seriesOf(pointsOfRun(file, name)),
  };
}

async function* pointsOfRun(file: LogFile, run: string): AsyncGenerator<LogPoint> {
  for await (const point of pointsOf(file, () => {})) if (point.run === run) yield point;
}

async function* pointsOf(file: LogFile, damage: (why: string) => void): AsyncGenerator<ExportedPoint> {
  const stream = streamFile(file).setEncoding('utf8');
  try {
    if (/\.csv$/i.test(file.path)) yield* pointsOfCsv(file, stream as AsyncIterable<string>);
    else yield* pointsOfLines(file, stream as AsyncIterable<string>, damage);
  } catch (error) {
    if (!(error instanceof MalformedCsv)) throw error;
    damage(`${error.message}. The rows before are imported.`);
  } finally {
    stream.destroy();
  }
}

async function* pointsOfCsv(file: LogFile, text: AsyncIterable<string>): AsyncGenerator<ExportedPoint> {
  let columns: readonly string[] | undefined;
  let row = -1;
  for await (const cells of csvRows(text)) {
    if (columns === undefined) {
      columns = cells.map((cell) => cell.replace(/^\uFEFF/, ''));
      continue;
    }
    row += 1;
    const cell = (names: readonly string[]) => numberIn(cells[columns!.findIndex((column) => names.includes(column))]);
    const step = cell(STEPS) ?? row;
    const time = cell(TIMES);
    const own = runNameOf(file);
    for (const [run, items] of Map.groupBy(itemsOf(columns, cells, own), (item) => item.run)) {
      const fields: Item[] = [...items, { path: ['_step'], value: step }, { path: ['_timestamp'], value: time ?? 0 }];
      for (const point of pointsOfRow(fields, undefined)) yield { ...point, run };
    }
  }
}

function* itemsOf(columns: readonly string[], cells: readonly string[], own: string) {
  const named = new Set(columns);
  const isChart = columns.some((column) => column.includes(SEPARATOR));
  for (const [at, column] of columns.entries()) {
    const value = numberIn(cells[at]);
    if (value === undefined || STEPS.includes(column) || TIMES.includes(column) || column === '') continue;
    if (RANGE.test(column) && named.has(column.replace(RANGE, ''))) continue;
    const split = isChart ? column.lastIndexOf(SEPARATOR) : -1;
    if (split === -1) yield { run: own, path: [column], value };
    else yield { run: storable(column.slice(0, split)), path: [column.slice(split + SEPARATOR.length)], value };
  }
}

async function* pointsOfLines(
  file: LogFile,
  text: AsyncIterable<string>,
  damage: (why: string) => void,
): AsyncGenerator<ExportedPoint> {
  const run = runNameOf(file);
  let [number, row, damaged, first] = [0, 0, 0, 0];
  for await (const line of textLines(text, LONGEST_LINE)) {
    number += 1;
    if (line.text.trim() === '') continue;
    const value = line.isTooLong ? undefined : looseJson(line.text);
    if (!isMap(value)) {
      if (damaged++ === 0) first = number;
      continue;
    }
    const items = Object.entries(value).map(([key, one]): Item => ({ path: [key], value: one }));
    const time = TIMES.map((name) => value[name]).find((one) => typeof one === 'number');
    const step = STEPS.map((name) => value[name]).find((one) => typeof one === 'number');
    const rest = items.filter(({ path }) => !STEPS.includes(path[0]!) && !TIMES.includes(path[0]!));
    const fields = [...rest, { path: ['_step'], value: step ?? row }, { path: ['_timestamp'], value: time ?? 0 }];
    row += 1;
    for (const point of pointsOfRow(fields, undefined)) yield { ...point, run };
  }
  if (damaged > 0) {
    damage(
      `${countNoun(damaged, 'line')} not JSON objects, the first is line ${first}. ${countNoun(row, 'other line')} imported.`,
    );
  }
}

const runNameOf = ({ path }: LogFile): string => basename(path).replace(/\.[^.]+$/, '');

function numberIn(cell: string | undefined): number | undefined {
  const text = cell?.trim() ?? '';
  if (text === '') return undefined;
  const value = NUMBERS[text.toLowerCase()] ?? Number(text);
  return Number.isNaN(value) && text.toLowerCase() !== 'nan' ? undefined : value;
}
