/** Conditional requests (RFC 9110 §13) over entity tags that are a resource's version. */
import { DaisError } from '@dais/api';

export function entityTag(version: string): string {
  return `"${version}"`;
}

/** `"1"`, `W/"1"`, several separated by commas, or `*`. */
const TAG = /^(?:W\/)?"([\u0021\u0023-\u007e\u0080-\u00ff]*)"$/;

function parseTags(header: string): readonly string[] | '*' | undefined {
  if (header.trim() === '*') return '*';
  const tags = header.split(',').map((part) => TAG.exec(part.trim())?.[1]);
  return tags.every((tag) => tag !== undefined) ? tags : undefined;
}

/**
 * Returns the version of If-Match; undefined if any version matches. A weak tag is accepted: compressing proxies weaken
 * tags, and the version in it is still exact. @throws DaisError `invalid_request`.
 */
export function ifMatchVersion(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const tags = parseTags(header);
  if (tags === '*') return undefined;
  if (tags?.length !== 1) {
    throw new DaisError('invalid_request', 'If-Match must contain exactly one ETag.', {
      issues: [{ path: 'If-Match', message: `is ${header.slice(0, 80)}`, expected: 'one quoted ETag, or *' }],
    });
  }
  return tags[0];
}

/** Returns true if the client already has this version. A malformed header counts as missing. */
export function noneMatch(header: string | undefined, version: string): boolean {
  if (header === undefined) return false;
  const tags = parseTags(header);
  return tags === '*' || tags?.includes(version) === true;
}
