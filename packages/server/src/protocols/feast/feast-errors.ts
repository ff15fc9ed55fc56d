import { errorCatalog, type DaisError, type ErrorCode } from '@dais/api';

/** gRPC status codes: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const rpc = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Maps every error code; a new code does not compile without a status. */
const codes: Readonly<Record<ErrorCode, number>> = {
  invalid_request: rpc.invalidArgument,
  unreadable_body: rpc.invalidArgument,
  not_utf8: rpc.invalidArgument,
  project_mismatch: rpc.invalidArgument,
  invalid_cursor: rpc.invalidArgument,
  unauthenticated: rpc.unauthenticated,
  forbidden: rpc.permissionDenied,
  approval_missing: rpc.permissionDenied,
  host_refused: rpc.permissionDenied,
  origin_refused: rpc.permissionDenied,
  not_found: rpc.notFound,
  file_not_found: rpc.notFound,
  content_missing: rpc.notFound,
  content_damaged: rpc.failedPrecondition,
  route_not_found: rpc.notFound,
  method_not_allowed: rpc.unimplemented,
  not_acceptable: rpc.invalidArgument,
  request_timeout: rpc.deadlineExceeded,
  already_exists: rpc.alreadyExists,
  conflict: rpc.aborted,
  still_referenced: rpc.failedPrecondition,
  other_origin: rpc.failedPrecondition,
  being_deleted: rpc.aborted,
  invalid_state: rpc.failedPrecondition,
  cursor_expired: rpc.invalidArgument,
  precondition_failed: rpc.aborted,
  too_large: rpc.invalidArgument,
  digest_mismatch: rpc.invalidArgument,
  unsupported_media_type: rpc.invalidArgument,
  range_not_satisfiable: rpc.invalidArgument,
  idempotency_mismatch: rpc.invalidArgument,
  headers_too_large: rpc.invalidArgument,
  rate_limited: rpc.resourceExhausted,
  too_many_streams: rpc.resourceExhausted,
  invalid_manifest: rpc.invalidArgument,
  unknown_kind: rpc.invalidArgument,
  unknown_version: rpc.invalidArgument,
  duplicate_document: rpc.invalidArgument,
  manifest_too_complex: rpc.invalidArgument,
  reference_not_found: rpc.failedPrecondition,
  immutable_field: rpc.failedPrecondition,
  quota_exceeded: rpc.resourceExhausted,
  address_refused: rpc.invalidArgument,
  unsafe_path: rpc.invalidArgument,
  nothing_to_roll_back: rpc.notFound,
  internal: rpc.internal,
  database_unavailable: rpc.unavailable,
  blobs_unavailable: rpc.unavailable,
  keys_unavailable: rpc.unavailable,
  target_unavailable: rpc.unavailable,
  shutting_down: rpc.unavailable,
  overloaded: rpc.unavailable,
  model_unavailable: rpc.unavailable,
  deadline_exceeded: rpc.deadlineExceeded,
  upstream_failed: rpc.unavailable,
  server_unreachable: rpc.unavailable,
  storage_full: rpc.unavailable,
  invalid_config: rpc.invalidArgument,
  data_locked: rpc.aborted,
  data_version: rpc.aborted,
  database_setup: rpc.invalidArgument,
  address_in_use: rpc.aborted,
  join_refused: rpc.permissionDenied,
  unsafe_bind: rpc.invalidArgument,
  key_missing: rpc.invalidArgument,
  key_mismatch: rpc.invalidArgument,
  keys_read_only: rpc.invalidArgument,
  backup_invalid: rpc.invalidArgument,
  query_invalid: rpc.invalidArgument,
  query_failed: rpc.failedPrecondition,
  query_limit: rpc.resourceExhausted,
  data_invalid: rpc.failedPrecondition,
};

/** Classes of `feast.errors` that the client imports and raises by name. */
export type FeastClass =
  | 'FeastError'
  | 'FeastObjectNotFoundException'
  | 'FeastPermissionError'
  | 'FeastProviderNotImplementedError'
  | 'ConflictingFeatureViewNames'
  | 'EntityNotFoundException'
  | 'DataSourceObjectNotFoundException'
  | 'FeatureViewNotFoundException'
  | 'OnDemandFeatureViewNotFoundException'
  | 'FeatureServiceNotFoundException'
  | 'SavedDatasetNotFound'
  | 'ValidationReferenceNotFound'
  | 'PermissionObjectNotFoundException'
  | 'ProjectObjectNotFoundException'
  | 'PushSourceNotFoundException';

/** An error in the format of Feast clients: a JSON document, over both protocols. */
export class FeastError extends Error {
  readonly feastClass: FeastClass;
  /** gRPC status code. */
  readonly code: number;
  /** HTTP status. */
  readonly status: number;

  constructor(feastClass: FeastClass, message: string, code: number, status: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.feastClass = feastClass;
    this.code = code;
    this.status = status;
  }

  detail(): string {
    return JSON.stringify({ module: 'feast.errors', class: this.feastClass, message: this.message });
  }
}

export function notFound(feastClass: FeastClass, message: string): FeastError {
  return new FeastError(feastClass, message, rpc.notFound, 404);
}

/** Returns the error of an unsupported feature, with an alternative. */
export function unsupported(message: string): FeastError {
  return new FeastError('FeastProviderNotImplementedError', message, rpc.unimplemented, 422);
}

export function invalid(message: string): FeastError {
  return new FeastError('FeastError', message, rpc.invalidArgument, 400);
}

/** Errors that are returned immediately. */
const MAX_ISSUES = 20;

export function toFeastError(error: DaisError): FeastError {
  const { status, title, remedy } = errorCatalog[error.code];
  const text = error.message === '' ? title : error.message;
  const locations = (error.issues ?? [])
    .slice(0, MAX_ISSUES)
    .filter(({ message, expected = '' }) => !text.includes(message) || !text.includes(expected))
    .map(({ path = '', message, expected }) =>
      `${path} ${message}${expected === undefined ? '' : `, expected ${expected}`}`.trim(),
    );
  const whole = locations.length === 0 ? text : `${text} ${locations.join('; ')}.`;
  const denied = error.code === 'forbidden' || error.code === 'unauthenticated';
  const feastClass = error.code === 'not_found' ? 'FeastObjectNotFoundException' : 'FeastError';
  return new FeastError(
    denied ? 'FeastPermissionError' : feastClass,
    denied ? `${whole} ${remedy}` : whole,
    codes[error.code],
    status,
    error,
  );
}
