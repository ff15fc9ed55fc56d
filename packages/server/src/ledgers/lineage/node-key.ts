/** How edges name their ends: `type:id`. Pure. */
import { createHash } from 'node:crypto';
import { lineageNodeTypes, type LineageNodeType } from '@dais/api';

/** Two keys and a project stand in one index entry, which PostgreSQL limits to 2,704 bytes. */
const LONGEST = 240;
const KEPT = 160;

/** Of something whose parts together say which one it is; long ones are cut and told apart by a digest. */
export function nodeKey(type: LineageNodeType, ...parts: readonly string[]): string {
  const id = parts.map((part) => encodeURIComponent(part)).join('/');
  if (id.length <= LONGEST) return `${type}:${id}`;
  const digest = createHash('sha256').update(id).digest('hex').slice(0, 32);
  return `${type}:${id.slice(0, KEPT)}~${digest}`;
}

/** Of something that is known by an id of its own. */
export function keyOf(type: LineageNodeType, id: string): string {
  return `${type}:${id}`;
}

const TYPES: ReadonlySet<string> = new Set(lineageNodeTypes);

/** Undefined for a text that names nothing. */
export function parseKey(key: string): { readonly type: LineageNodeType; readonly id: string } | undefined {
  const at = key.indexOf(':');
  const type = key.slice(0, at);
  const id = key.slice(at + 1);
  return TYPES.has(type) && id !== '' ? { type: type as LineageNodeType, id } : undefined;
}
