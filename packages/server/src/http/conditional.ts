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
 * The version that If-Match names; undefined when any will do. A weak tag counts too: proxies that compress weaken ours,
 * and the version in it is exact all the same. @throws DaisError `invalid_request`.
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

/** True when the client has this version already. A malformed header means no, as for a client that sent none. */
export function noneMatch(header: string | undefined, version: string): boolean {
  if (header === undefined) return false;
  const tags = parseTags(header);
  return tags === '*' || tags?.includes(version) === true;
}
