/** Entries as a body of Elasticsearch's `_bulk`: an action and a document, one line each. */
import type { AuditEntry } from '@dais/api/audit';
import { ecsDocument } from '#audit/ecs.ts';

/** By the names of data streams: type, dataset (the entries' own `event.dataset`), namespace. */
export const AUDIT_STREAM = 'logs-dais.audit-default';

/**
 * `create` is the only action of data streams. With the entry's own id, a repeated document is a conflict instead of a
 * duplicate.
 */
export function bulkLines(entry: AuditEntry, index: string): Buffer {
  const action = { create: { _index: index, _id: `${Date.parse(entry.at)}-${entry.seq}` } };
  return Buffer.from(`${JSON.stringify(action)}\n${JSON.stringify(ecsDocument(entry))}\n`, 'utf8');
}
