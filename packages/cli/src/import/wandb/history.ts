/** Metric points in the rows of a history. */
import { millisecondsOf, type LogPoint } from '../run-logs/log-metrics.ts';
import type { Item } from './record.ts';

/** Columns about the row itself. */
const INTERNAL = new Set(['_step', '_runtime', '_timestamp', '_wandb']);
const TYPE = '_type';

/** Numbers and booleans become points. Texts, media and histograms have no history in Dais. */
export function* pointsOfRow(items: readonly Item[], declaredStep: number | undefined): Generator<LogPoint> {
  const single = (name: string) => items.find(({ path }) => path.length === 1 && path[0] === name)?.value;
  const step = Number(single('_step') ?? declaredStep ?? 0);
  const timestamp = millisecondsOf(Number(single('_timestamp') ?? 0));
  const media = mediaIn(items);
  for (const { path, value } of items) {
    if (INTERNAL.has(path[0] ?? '') || isIn(media, path)) continue;
    for (const [key, number] of numbersIn(path.join('.'), value)) yield { key, step, timestamp, value: number };
  }
}

/** Names of the maps that have a type, which makes them media. */
export function mediaIn(items: Iterable<Item>): ReadonlySet<string> {
  const media = new Set<string>();
  for (const { path } of items) if (path.at(-1) === TYPE) media.add(keyOf(path.slice(0, -1)));
  return media;
}

/** Whether a path is one of these maps, or within one. */
export const isIn = (maps: ReadonlySet<string>, path: readonly string[]): boolean =>
  maps.size > 0 && path.some((_part, at) => maps.has(keyOf(path.slice(0, at + 1))));

const keyOf = (path: readonly string[]): string => JSON.stringify(path);

/** Numbers in nested maps. Those with a type are media. */
function* numbersIn(key: string, value: unknown, depth = 0): Generator<[string, number]> {
  if (typeof value === 'number') yield [key, value];
  else if (typeof value === 'boolean') yield [key, value ? 1 : 0];
  else if (isMap(value) && !(TYPE in value) && depth < 10) {
    for (const [name, inner] of Object.entries(value)) yield* numbersIn(`${key}.${name}`, inner, depth + 1);
  }
}

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
