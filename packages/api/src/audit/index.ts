/** The audit log and its proofs. */
export {
  auditOperations,
  exportAuditOperation,
  forgetPersonOperation,
  holdAuditOperation,
  listAuditCheckpointsOperation,
  listAuditOperation,
  listOrganizationAuditOperation,
  proveAuditConsistencyOperation,
  proveAuditEntryOperation,
  readAuditBodiesOperation,
  readAuditKeyOperation,
  readAuditStatusOperation,
} from '#operations/audit.ts';
export type { AuditEntry } from '#records/audit.ts';
