/**
 * Recorded responses of a real `mlflow server`, and the comparison with responses of Dais: see
 * conformance/mlflow/record_corpus.py.
 */
import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../../../../../../conformance/mlflow/', import.meta.url);

export interface Exchange {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly query?: readonly (readonly [string, string])[];
    readonly body?: unknown;
    readonly raw?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly status: number;
  readonly answer: unknown;
  /** Variables for later exchanges: the name, and the path of the value in the response. */
  readonly keep?: Readonly<Record<string, string>>;
}

/** Intended differences of Dais: in single exchanges, or for a field or text everywhere. */
export interface Difference {
  readonly mlflow: string;
  readonly dais: string;
  readonly reason: string;
  /** What Dais answers, by `<group>/<name of the exchange>`. */
  readonly exchanges?: Readonly<Record<string, { readonly status: number; readonly answer: unknown }>>;
  /** Fields that only Dais has. */
  readonly more?: readonly string[];
  /** Fields that only MLflow has. */
  readonly fewer?: readonly string[];
  /** Error messages of Dais can continue after MLflow's text. */
  readonly longerTexts?: true;
}

export function corpusGroups(): readonly string[] {
  const files = readdirSync(new URL('corpus/', folder)).filter((name) => name.endsWith('.json'));
  return files.map((name) => name.slice(0, -'.json'.length)).toSorted();
}

export function exchangesOf(group: string): readonly Exchange[] {
  const text = readFileSync(new URL(`corpus/${group}.json`, folder), 'utf8');
  return (JSON.parse(text) as { readonly exchanges: readonly Exchange[] }).exchanges;
}

export function differences(): readonly Difference[] {
  return JSON.parse(readFileSync(new URL('differences.json', folder), 'utf8')) as readonly Difference[];
}

/** The response of Dais, without the fields and text suffixes that differ intentionally from the recording. */
export function reconciled(answer: unknown, recorded: unknown, known: readonly Difference[]): unknown {
  if (Array.isArray(answer) && Array.isArray(recorded)) {
    return answer.map((item: unknown, index) => reconciled(item, recorded[index], known));
  }
  if (!isMap(answer) || !isMap(recorded)) return answer;
  const more = new Set(known.flatMap((one) => one.more ?? []));
  const fewer = new Set(known.flatMap((one) => one.fewer ?? []));
  const kept = Object.entries(answer).filter(([name]) => name in recorded || !more.has(name));
  const put = Object.entries(recorded).filter(([name]) => !(name in answer) && fewer.has(name));
  return Object.fromEntries([
    ...kept.map(([name, value]) => [name, textOrPart(name, value, recorded[name], known)]),
    ...put,
  ]);
}

function textOrPart(name: string, value: unknown, recorded: unknown, known: readonly Difference[]): unknown {
  const isLonger = name === 'message' && typeof value === 'string' && typeof recorded === 'string';
  if (isLonger && value.startsWith(recorded) && known.some(({ longerTexts }) => longerTexts === true)) return recorded;
  return reconciled(value, recorded, known);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Kept = ReadonlyMap<string, string>;

/**
 * Recordings contain variables as `$name`; the longest name comes first, because one name can be a prefix of another.
 */
export function filled(text: string, kept: Kept): string {
  const names = [...kept.keys()].toSorted((a, b) => b.length - a.length);
  return names.reduce((now, name) => now.replaceAll(`$${name}`, kept.get(name) ?? ''), text);
}

export function valueAt(answer: unknown, location: string): string {
  let here = answer;
  for (const part of location.split('.')) here = (here as Readonly<Record<string, unknown>> | undefined)?.[part];
  if (typeof here !== 'string' && typeof here !== 'number')
    throw new Error(`no ${location} in ${JSON.stringify(answer)}`);
  return String(here);
}

const TIME = /(?:time|timestamp|timestamp_ms)$/;
/** In ms; times that requests name are lower. */
const NOW = 1_000_000_000_000;
const JSON_TEXTS = new Set(['tags', 'schema', 'profile', 'serialized_scorer', 'records']);
/** Positions where the number of an experiment is alone or part of a URL. */
const NUMBERED = new Set([
  'experiment_id',
  'experiment_ids',
  'artifact_uri',
  'root_uri',
  'source',
  'artifact_location',
]);

/** An answer without what differs from run to run; both sides go through it. */
export function normalized(value: unknown, kept: Kept, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => normalized(item, kept, key));
    if (key === 'latest_versions') return items.toSorted((a, b) => compare(JSON.stringify(a), JSON.stringify(b)));
    return items.every(hasKey) ? items.toSorted((a, b) => compare(orderOf(a), orderOf(b))) : items;
  }
  if (isMap(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, normalized(one, kept, name)]));
  }
  if (typeof value === 'number') {
    if (TIME.test(key) && value > NOW) return '$time';
    return key === 'experiment_id' ? normalized(String(value), kept, key) : value;
  }
  return typeof value === 'string' ? normalizedText(value, kept, key) : value;
}

function hasKey(item: unknown): item is { readonly key: string; readonly run_id?: string } {
  return isMap(item) && typeof item['key'] === 'string';
}

/** Tags have no order; points have one, within their run. */
function orderOf({ key, run_id: run = '' }: { readonly key: string; readonly run_id?: string }): string {
  return `${key} ${run}`;
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function normalizedText(text: string, kept: Kept, key: string): unknown {
  if (JSON_TEXTS.has(key) && /^[[{]/.test(text)) return normalized(JSON.parse(text), kept);
  let now = text.replaceAll(/\bdr-[0-9a-f]{32}\b/g, '$record');
  for (const [name, value] of kept) {
    // Numbers of experiments are short: elsewhere they could be anything.
    if (value.length >= 6) now = now.replaceAll(value, `$${name}`);
    else if (NUMBERED.has(key)) now = now.replaceAll(new RegExp(`(?<![\\w.])${value}(?![\\w.])`, 'g'), `$${name}`);
    else if (key === 'message' || key === 'path') {
      now = now.replaceAll(new RegExp(`(id[= ]|xperiment |')${value}(?!\\w)`, 'g'), `$1$${name}`);
    }
  }
  if (key === 'next_page_token' && !now.startsWith('$')) return '$next_page_token';
  return key === 'digest' && /^[0-9a-f]{8}$/.test(now) ? '$digest' : now;
}
