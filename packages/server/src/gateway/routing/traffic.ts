/** Chooses the variant of a request by hash, so that a key always goes to the same variant. */
import type { ServedEndpoint } from '@dais/api/gateway';

const SHARES = 10_000;

export interface WeightedVariant {
  readonly weight: number;
}

/**
 * Returns 0 to 9,999 for a key. The finalizer of Murmur3 separates keys that differ in the last digit, which FNV-1a
 * alone does not.
 */
export function bucketOf(salt: string, key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < salt.length; index++) hash = Math.imul(hash ^ salt.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ 0xff, 0x01000193);
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % SHARES;
}

/**
 * Variants are consecutive ranges of buckets. Moving weight from the first of two to the second only moves keys from
 * the first to the second. Undefined if all weights are 0.
 */
export function variantAt<T extends WeightedVariant>(variants: readonly T[], bucket: number): T | undefined {
  const [only] = variants;
  if (variants.length === 1) return only?.weight === 0 ? undefined : only;
  let total = 0;
  for (const { weight } of variants) total += weight;
  if (total === 0) return undefined;
  const point = (bucket * total) / SHARES;
  let end = 0;
  for (const variant of variants) {
    end += variant.weight;
    if (point < end) return variant;
  }
  return undefined;
}

/** Returns the key of the traffic split; undefined: random. */
export function stickyKey(
  sticky: ServedEndpoint['sticky'],
  request: {
    readonly header: (name: string) => string | undefined;
    readonly parameters: Readonly<Record<string, string | number | boolean>> | undefined;
    readonly id: string | undefined;
  },
): string | undefined {
  if (sticky?.header !== undefined) {
    const value = request.header(sticky.header.toLowerCase());
    if (value !== undefined) return value;
  }
  if (sticky?.parameter !== undefined) {
    const value = request.parameters?.[sticky.parameter];
    if (value !== undefined) return String(value);
  }
  return request.id === '' ? undefined : request.id;
}
