/**
 * The closed catalog of error codes. Every failure that a caller can see has one of these codes; each protocol maps
 * every code to its own format. A code is never renamed or reused. docs/reference/errors.md is generated from this
 * list.
 */

interface ErrorEntry {
  /** HTTP status of the problem document. */
  readonly status: number;
  /** Short description of the failure; the same for every occurrence. */
  readonly title: string;
  /** The remedy for the reader. */
  readonly remedy: string;
  /** True when the same request can succeed later unchanged; such responses have Retry-After. */
  readonly retryable?: true;
}

const catalog = {
  // The request itself
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    remedy: 'Correct the fields listed under `issues`.',
  },
  unreadable_body: {
    status: 400,
    title: 'The body cannot be read',
    remedy: 'Send well-formed JSON or YAML with the matching Content-Type.',
  },
  not_utf8: {
    status: 400,
    title: 'The text is not UTF-8',
    remedy: 'Save the file as UTF-8 without a byte order mark.',
  },
  project_mismatch: {
    status: 400,
    title: 'The request names two projects',
    remedy: 'Name the project once: in the URL, in the metadata or by the token.',
  },
  invalid_cursor: {
    status: 400,
    title: 'The cursor does not belong to this list',
    remedy: 'Start the list again without a cursor; do not change the filter between pages.',
  },
  unauthenticated: {
    status: 401,
    title: 'Not authenticated',
    remedy:
      'Sign in, or send a token: `Authorization: Bearer …`, or DAIS_TOKEN for `dais`. The owner’s is in `owner-token` of the data folder.',
  },
  forbidden: {
    status: 403,
    title: 'Permission denied',
    remedy: 'Ask an administrator of the project for the action named in `detail`.',
  },
  approval_missing: {
    status: 403,
    title: 'An approval is missing',
    remedy:
      'Request the approval, for example with the operation `modelApproval.request`; the missing approver is in `detail`.',
  },
  host_refused: {
    status: 403,
    title: 'Unknown Host header',
    remedy: 'Use http://127.0.0.1:<port>, or start with `--allow-host NAME`.',
  },
  origin_refused: {
    status: 403,
    title: 'Cross-origin request refused',
    remedy: 'Open the console at the server’s own URL, or start the server with `--allow-host NAME`.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    remedy: 'Check kind, name and project; `dais get KIND` lists the resources.',
  },
  file_not_found: {
    status: 404,
    title: 'File not found',
    remedy: 'Check the path. Relative paths start in the working directory.',
  },
  route_not_found: {
    status: 404,
    title: 'Unknown URL',
    remedy: '/api/openapi.json lists every URL of this server.',
  },
  content_missing: {
    status: 404,
    title: 'Content is missing in the blob store',
    remedy: 'Upload it again, or restore the blob store from the backup that belongs to this database.',
  },
  content_damaged: {
    status: 409,
    title: 'Stored content is damaged',
    remedy:
      'Upload the same bytes again, which repairs the object, or restore its file from a backup. `dais admin content` lists what is damaged.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    remedy: 'Use one of the methods named in the Allow header.',
  },
  not_acceptable: { status: 406, title: 'No acceptable representation', remedy: 'Accept application/json.' },
  request_timeout: {
    status: 408,
    title: 'Request timeout',
    remedy: 'Send it again without long pauses.',
    retryable: true,
  },
  already_exists: {
    status: 409,
    title: 'The name already exists',
    remedy: 'Choose another name, or use `apply` to change the existing one.',
  },
  conflict: {
    status: 409,
    title: 'Concurrent change',
    remedy: 'Read the current version, change it and send it again.',
  },
  still_referenced: {
    status: 409,
    title: 'Still referenced',
    remedy: 'Delete or change the resources listed under `holders` first.',
  },
  other_origin: {
    status: 409,
    title: 'Managed by another tool',
    remedy: 'Change it with the tool named in `detail`, or adopt it with `--take-over`.',
  },
  being_deleted: {
    status: 409,
    title: 'Deletion in progress',
    remedy: 'Wait until the deletion has finished, then create it again.',
  },
  invalid_state: {
    status: 409,
    title: 'Invalid state',
    remedy: 'See `detail` for the current state and the states that allow this.',
  },
  cursor_expired: {
    status: 410,
    title: 'The stream position has expired',
    remedy: 'List again and watch from the resourceVersion of that list.',
  },
  precondition_failed: {
    status: 412,
    title: 'Version mismatch',
    remedy: 'Read the current version and send its ETag in If-Match.',
  },
  too_large: { status: 413, title: 'Too large', remedy: 'Send less in one request; the limit is in `detail`.' },
  digest_mismatch: {
    status: 422,
    title: 'Digest mismatch',
    remedy: 'Compute the SHA-256 of the bytes that you send, and send them again.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported Content-Type',
    remedy: 'Use one of the types named in `detail`.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'Range not satisfiable',
    remedy: 'Request a range below the size in Content-Range.',
  },
  idempotency_mismatch: {
    status: 422,
    title: 'Idempotency-Key already used for another request',
    remedy: 'Use a new key for a new request.',
  },
  headers_too_large: {
    status: 431,
    title: 'Headers too large',
    remedy: 'Send fewer or shorter headers and cookies.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    remedy: 'Wait for the time in Retry-After.',
    retryable: true,
  },
  too_many_streams: {
    status: 429,
    title: 'Too many open streams',
    remedy: 'Close streams that you no longer read, then retry.',
    retryable: true,
  },

  // Manifests
  invalid_manifest: {
    status: 422,
    title: 'The manifest is not valid',
    remedy: 'Correct the fields listed under `issues`; `dais explain KIND` describes every field.',
  },
  unknown_kind: {
    status: 422,
    title: 'Unknown kind',
    remedy: 'Use one of the kinds that `dais explain` lists.',
  },
  unknown_version: {
    status: 422,
    title: 'Unknown apiVersion',
    remedy: 'Use `apiVersion: dais.dev/v1`.',
  },
  duplicate_document: { status: 422, title: 'Two documents describe the same resource', remedy: 'Keep one of them.' },
  manifest_too_complex: {
    status: 422,
    title: 'The YAML document is too complex',
    remedy: 'Write the document without anchors and aliases and with less nesting.',
  },
  reference_not_found: {
    status: 422,
    title: 'Reference not found',
    remedy: 'Create the resource named in `issues` first, or add it to the same apply.',
  },
  immutable_field: {
    status: 422,
    title: 'The field is immutable',
    remedy: 'Delete the resource and create it again with the new value.',
  },
  data_invalid: {
    status: 422,
    title: 'Data validation failed',
    remedy: 'Correct the rows listed under `issues` (file, line and column), or skip invalid rows.',
  },
  query_invalid: {
    status: 422,
    title: 'The query is not valid',
    remedy: 'Correct the position named in `detail`; a query is one SELECT over the given tables.',
  },
  query_limit: {
    status: 422,
    title: 'Query exceeded its resource limit',
    remedy: 'Request fewer rows, columns or groups, or raise the limit named in `detail`.',
  },
  quota_exceeded: {
    status: 403,
    title: 'Project quota exceeded',
    remedy: 'Free what the quota counts (delete, cancel or wait), or raise `spec.quotas` of the project.',
  },
  address_refused: {
    status: 422,
    title: 'URL refused by the outbound guard',
    remedy: 'Use a public URL, or allow the host with `outbound.allowHosts` in the configuration.',
  },
  unsafe_path: {
    status: 422,
    title: 'Unsafe path',
    remedy: 'Use a relative path without `..`, empty parts or control characters.',
  },
  nothing_to_roll_back: {
    status: 409,
    title: 'Revision not found',
    remedy: '`dais history KIND NAME` lists the revisions.',
  },

  // The platform
  internal: {
    status: 500,
    title: 'Internal server error',
    remedy: 'Report it with the request id; `dais doctor` may show the cause.',
  },
  database_unavailable: {
    status: 503,
    title: 'Database unavailable',
    remedy: 'Retry; if it persists, run `dais doctor`.',
    retryable: true,
  },
  blobs_unavailable: {
    status: 503,
    title: 'Blob store unavailable',
    remedy: 'Retry; if it persists, run `dais doctor`.',
    retryable: true,
  },
  keys_unavailable: {
    status: 503,
    title: 'Key store unavailable',
    remedy: 'Check `keys` in the configuration, then retry.',
    retryable: true,
  },
  target_unavailable: {
    status: 503,
    title: 'Compute target unavailable',
    remedy: 'See `detail`; after the remedy, run `dais target probe NAME`.',
    retryable: true,
  },
  shutting_down: {
    status: 503,
    title: 'The server is shutting down',
    remedy: 'Retry in a moment.',
    retryable: true,
  },
  overloaded: {
    status: 503,
    title: 'The server is overloaded',
    remedy: 'Retry after the time in Retry-After.',
    retryable: true,
  },
  query_failed: {
    status: 503,
    title: 'The query engine stopped during the query',
    remedy: 'Run it again; if it fails again, check the server log and lower `query.memoryMb`.',
    retryable: true,
  },
  model_unavailable: {
    status: 503,
    title: 'The model is unavailable',
    remedy: 'Retry after the time in Retry-After; see `detail` for the reason.',
    retryable: true,
  },
  deadline_exceeded: {
    status: 504,
    title: 'Deadline exceeded',
    remedy: 'Send smaller requests, allow more time, or give the endpoint more workers.',
    retryable: true,
  },
  upstream_failed: {
    status: 502,
    title: 'Upstream error',
    remedy: 'See `detail`; check that the URL is correct and reachable.',
    retryable: true,
  },
  server_unreachable: {
    status: 503,
    title: 'Dais is unreachable',
    remedy: 'Check the URL; `dais up` starts a server, `dais doctor` finds what is wrong.',
    retryable: true,
  },
  storage_full: {
    status: 507,
    title: 'The disk is full',
    remedy: 'Free space on the disk named in `detail`, then retry. No data was lost.',
    retryable: true,
  },

  // Starting, stopping, administration
  invalid_config: {
    status: 422,
    title: 'The configuration is not valid',
    remedy: 'Correct the fields listed under `issues`; docs/reference/config.md describes each.',
  },
  data_locked: {
    status: 409,
    title: 'The data folder is locked by another Dais',
    remedy: 'Stop the process named in `detail`, or use another `--data` folder.',
  },
  data_version: {
    status: 409,
    title: 'The data was written by another version',
    remedy: 'Follow the steps in `detail`.',
  },
  database_setup: {
    status: 422,
    title: 'The database is not set up correctly',
    remedy: 'Follow the steps in `detail`.',
  },
  address_in_use: {
    status: 409,
    title: 'The address is in use',
    remedy: 'Stop the process that uses it, or use another `--port`.',
  },
  join_refused: {
    status: 403,
    title: 'The node may not join the installation',
    remedy:
      'Create a token with `dais admin create-node-token` on a node of the installation, and start the new node with it in `DAIS_NODE_JOIN_TOKEN`.',
  },
  unsafe_bind: {
    status: 422,
    title: 'Unsafe listen address',
    remedy:
      'Set `authentication.mode: accounts` and `tls` (see the guide “Secure a Dais for a team”), or bind to 127.0.0.1 (the default) and reach it through an SSH tunnel.',
  },
  key_missing: {
    status: 422,
    title: 'Encryption key missing',
    remedy: 'Restore the key with the fingerprint in `detail`.',
  },
  key_mismatch: {
    status: 422,
    title: 'Encryption key mismatch',
    remedy: 'Use the key store that belongs to this data.',
  },
  keys_read_only: {
    status: 422,
    title: 'The keys are managed elsewhere',
    remedy: 'Create the new key in the system that manages the keys, and name it in the configuration.',
  },
  backup_invalid: {
    status: 422,
    title: 'The backup cannot be used',
    remedy: 'See `detail`; use a complete backup of the same or an older version.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof catalog;
export const errorCatalog: Readonly<Record<ErrorCode, ErrorEntry>> = catalog;
