import { errorCatalog, type DaisError, type ErrorCode } from '@dais/api';
import { MlflowError, type WireCode } from './wire/mlflow-error.ts';

/** Every code has its word here; a new code does not compile until it has one too. */
const words: Readonly<Record<ErrorCode, WireCode>> = {
  invalid_request: 'INVALID_PARAMETER_VALUE',
  unreadable_body: 'BAD_REQUEST',
  not_utf8: 'BAD_REQUEST',
  project_mismatch: 'INVALID_PARAMETER_VALUE',
  invalid_cursor: 'INVALID_PARAMETER_VALUE',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  approval_missing: 'PERMISSION_DENIED',
  host_refused: 'PERMISSION_DENIED',
  origin_refused: 'PERMISSION_DENIED',
  not_found: 'RESOURCE_DOES_NOT_EXIST',
  file_not_found: 'RESOURCE_DOES_NOT_EXIST',
  content_missing: 'RESOURCE_DOES_NOT_EXIST',
  content_damaged: 'RESOURCE_CONFLICT',
  route_not_found: 'ENDPOINT_NOT_FOUND',
  method_not_allowed: 'ENDPOINT_NOT_FOUND',
  not_acceptable: 'BAD_REQUEST',
  request_timeout: 'BAD_REQUEST',
  already_exists: 'RESOURCE_ALREADY_EXISTS',
  conflict: 'RESOURCE_CONFLICT',
  still_referenced: 'INVALID_PARAMETER_VALUE',
  other_origin: 'INVALID_PARAMETER_VALUE',
  being_deleted: 'RESOURCE_CONFLICT',
  invalid_state: 'INVALID_PARAMETER_VALUE',
  cursor_expired: 'INVALID_PARAMETER_VALUE',
  precondition_failed: 'RESOURCE_CONFLICT',
  too_large: 'INVALID_PARAMETER_VALUE',
  digest_mismatch: 'INVALID_PARAMETER_VALUE',
  unsupported_media_type: 'INVALID_PARAMETER_VALUE',
  range_not_satisfiable: 'INVALID_PARAMETER_VALUE',
  idempotency_mismatch: 'INVALID_PARAMETER_VALUE',
  headers_too_large: 'BAD_REQUEST',
  rate_limited: 'REQUEST_LIMIT_EXCEEDED',
  too_many_streams: 'RESOURCE_EXHAUSTED',
  invalid_manifest: 'INVALID_PARAMETER_VALUE',
  unknown_kind: 'INVALID_PARAMETER_VALUE',
  unknown_version: 'INVALID_PARAMETER_VALUE',
  duplicate_document: 'INVALID_PARAMETER_VALUE',
  manifest_too_complex: 'INVALID_PARAMETER_VALUE',
  reference_not_found: 'INVALID_PARAMETER_VALUE',
  immutable_field: 'INVALID_PARAMETER_VALUE',
  data_invalid: 'INVALID_PARAMETER_VALUE',
  query_invalid: 'INVALID_PARAMETER_VALUE',
  query_limit: 'PERMISSION_DENIED',
  quota_exceeded: 'PERMISSION_DENIED',
  address_refused: 'INVALID_PARAMETER_VALUE',
  unsafe_path: 'INVALID_PARAMETER_VALUE',
  nothing_to_roll_back: 'RESOURCE_DOES_NOT_EXIST',
  internal: 'INTERNAL_ERROR',
  database_unavailable: 'TEMPORARILY_UNAVAILABLE',
  blobs_unavailable: 'TEMPORARILY_UNAVAILABLE',
  keys_unavailable: 'TEMPORARILY_UNAVAILABLE',
  target_unavailable: 'TEMPORARILY_UNAVAILABLE',
  shutting_down: 'TEMPORARILY_UNAVAILABLE',
  overloaded: 'TEMPORARILY_UNAVAILABLE',
  query_failed: 'TEMPORARILY_UNAVAILABLE',
  model_unavailable: 'TEMPORARILY_UNAVAILABLE',
  deadline_exceeded: 'TEMPORARILY_UNAVAILABLE',
  upstream_failed: 'TEMPORARILY_UNAVAILABLE',
  server_unreachable: 'TEMPORARILY_UNAVAILABLE',
  storage_full: 'TEMPORARILY_UNAVAILABLE',
  invalid_config: 'INVALID_PARAMETER_VALUE',
  data_locked: 'RESOURCE_CONFLICT',
  data_version: 'RESOURCE_CONFLICT',
  database_setup: 'INVALID_PARAMETER_VALUE',
  address_in_use: 'RESOURCE_CONFLICT',
  join_refused: 'PERMISSION_DENIED',
  unsafe_bind: 'INVALID_PARAMETER_VALUE',
  key_missing: 'INVALID_PARAMETER_VALUE',
  key_mismatch: 'INVALID_PARAMETER_VALUE',
  keys_read_only: 'INVALID_PARAMETER_VALUE',
  backup_invalid: 'INVALID_PARAMETER_VALUE',
};

/**
 * Statuses that are more specific than the code's own: clients react to them with a wait, a split, or another range.
 */
const FORWARDED_STATUSES = new Set([405, 408, 413, 416]);

/**
 * An error in the format of MLflow clients. The message contains the positions of input errors, because clients show
 * nothing else.
 */
export function mlflowError(error: DaisError): MlflowError {
  const code = words[error.code];
  const { status } = errorCatalog[error.code];
  return new MlflowError(code, messageOf(error), {
    ...(FORWARDED_STATUSES.has(status) && { status }),
    cause: error,
  });
}

function messageOf(error: DaisError): string {
  if (error.code === 'invalid_cursor') return 'Invalid page token, could not base64-decode';
  const detail = error.message === '' ? errorCatalog[error.code].title : error.message;
  const locations: string[] = [];
  const expectations: string[] = [];
  for (const { path = '', message, expected } of (error.issues ?? []).slice(0, 10)) {
    const isIncluded = detail.includes(message);
    if (!isIncluded)
      locations.push(`${path} ${message}${expected === undefined ? '' : `, expected ${expected}`}`.trim());
    // The text already contains the valid values.
    else if (expected !== undefined && !/ Valid (?:keys|values) | not one of /.test(detail))
      expectations.push(expected);
  }
  const rest = locations.length === 0 ? '' : ` ${locations.join('; ')}.`;
  return `${detail}${expectations.length === 0 ? '' : ` (expected ${expectations.join('; ')})`}${rest}`;
}
