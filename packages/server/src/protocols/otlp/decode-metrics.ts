/**
 * `ExportMetricsServiceRequest`, field numbers as in opentelemetry-proto 1.5
 * (https://github.com/open-telemetry/opentelemetry-proto/blob/v1.5.0/opentelemetry/proto/metrics/v1/metrics.proto).
 */
import { ProtobufReader } from '#lib/formats/protobuf-reader.ts';
import {
  attributesOf,
  enumOf,
  JsonError,
  listOf,
  mapOf,
  parsedBody,
  resourceOf,
  textOf,
  timeOf,
  type Json,
} from './decode-json.ts';
import { readAttribute, readResource } from './decode-protobuf.ts';
import { newPoint, type MetricDraft, type PointDraft, type ResourceMetrics } from './metric-draft.ts';
import { MAX_ITEMS, TooManyItems } from './otlp-http.ts';
import { clean } from './span-draft.ts';

/** Quantiles of one point of a summary; the others are omitted. */
const MAX_QUANTILES = 100;
const TEMPORALITIES: readonly string[] = ['UNSPECIFIED', 'DELTA', 'CUMULATIVE'].map(
  (name) => `AGGREGATION_TEMPORALITY_${name}`,
);

/** Refuses a request with too many data points before they use memory. */
class PointCounter {
  #points = 0;

  add(into: PointDraft[], point: PointDraft): void {
    if (++this.#points > MAX_ITEMS) throw new TooManyItems();
    into.push(point);
  }
}

/** @throws JsonError, TooManyItems */
export function decodeMetricsJson(bytes: Buffer): ResourceMetrics[] {
  const counter = new PointCounter();
  return listOf(parsedBody(bytes), 'resourceMetrics').map((resourceMetrics) => ({
    resource: resourceOf(resourceMetrics),
    metrics: listOf(resourceMetrics, 'scopeMetrics').flatMap((scopeMetrics) =>
      listOf(scopeMetrics, 'metrics').map((metric) => metricOf(metric, counter)),
    ),
  }));
}

const READ_JSON = {
  gauge: (point: Json) => [['', numberOf(point)]],
  sum: (point: Json) => [['', numberOf(point)]],
  histogram: distributionOf,
  exponentialHistogram: distributionOf,
  summary: (point: Json) => [
    ...distributionOf(point),
    ...listOf(point, 'quantileValues')
      .slice(0, MAX_QUANTILES)
      .map((one) => [quantileName(doubleOf(one, 'quantile') ?? 0), doubleOf(one, 'value') ?? 0]),
  ],
} as const satisfies Readonly<Record<string, (point: Json) => readonly (readonly (string | number)[])[]>>;

function metricOf(metric: Json, counter: PointCounter): MetricDraft {
  const draft: MetricDraft = { name: textOf(metric, 'name'), temporality: undefined, points: [] };
  for (const [type, read] of Object.entries(READ_JSON)) {
    const data = metric[type] ?? metric[type.replace('H', '_h')];
    if (data === undefined || data === null) continue;
    const map = mapOf(data, type);
    if (type !== 'gauge' && type !== 'summary') {
      draft.temporality = enumOf(map['aggregationTemporality'] ?? map['aggregation_temporality'], TEMPORALITIES);
    }
    for (const one of listOf(map, 'dataPoints')) {
      const point = newPoint();
      point.time = timeOf(one, 'timeUnixNano');
      point.flags = typeof one['flags'] === 'number' ? one['flags'] : 0;
      point.attributes = attributesOf(one);
      point.values = read(one) as PointDraft['values'];
      counter.add(draft.points, point);
    }
  }
  return draft;
}

function numberOf(point: Json): number {
  return doubleOf(point, 'asDouble') ?? doubleOf(point, 'asInt') ?? 0;
}

function distributionOf(point: Json): PointDraft['values'] {
  const values: PointDraft['values'] = [['.count', doubleOf(point, 'count') ?? 0]];
  for (const name of ['sum', 'min', 'max']) {
    const value = doubleOf(point, name);
    if (value !== undefined) values.push([`.${name}`, value]);
  }
  return values;
}

/** A number, or its text: 64-bit integers, `NaN`, `Infinity`. */
function doubleOf(map: Json, name: string): number | undefined {
  const value = map[name] ?? map[name.replace('I', '_i').replace('D', '_d')];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && value !== '' && (value === 'NaN' || !Number.isNaN(Number(value)))) {
    return Number(value);
  }
  throw new JsonError(`${name} is not a number`);
}

/** `.p50`, `.p99.9` */
function quantileName(quantile: number): string {
  return `.p${Number((quantile * 100).toPrecision(6))}`;
}

/** @throws ProtobufError, TooManyItems */
export function decodeMetricsProtobuf(bytes: Buffer): ResourceMetrics[] {
  const reader = new ProtobufReader(bytes);
  const counter = new PointCounter();
  const all: ResourceMetrics[] = [];
  while (reader.next()) {
    if (reader.field !== 1) reader.skip();
    else {
      const one: ResourceMetrics = { resource: {}, metrics: [] };
      all.push(one);
      readFields(reader, {
        1: () => readResource(reader, one.resource),
        2: () => readFields(reader, { 2: () => one.metrics.push(readMetric(reader, counter)) }),
      });
    }
  }
  return all;
}

/** Reads a message: a function for each field number, all other fields are skipped. */
function readFields(reader: ProtobufReader, fields: Readonly<Record<number, () => unknown>>): void {
  reader.message(() => {
    while (reader.next()) {
      const read = fields[reader.field];
      if (read === undefined) reader.skip();
      else read();
    }
  });
}

function readMetric(reader: ProtobufReader, counter: PointCounter): MetricDraft {
  const draft: MetricDraft = { name: '', temporality: undefined, points: [] };
  const data = (readPoint: (point: PointDraft) => void) => () =>
    readFields(reader, {
      1: () => {
        const point = newPoint();
        readPoint(point);
        counter.add(draft.points, point);
      },
      2: () => (draft.temporality = reader.int32()),
    });
  readFields(reader, {
    1: () => (draft.name = clean(reader.text())),
    5: data((point) => readNumberPoint(reader, point)),
    7: data((point) => readNumberPoint(reader, point)),
    9: data((point) => readHistogramPoint(reader, point)),
    10: data((point) => readExponentialPoint(reader, point)),
    11: data((point) => readSummaryPoint(reader, point)),
  });
  return draft;
}

function readNumberPoint(reader: ProtobufReader, point: PointDraft): void {
  let value = 0;
  readFields(reader, {
    3: () => (point.time = reader.fixed64()),
    4: () => (value = reader.double()),
    6: () => (value = Number(BigInt.asIntN(64, reader.fixed64()))),
    7: () => readAttribute(reader, point.attributes, 0),
    8: () => (point.flags = reader.int32()),
  });
  point.values = [['', value]];
}

function readHistogramPoint(reader: ProtobufReader, point: PointDraft): void {
  const { values } = point;
  readFields(reader, {
    3: () => (point.time = reader.fixed64()),
    4: () => values.push(['.count', Number(reader.fixed64())]),
    5: () => values.push(['.sum', reader.double()]),
    9: () => readAttribute(reader, point.attributes, 0),
    10: () => (point.flags = reader.int32()),
    11: () => values.push(['.min', reader.double()]),
    12: () => values.push(['.max', reader.double()]),
  });
  requireCount(values);
}

function readExponentialPoint(reader: ProtobufReader, point: PointDraft): void {
  const { values } = point;
  readFields(reader, {
    1: () => readAttribute(reader, point.attributes, 0),
    3: () => (point.time = reader.fixed64()),
    4: () => values.push(['.count', Number(reader.fixed64())]),
    5: () => values.push(['.sum', reader.double()]),
    10: () => (point.flags = reader.int32()),
    12: () => values.push(['.min', reader.double()]),
    13: () => values.push(['.max', reader.double()]),
  });
  requireCount(values);
}

function readSummaryPoint(reader: ProtobufReader, point: PointDraft): void {
  const { values } = point;
  const quantiles: PointDraft['values'] = [];
  let sum = 0;
  readFields(reader, {
    3: () => (point.time = reader.fixed64()),
    4: () => values.push(['.count', Number(reader.fixed64())]),
    5: () => (sum = reader.double()),
    6: () => {
      let [quantile, value] = [0, 0];
      readFields(reader, { 1: () => (quantile = reader.double()), 2: () => (value = reader.double()) });
      if (quantiles.length < MAX_QUANTILES) quantiles.push([quantileName(quantile), value]);
    },
    7: () => readAttribute(reader, point.attributes, 0),
    8: () => (point.flags = reader.int32()),
  });
  requireCount(values);
  values.push(['.sum', sum], ...quantiles);
}

/** Zero is not written in protocol buffers. */
function requireCount(values: PointDraft['values']): void {
  if (!values.some(([suffix]) => suffix === '.count')) values.unshift(['.count', 0]);
}
