/** Locks as text: what uv writes, with a head that says for what it was made. */
import { createHash } from 'node:crypto';
import { DaisError } from '@dais/api';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import { logicalLines } from '#lib/formats/python-files.ts';
import { readRequirements, type Requirement } from '../requirement-lines.ts';

export interface LockContent {
  /** `3.11.7`. */
  readonly python: string;
  /** `linux-x64-gnu`. */
  readonly platform: string;
  readonly requirements: readonly Requirement[];
}

const HEAD = '# Dais environment, format 1';
/** More than 2,000 packages with all their hashes. */
const MAX_TEXT = 8 * 2 ** 20;

export function writeLock(python: string, platform: string, pins: string): string {
  return `${HEAD}\n# python: ${python}\n# platform: ${platform}\n${pins.trim()}\n`;
}

/** @throws DaisError `invalid_request` for a text that is no lock, or one with lines that are not allowed or have no hash. */
export function readLock(text: string): LockContent {
  const [, python, platform] =
    /^# Dais environment, format 1\n# python: (3\.\d+\.\d+)\n# platform: ([a-z0-9-]{1,64})\n/.exec(text) ?? [];
  if (python === undefined || platform === undefined) {
    throw new DaisError('invalid_request', 'The lock does not begin as the locks of environments do: make it anew.');
  }
  const requirements = readPins(text);
  const loose = requirements.filter(({ pinned, hashed }) => !pinned || !hashed);
  if (loose.length > 0) {
    const names = loose.slice(0, 5).map(({ name }) => name);
    throw new DaisError('invalid_request', `The lock has no version or no hash for ${names.join(', ')}: make it anew.`);
  }
  return { python, platform, requirements };
}

/** The requirements of a lock that somebody brings. @throws DaisError `invalid_request`. */
export function readPins(text: string): readonly Requirement[] {
  if (text.length > MAX_TEXT) {
    throw new DaisError('invalid_request', `The lock has ${text.length} characters; at most ${MAX_TEXT} are read.`);
  }
  const { requirements, issues } = readRequirements(logicalLines(text), 'lock');
  if (issues.length === 0) return requirements;
  throw new DaisError('invalid_request', 'The lock has lines that are not allowed.', { issues: issues.slice(0, 100) });
}

/** Both pins in one text; of a package that stands in both, the first. */
export function joinPins(pins: string, more: string): string {
  const names = new Set(readPins(pins).map(({ name }) => normalName(name)));
  const others = readPins(more).filter(({ name }) => !names.has(normalName(name)));
  return [pins.trimEnd(), ...others.map(({ text }) => text)].filter((part) => part !== '').join('\n');
}

/** Comments, blanks and the order of lines and hashes do not count. */
export function lockDigest({ python, platform, requirements }: LockContent): string {
  const lines = requirements.map(({ name, text }) => normalName(name) + text.slice(name.length)).toSorted();
  return createHash('sha256')
    .update(canonicalJson([1, python, platform, lines]))
    .digest('hex');
}

/** One form of a package's name, as indexes compare them (PEP 503). */
function normalName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
