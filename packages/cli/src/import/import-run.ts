/** Imports one run with its histories and files, then compares it. */
import { DaisError } from '@dais/api';
import {
  importMetricsOperation,
  importRunOperation,
  readRunOperation,
  type MetricPoint,
  type Run,
} from '@dais/api/tracking';
import { copyArtifacts, type ArtifactDependencies } from './copy-artifacts.ts';
import type { Series, SourceRun, TrackingSource } from './source.ts';

/** In one request; the rest of a longer history follows in the next. */
const POINTS_AT_ONCE = 50_000;
/** In one request, so that its body stays below the limit of a server. */
const SERIES_AT_ONCE = 1000;

export interface RunOptions {
  readonly experimentId: string;
  readonly withArtifacts: boolean;
  /** The run is new in Dais. */
  readonly fresh: boolean;
  readonly all: boolean;
}

/**
 * @throws DaisError also when the stored run differs from the source.
 */
export async function importRun(
  dependencies: ArtifactDependencies,
  run: SourceRun,
  options: RunOptions,
): Promise<void> {
  const { target, tally } = dependencies;
  const { artifactUri: from, metrics: _later, contentState: _state, startedAt, ...record } = run;
  const input = { ...record, startedAt, source: target.source, experimentId: options.experimentId };
  const { artifactUri } = await target.client.perform(importRunOperation, input, target.settings);
  const points = await importHistories(dependencies, run);
  const here = await target.client.perform(readRunOperation, { id: run.id }, target.settings);
  compare(run, here);
  if (options.withArtifacts)
    await copyArtifacts(dependencies, { type: 'run', id: run.id, artifactUri: from }, artifactUri, options);
  tally.add({ points, params: Object.keys(run.params).length, tags: Object.keys(run.tags).length });
}

/** Returns the number of points. */
async function importHistories({ source, target }: ArtifactDependencies, run: SourceRun): Promise<number> {
  let total = 0;
  let waiting: Series[] = [];
  let size = 0;
  const expected = new Map<string, number>();
  const flush = async () => {
    if (waiting.length === 0) return;
    const input = { runId: run.id, series: waiting };
    const { series } = await target.client.perform(importMetricsOperation, input, target.settings);
    for (const { key, points } of series) requireAtLeast(key, expected.get(key) ?? 0, points);
    [waiting, size] = [[], 0];
  };
  const countsAll = source.repeatsPoints !== true;
  for await (const { key, ...page } of source.histories?.(run) ?? historiesByKey(source, run)) {
    for (let from = 0; from < page.steps.length; from += POINTS_AT_ONCE) {
      const to = Math.min(from + POINTS_AT_ONCE, page.steps.length);
      if (size + (to - from) > POINTS_AT_ONCE || waiting.length >= SERIES_AT_ONCE) await flush();
      expected.set(key, countsAll ? (expected.get(key) ?? 0) + to - from : 1);
      waiting.push({
        key,
        steps: page.steps.slice(from, to),
        timestamps: page.timestamps.slice(from, to),
        values: page.values.slice(from, to),
      });
      size += to - from;
      total += to - from;
    }
  }
  await flush();
  return total;
}

async function* historiesByKey(source: TrackingSource, run: SourceRun): AsyncGenerator<Series> {
  for (const { key } of run.metrics) {
    for await (const page of source.history(run.id, key)) yield { key, ...page };
  }
}

/** More points than in the source are no problem: a client may also log into the run here, and a source has no duplicates. */
function requireAtLeast(key: string, there: number, here: number): void {
  if (here >= there) return;
  throw new DaisError('digest_mismatch', `"${key}" has ${there} points in the source and ${here} here.`);
}

/** Verifies that everything that was sent is stored unchanged. @throws DaisError `digest_mismatch`. */
function compare(there: SourceRun, here: Run): void {
  const differences = [
    ...differing('parameter', there.params, here.params),
    ...differing('tag', there.tags, here.tags),
    ...(['name', 'user', 'status', 'startedAt', 'endedAt'] as const).filter((field) => there[field] !== here[field]),
  ];
  const latest = new Map(here.metrics.map((metric) => [metric.key, metric]));
  for (const { key, value, step } of there.metrics) {
    const found = latest.get(key);
    if (found === undefined || (found.step === step && !sameValue(found.value, value)) || found.step < step) {
      differences.push(`metric "${key}"`);
    }
  }
  if (differences.length === 0) return;
  const shown = differences.slice(0, 5).join(', ');
  throw new DaisError('digest_mismatch', `Run ${there.id} differs from the source: ${shown}.`);
}

function differing(what: string, there: Readonly<Record<string, string>>, here: Readonly<Record<string, string>>) {
  return Object.entries(there).flatMap(([key, value]) => (here[key] === value ? [] : [`${what} "${key}"`]));
}

/** Infinity is kept as the largest number on both sides, and may be returned as either. */
function sameValue(a: MetricPoint['value'], b: MetricPoint['value']): boolean {
  const [x, y] = [Number(a), Number(b)].map((value) => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value)));
  return x === y || (Number.isNaN(x) && Number.isNaN(y));
}
