/** What MLflow's registry checks of names, with its texts. */
import { requireKey, requireLength, resolvesElsewhere } from './limits.ts';
import { invalid, missing } from './mlflow-error.ts';

const NAME = 256;
const ALIAS = 255;
const TAG_VALUE = 100_000;
export const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const;
export type Stage = (typeof STAGES)[number];

export function requireModelName(name: string, path = 'name'): void {
  if (name.trim() === '') throw invalid(`Missing value for required parameter '${path}'.`);
  if (/[/:]/.test(name)) throw invalid(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`);
  const elsewhere = resolvesElsewhere(name, 'name');
  if (elsewhere !== undefined) throw elsewhere;
  requireLength(path, NAME, name);
}

export function requireRegistryTag(key: string, value: string): void {
  requireKey(key, 'key');
  requireLength('key', 250, key);
  requireLength('value', TAG_VALUE, value);
}

export function requireAlias(alias: string): void {
  if (!/^[\p{L}\p{N}_-]*$/u.test(alias)) {
    throw invalid(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    );
  }
  requireLength('Registered model alias name', ALIAS, alias);
  if (alias.toLowerCase() === 'latest') throw invalid("'latest' alias name (case insensitive) is reserved.");
  if (/^[vV]\d+$/.test(alias)) throw invalid(`Version alias name '${alias}' is reserved.`);
}

/** @throws MlflowError for what is no number, and for a number that no version has. */
export function versionNumber(name: string, version: string): string {
  if (!/^ *[+-]?\d+ *$/.test(version)) {
    throw invalid(`Parameter 'version' must be an integer, got '${version.slice(0, 200)}'.`);
  }
  const digits = /^ *\+?0*([1-9]\d{0,8}) *$/.exec(version)?.[1];
  if (digits === undefined) throw noVersion(name, version);
  return digits;
}

export function noVersion(name: string, version: string) {
  return missing(`Model Version (name=${name}, version=${version.trim()}) not found`);
}

/** Names of stages in any case. */
export function stageOf(given: string): Stage {
  const stage = STAGES.find((known) => known.toLowerCase() === given.toLowerCase());
  if (stage !== undefined) return stage;
  throw invalid(`Invalid Model Version stage: ${given.slice(0, 200)}. Value must be one of ${STAGES.join(', ')}.`);
}
