/**
 * Reads logged data of runs in the fastest form for PostgreSQL: one row for each run and part, with all keys in one text and
 * all values in another. JSON objects take 1.6 times as long, and as much again to parse in Node; one row per key takes the
 * driver five times as long.
 */
import type { LatestMetric } from '@dais/api';

/** Separator of texts. A text that contains it is detected by the number of texts, and read as JSON. */
const MARK = '\u0001';
const joined = (column: string) => `string_agg(${column}, E'\\x01')`;
const numbers = (column: string) => `string_agg(${column}::text, ',')`;

interface JoinedRow {
  readonly run: bigint;
  readonly n: number;
  readonly keys: string;
  /** Metrics: three lists of numbers, in JSON except for NaN and the infinities. */
  readonly texts: string;
}

export type DatasetTuple = [
  name: string,
  digest: string,
  sourceType: string,
  source: string,
  schema: string | null,
  profile: string | null,
  tags: Record<string, string>,
];
export type PartRow =
  | ({ readonly part: 'params' | 'tags' | 'metrics' } & JoinedRow)
  | { readonly part: 'datasets'; readonly run: bigint; readonly data: DatasetTuple[] }
  | { readonly part: 'inputs'; readonly run: bigint; readonly data: string[] }
  | { readonly part: 'outputs'; readonly run: bigint; readonly data: [model: string, step: number][] };

type MetricColumns = [keys: string[], values: LatestMetric['value'][], timestamps: number[], steps: number[]];
export type PlainRow =
  | { readonly part: 'params' | 'tags'; readonly run: bigint; readonly data: Record<string, string> }
  | { readonly part: 'metrics'; readonly run: bigint; readonly data: MetricColumns };

export const runParts = (of: '= $1' | '= any($1)') => `
select 'params' as part, run, count(*)::int as n, ${joined('key')} as keys, ${joined('value')} as texts, null::json as data
from tracking.param where run ${of} group by run
union all
select 'tags', run, count(*)::int, ${joined('key')}, ${joined('value')}, null from tracking.tag where run ${of} group by run
union all
select 'metrics', run, count(*)::int, ${joined('key')}, '[[' || ${numbers('value')} || '],[' || ${numbers('ts')} || '],[' || ${numbers('step')} || ']]',
  null
from tracking.metric where run ${of} group by run
union all
select 'datasets', i.run, null, null, null, json_agg(json_build_array(d.name, d.digest, d.source_type, d.source, d.schema, d.profile, i.tags) order by d.id)
from tracking.dataset_input i join tracking.dataset d on d.id = i.dataset where i.run ${of} group by i.run
union all
select 'inputs', run, null, null, null, json_agg(model order by model) from tracking.model_input where run ${of} group by run
union all
select 'outputs', run, null, null, null, json_agg(json_build_array(model, step) order by step, model) from tracking.model_output where run ${of} group by run`;

/** Reads the few runs with a text that contains the separator. */
export const PLAIN_PARTS = `
select 'params' as part, run, json_object_agg(key, value) as data from tracking.param where run = any($1) group by run
union all
select 'tags', run, json_object_agg(key, value) from tracking.tag where run = any($1) group by run
union all
select 'metrics', run, json_build_array(array_agg(key), array_agg(value), array_agg(ts), array_agg(step)) from tracking.metric where run = any($1) group by run`;

export function metricsOf([keys, values, timestamps, steps]: MetricColumns): LatestMetric[] {
  return keys.map((key, index) => ({
    key,
    value: values[index] ?? Number.NaN,
    timestamp: timestamps[index] ?? 0,
    step: steps[index] ?? 0,
  }));
}

/** Reads the rows of many runs, which mostly have the same keys. Undefined: a text contains the separator. */
export class JoinedReader {
  readonly #keys = new Map<string, string[] | undefined>();

  pairs({ n, keys: joinedKeys, texts }: JoinedRow): Record<string, string> | undefined {
    const keys = this.#keysOf(joinedKeys, n);
    const values = texts.split(MARK);
    if (keys === undefined || values.length !== n) return undefined;
    const pairs: Record<string, string> = {};
    for (let index = 0; index < n; index++) pairs[keys[index]!] = values[index]!;
    return pairs;
  }

  metrics({ n, keys: joinedKeys, texts }: JoinedRow): LatestMetric[] | undefined {
    const keys = this.#keysOf(joinedKeys, n);
    return keys === undefined ? undefined : metricsOf([keys, ...columnsOf(texts)]);
  }

  #keysOf(joinedKeys: string, n: number): string[] | undefined {
    // Different splits can give the same text.
    const name = `${n} ${joinedKeys}`;
    if (this.#keys.has(name)) return this.#keys.get(name);
    const split = joinedKeys.split(MARK);
    // An assignment of `__proto__` would not create a property.
    const keys = split.length === n && !split.includes('__proto__') ? split : undefined;
    this.#keys.set(name, keys);
    return keys;
  }
}

type NumberColumns = [values: LatestMetric['value'][], timestamps: number[], steps: number[]];

function columnsOf(texts: string): NumberColumns {
  // NaN and the infinities are not JSON.
  if (!/[NI]/.test(texts)) return JSON.parse(texts) as NumberColumns;
  return JSON.parse(texts.replaceAll(/-?(?:NaN|Infinity)/g, '"$&"')) as NumberColumns;
}
