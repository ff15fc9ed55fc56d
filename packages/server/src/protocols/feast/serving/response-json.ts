/** Serializes responses of a feature server, because Feast clients distinguish `5` and `5.0`, which JSON.stringify does not. */
import { elementType, type FeatureColumn, type OnlineFeatures, type ValueType } from '@dais/api/data';

/** The value that clients read for a missing time. */
const EPOCH = '"1970-01-01T00:00:00Z"';

/** Serializes by column: `results[i]` belongs to `feature_names[i]`. Join keys come first. */
export function responseJson({ entities, features }: OnlineFeatures, versions: boolean): string {
  const keys = Object.entries(entities);
  const names = [...keys.map(([name]) => name), ...features.map(({ name }) => name)];
  const views = versions
    ? `,"feature_view_metadata":${JSON.stringify([...new Set(features.map(({ view }) => view))].map((name) => ({ name })))}`
    : '';
  const results = [...keys.map(([, values]) => keyJson(values)), ...features.map(columnJson)];
  return `{"results":[${results.join(',')}],"metadata":{"feature_names":${JSON.stringify(names)}${views}}}`;
}

function keyJson(values: readonly unknown[]): string {
  const texts = values.map((value) => (isDigits(value) ? value : JSON.stringify(value)));
  const present = values.map(() => '"PRESENT"').join(',');
  return vector(texts.join(','), present, values.map(() => EPOCH).join(','));
}

/** Most responses have one entity: string concatenation takes half the time of joined arrays. */
function columnJson({ type, values, statuses, eventTimes }: FeatureColumn): string {
  const write = writerOf(type);
  let [texts, states, times] = ['', '', ''];
  for (let at = 0; at < values.length; at++) {
    const [value, time, comma] = [values[at], eventTimes[at] ?? null, at === 0 ? '' : ','];
    texts += comma + (value === null || value === undefined ? 'null' : write(value));
    states += `${comma}"${statuses[at] ?? 'NOT_FOUND'}"`;
    times += comma + (time === null ? EPOCH : `"${time}"`);
  }
  return vector(texts, states, times);
}

function vector(values: string, statuses: string, times: string): string {
  return `{"values":[${values}],"statuses":[${statuses}],"event_timestamps":[${times}]}`;
}

type Write = (value: unknown) => string;

function writerOf(type: ValueType): Write {
  const element = elementType(type);
  if (element !== undefined) {
    const write = writerOf(element);
    return (value) => `[${(value as readonly unknown[]).map((one) => (one === null ? 'null' : write(one))).join(',')}]`;
  }
  switch (type) {
    case 'float32':
    case 'float64':
      return floatJson;
    case 'int64':
      return (value) => (isDigits(value) ? value : JSON.stringify(value));
    case 'timestamp':
      // Whole seconds, as in Feast.
      return (value) => String(Math.floor(Date.parse(String(value)) / 1000));
    default:
      return (value) => JSON.stringify(value);
  }
}

function floatJson(value: unknown): string {
  if (typeof value !== 'number') return JSON.stringify(value);
  if (!Number.isFinite(value)) return `"${String(value)}"`;
  // Numbers from 1e21 have an exponent.
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
}

function isDigits(value: unknown): value is string {
  return typeof value === 'string' && /^-?\d{16,19}$/.test(value);
}
