/** Fingerprint that detects a change at the source. */
import { createHash } from 'node:crypto';

export function fingerprint(record: object): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(record)))
    .digest('base64url')
    .slice(0, 32);
}

/** Servers list keys and metrics in any order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}
