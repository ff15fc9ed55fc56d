/** Entries as a body of Elasticsearch's `_bulk`: what to do, then the document, a line each. */
import type { AuditEntry } from '@dais/api/audit';
import { ecsDocument } from '#audit/ecs.ts';

/** By the names of data streams: type, dataset (the entries' own `event.dataset`), namespace. */
export const AUDIT_STREAM = 'logs-dais.audit-default';

/**
 * `create` is the one action that data streams take. With an id that is the entry's own, what was sent before is refused as
 * a conflict instead of standing there twice.
 */
export function bulkLines(entry: AuditEntry, index: string): Buffer {
  const action = { create: { _index: index, _id: `${Date.parse(entry.at)}-${entry.seq}` } };
  return Buffer.from(`${JSON.stringify(action)}\n${JSON.stringify(ecsDocument(entry))}\n`, 'utf8');
}
