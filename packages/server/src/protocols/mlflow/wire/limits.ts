/** What MLflow's server checks of names and sizes, with its texts: scripts and people search for them. */
import { posix } from 'node:path';
import { invalid, type MlflowError } from './mlflow-error.ts';
import { pythonJson, pythonText } from './python-text.ts';

export const LIMITS = {
  metricsPerBatch: 1000,
  paramsPerBatch: 100,
  tagsPerBatch: 100,
  itemsPerBatch: 1000,
  key: 250,
  experimentName: 500,
  /** 5,000 before MLflow 3.12. */
  experimentTagValue: 20_000,
  artifactLocation: 2048,
  datasetsPerCall: 1000,
  datasetName: 500,
  datasetDigest: 36,
  datasetSource: 65_535,
  datasetSchema: 1_048_575,
  datasetProfile: 16_777_215,
  inputTagKey: 255,
  inputTagValue: 500,
  searchResults: 50_000,
  historyRuns: 100,
  historyPage: 25_000,
  sampledResults: 2500,
  datasetExperiments: 20,
  evaluationDatasetName: 255,
  evaluationTagKey: 255,
  evaluationTagValue: 5000,
  evaluationRecords: 1000,
  scorerName: 256,
} as const;

export function requireLength(name: string, most: number, value: string | undefined): void {
  // Characters as Python counts them: code points.
  if (value === undefined || value.length <= most || Array.from(value).length <= most) return;
  throw invalid(`'${name}' exceeds the maximum length of ${most} characters`);
}

/** Names of metrics, parameters and tags: some stores make files of them. */
export function requireKey(key: string, path: string): void {
  if (!/^[/\p{L}\p{N}_.\- :]*$/u.test(key)) {
    throw wrongKey(
      key,
      path,
      'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).',
    );
  }
  const elsewhere = resolvesElsewhere(key, path);
  if (elsewhere !== undefined) throw elsewhere;
}

/** The error of a name that resolves to another name as a path. */
export function resolvesElsewhere(name: string, path: string): MlflowError | undefined {
  const resolved = normalized(name);
  if (resolved === name && resolved !== '.' && !resolved.startsWith('..') && !resolved.startsWith('/'))
    return undefined;
  return wrongKey(
    name,
    path,
    `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to ${pythonText(resolved)}`,
  );
}

/** As `posixpath.normpath`: no slash at the end. */
function normalized(path: string): string {
  const result = posix.normalize(path);
  return result.length > 1 && result.endsWith('/') ? result.slice(0, -1) : result;
}

function wrongKey(key: string, path: string, why: string): MlflowError {
  return invalid(`Invalid value ${pythonJson(key)} for parameter '${path}' supplied: ${why}`);
}

export function requireMetric(
  metric: { readonly key: string; readonly value: number; readonly timestamp: number },
  path: string,
): void {
  requireKey(metric.key, path === '' ? 'name' : `${path}.name`);
  if (metric.timestamp < 0) {
    throw invalid(
      `Invalid value ${metric.timestamp} for parameter '${path === '' ? '' : `${path}.`}timestamp' supplied: metric '${metric.key}' (value=${metric.value}). Timestamp must be a nonnegative long (64-bit integer) `,
    );
  }
  requireLength('Metric name', LIMITS.key, metric.key);
}

export function requireParam(key: string, path: string): void {
  requireKey(key, path === '' ? 'key' : `${path}.key`);
  requireLength('Param key', LIMITS.key, key);
}

export function requireTag(key: string, path: string): void {
  const location = path === '' ? 'key' : `${path}.key`;
  requireKey(key, location);
  requireLength(location, LIMITS.key, key);
}

export function requireExperimentTag(key: string, value: string): void {
  requireKey(key, 'key');
  requireLength('key', LIMITS.key, key);
  requireLength('value', LIMITS.experimentTagValue, value);
}

export function requireBatch(name: string, most: number, given: number): void {
  if (given <= most) return;
  throw invalid(
    `A batch logging request can contain at most ${most} ${name}. Got ${given} ${name}. Please split up ${name} across multiple requests and try again.`,
  );
}

export function requireUniqueParams(params: readonly { readonly key: string }[]): void {
  const seen = new Set<string>();
  const twice: string[] = [];
  for (const { key } of params) {
    if (seen.has(key)) twice.push(key);
    else seen.add(key);
  }
  if (twice.length === 0) return;
  throw invalid(
    `Duplicate parameter keys have been submitted: [${twice.map(pythonText).join(', ')}]. Please ensure the request contains only one param value per param key.`,
  );
}

export function requireExperimentName(name: string): void {
  if (name.trim() === '') throw invalid(`Invalid experiment name: '${name}'`);
  requireLength('name', LIMITS.experimentName, name);
}

/** Ids of experiments are whole numbers in every database of MLflow; leading zeros mean nothing. */
export function experimentNumber(id: string): string {
  const digits = /^ *\+?0*(\d{1,18}) *$/.exec(id)?.[1];
  if (digits !== undefined) return digits;
  throw invalid(`Invalid experiment ID '${id.slice(0, 200)}'. Experiment ID must be a valid integer.`);
}

/** @throws MlflowError also for an id that no run can have. */
export function runName(id: string): string {
  if (/^[a-zA-Z0-9][\w-]{0,255}$/.test(id)) return id;
  throw invalid(`Invalid value ${pythonJson(id)} for parameter 'run_id' supplied.`);
}

export function requireArtifactLocation(location: string): void {
  const [beforeFragment, fragment] = splitOnce(location, '#');
  const [path, query = ''] = splitOnce(beforeFragment, '?');
  const last = path.slice(path.lastIndexOf('/') + 1);
  if (fragment !== undefined || last.includes(';')) {
    throw invalid("'artifact_location' URL can't include fragments or params.");
  }
  if (decoded(query).includes('..')) throw invalid('Invalid query string');
  if (location.startsWith('runs:')) {
    throw invalid(`Artifact location cannot be a runs:/ URI. Given: '${location}'`);
  }
  if (location.length > LIMITS.artifactLocation) {
    throw invalid(
      `Invalid artifact path length. The length of the artifact path cannot be greater than ${LIMITS.artifactLocation} characters.`,
    );
  }
}

function splitOnce(text: string, at: string): readonly [string, string?] {
  const position = text.indexOf(at);
  return position === -1 ? [text] : [text.slice(0, position), text.slice(position + 1)];
}

/**
 * A path below an artifact root, decoded as often as it was encoded.
 * @throws MlflowError "Invalid path" for a path outside of the root.
 */
export function safePath(path: string): string {
  const plain = decoded(path);
  const parts = plain.split('/');
  if (
    plain.includes('#') ||
    plain.includes('\\') ||
    parts.includes('..') ||
    plain.startsWith('/') ||
    /^[A-Za-z]:/.test(plain) ||
    /^file:/i.test(plain) ||
    /\p{Cc}/u.test(plain)
  ) {
    throw invalid('Invalid path');
  }
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}

function decoded(text: string): string {
  let now = text;
  for (let round = 0; round < 10; round++) {
    let next: string;
    try {
      next = decodeURIComponent(now);
    } catch {
      return now;
    }
    if (next === now) return now;
    now = next;
  }
  return now;
}

export function requirePage(given: number | undefined, most: number): void {
  if (given === undefined) return;
  if (given < 1) {
    throw invalid(`Invalid value ${given} for parameter 'max_results' supplied. It must be a positive integer`);
  }
  if (given > most) {
    throw invalid(`Invalid value ${given} for parameter 'max_results' supplied. It must be at most ${most}`);
  }
}
