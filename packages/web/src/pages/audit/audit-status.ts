import type { DaisClient, DaisError } from '@dais/api';
import { readAuditStatusOperation } from '@dais/api/audit';
import { queryOptions } from '@tanstack/react-query';
import type { AuditStatus } from './verification.ts';

/** The latest signed and verified positions of the log. */
export function auditStatus(client: DaisClient) {
  return queryOptions<AuditStatus, DaisError>({
    queryKey: ['audit-status'],
    queryFn: async ({ signal }) => await client.perform(readAuditStatusOperation, {}, { signal }),
  });
}
