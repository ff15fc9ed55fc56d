import { errorCatalog, type DaisError, type ErrorCode } from '@dais/api';
import { RpcError, type RpcCode } from './wire/rpc-status.ts';

/** gRPC codes by error code. The type requires an entry for every error code. */
const codes: Readonly<Record<ErrorCode, RpcCode>> = {
  invalid_request: 'INVALID_ARGUMENT',
  unreadable_body: 'INVALID_ARGUMENT',
  not_utf8: 'INVALID_ARGUMENT',
  project_mismatch: 'INVALID_ARGUMENT',
  invalid_cursor: 'INVALID_ARGUMENT',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  approval_missing: 'PERMISSION_DENIED',
  host_refused: 'PERMISSION_DENIED',
  origin_refused: 'PERMISSION_DENIED',
  not_found: 'NOT_FOUND',
  file_not_found: 'NOT_FOUND',
  content_missing: 'NOT_FOUND',
  content_damaged: 'FAILED_PRECONDITION',
  route_not_found: 'NOT_FOUND',
  method_not_allowed: 'UNIMPLEMENTED',
  not_acceptable: 'INVALID_ARGUMENT',
  request_timeout: 'DEADLINE_EXCEEDED',
  already_exists: 'ALREADY_EXISTS',
  conflict: 'ABORTED',
  still_referenced: 'FAILED_PRECONDITION',
  other_origin: 'FAILED_PRECONDITION',
  being_deleted: 'ABORTED',
  invalid_state: 'FAILED_PRECONDITION',
  cursor_expired: 'INVALID_ARGUMENT',
  precondition_failed: 'ABORTED',
  too_large: 'INVALID_ARGUMENT',
  digest_mismatch: 'INVALID_ARGUMENT',
  unsupported_media_type: 'INVALID_ARGUMENT',
  range_not_satisfiable: 'INVALID_ARGUMENT',
  idempotency_mismatch: 'INVALID_ARGUMENT',
  headers_too_large: 'INVALID_ARGUMENT',
  rate_limited: 'RESOURCE_EXHAUSTED',
  too_many_streams: 'RESOURCE_EXHAUSTED',
  invalid_manifest: 'INVALID_ARGUMENT',
  unknown_kind: 'INVALID_ARGUMENT',
  unknown_version: 'INVALID_ARGUMENT',
  duplicate_document: 'INVALID_ARGUMENT',
  manifest_too_complex: 'INVALID_ARGUMENT',
  reference_not_found: 'INVALID_ARGUMENT',
  immutable_field: 'INVALID_ARGUMENT',
  data_invalid: 'INVALID_ARGUMENT',
  query_invalid: 'INVALID_ARGUMENT',
  query_limit: 'PERMISSION_DENIED',
  quota_exceeded: 'PERMISSION_DENIED',
  address_refused: 'INVALID_ARGUMENT',
  unsafe_path: 'INVALID_ARGUMENT',
  nothing_to_roll_back: 'NOT_FOUND',
  internal: 'INTERNAL',
  database_unavailable: 'UNAVAILABLE',
  blobs_unavailable: 'UNAVAILABLE',
  keys_unavailable: 'UNAVAILABLE',
  target_unavailable: 'UNAVAILABLE',
  shutting_down: 'UNAVAILABLE',
  overloaded: 'UNAVAILABLE',
  query_failed: 'UNAVAILABLE',
  model_unavailable: 'UNAVAILABLE',
  deadline_exceeded: 'DEADLINE_EXCEEDED',
  upstream_failed: 'UNAVAILABLE',
  server_unreachable: 'UNAVAILABLE',
  storage_full: 'UNAVAILABLE',
  invalid_config: 'INVALID_ARGUMENT',
  data_locked: 'ABORTED',
  data_version: 'ABORTED',
  database_setup: 'INVALID_ARGUMENT',
  address_in_use: 'ABORTED',
  join_refused: 'PERMISSION_DENIED',
  unsafe_bind: 'INVALID_ARGUMENT',
  key_missing: 'INVALID_ARGUMENT',
  key_mismatch: 'INVALID_ARGUMENT',
  keys_read_only: 'INVALID_ARGUMENT',
  backup_invalid: 'INVALID_ARGUMENT',
};

/** HTTP statuses that are more specific than that of the gRPC code, so that a client can wait or send less. */
const SPECIFIC_STATUSES: ReadonlySet<number> = new Set([405, 408, 413, 415]);
/** Limit of reported issues. */
const MOST_ISSUES = 20;

/** Returns an error in the format of the protocol. Clients show only the message, so it includes the issues. */
export function rpcError(error: DaisError): RpcError {
  const { status, title } = errorCatalog[error.code];
  const text = error.message === '' ? title : error.message;
  const locations = (error.issues ?? []).slice(0, MOST_ISSUES).flatMap(({ path = '', message, expected }) => {
    if (!text.includes(message))
      return [`${path} ${message}${expected === undefined ? '' : `, expected ${expected}`}`.trim()];
    return expected === undefined || text.includes(expected) ? [] : [`expected ${expected}`];
  });
  return new RpcError(codes[error.code], locations.length === 0 ? text : `${text} ${locations.join('; ')}.`, {
    ...(SPECIFIC_STATUSES.has(status) && { status }),
    reason: error.code.toUpperCase(),
    cause: error,
  });
}
