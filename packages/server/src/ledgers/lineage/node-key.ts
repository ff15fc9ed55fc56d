/** Keys of lineage nodes: `type:id`. */
import { createHash } from 'node:crypto';
import { lineageNodeTypes, type LineageNodeType } from '@dais/api/lineage';

/** An index entry contains two keys and a project, and PostgreSQL limits it to 2,704 bytes. */
const LONGEST = 240;
const KEPT = 160;

/** Returns the key of an object that several parts identify. Long keys are truncated and made unique by a digest. */
export function nodeKey(type: LineageNodeType, ...parts: readonly string[]): string {
  const id = parts.map((part) => encodeURIComponent(part)).join('/');
  if (id.length <= LONGEST) return `${type}:${id}`;
  const digest = createHash('sha256').update(id).digest('hex').slice(0, 32);
  return `${type}:${id.slice(0, KEPT)}~${digest}`;
}

/** Returns the key of an object with an id. */
export function keyOf(type: LineageNodeType, id: string): string {
  return `${type}:${id}`;
}

const TYPES: ReadonlySet<string> = new Set(lineageNodeTypes);

/** Parses a key. Undefined: invalid. */
export function parseKey(key: string): { readonly type: LineageNodeType; readonly id: string } | undefined {
  const at = key.indexOf(':');
  const type = key.slice(0, at);
  const id = key.slice(at + 1);
  return TYPES.has(type) && id !== '' ? { type: type as LineageNodeType, id } : undefined;
}
