/**
 * The closed catalogue of error codes. Every failure a caller can see has one of these codes; each protocol maps every
 * code into its own form. A code is never renamed or reused. docs/reference/errors.md is generated from this list.
 */

interface ErrorEntry {
  /** HTTP status of the problem document. */
  readonly status: number;
  /** What happened, in a few words; the same for every occurrence. */
  readonly title: string;
  /** What the reader can do about it. */
  readonly remedy: string;
  /** True when the same call may succeed later unchanged; such answers carry Retry-After. */
  readonly retryable?: true;
}

const catalogue = {
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
    title: 'Who you are is not known',
    remedy:
      'Sign in, or send a token: `Authorization: Bearer …`, or DAIS_TOKEN for `dais`. The owner’s is in `owner-token` of the data folder.',
  },
  forbidden: {
    status: 403,
    title: 'You may not do this',
    remedy: 'Ask an administrator of the project for the action named in `detail`.',
  },
  approval_missing: {
    status: 403,
    title: 'Somebody has not approved yet',
    remedy:
      'Ask for approval, for example with the operation `modelApproval.request`; whose is missing is in `detail`.',
  },
  host_refused: {
    status: 403,
    title: 'The Host header is not one this server answers to',
    remedy: 'Use http://127.0.0.1:<port>, or start with `--allow-host NAME`.',
  },
  origin_refused: {
    status: 403,
    title: 'A page of another origin may not call this server',
    remedy: 'Open the console at the server’s own address, or start with `--allow-host NAME`.',
  },
  not_found: {
    status: 404,
    title: 'There is no such thing',
    remedy: 'Check kind, name and project; `dais get KIND` lists what there is.',
  },
  route_not_found: {
    status: 404,
    title: 'There is no such address',
    remedy: 'See /api/openapi.json for every address this server answers.',
  },
  content_missing: {
    status: 404,
    title: 'The content is not in the blob store',
    remedy: 'Upload it again, or restore the blob store from the backup that belongs to this database.',
  },
  content_damaged: {
    status: 409,
    title: 'The stored content is damaged',
    remedy:
      'Upload the same bytes again, which repairs the object, or restore its file from a backup. `dais admin content` lists what is damaged.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The address does not take this method',
    remedy: 'Use one of the methods named in the Allow header.',
  },
  not_acceptable: { status: 406, title: 'No representation that you accept', remedy: 'Accept application/json.' },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    remedy: 'Send it again without long pauses.',
    retryable: true,
  },
  already_exists: {
    status: 409,
    title: 'The name is taken',
    remedy: 'Choose another name, or apply to change the one that exists.',
  },
  conflict: {
    status: 409,
    title: 'It was changed meanwhile',
    remedy: 'Read it again, make the change on the new version and send that.',
  },
  still_referenced: {
    status: 409,
    title: 'Something still refers to it',
    remedy: 'Delete or change the holders listed under `holders` first.',
  },
  other_origin: {
    status: 409,
    title: 'Another tool made this',
    remedy: 'Change it with the tool named in `detail`, or take it over with `--take-over`.',
  },
  being_deleted: { status: 409, title: 'It is being deleted', remedy: 'Wait until it is gone, then create it again.' },
  invalid_state: {
    status: 409,
    title: 'It is not in a state that allows this',
    remedy: 'See `detail` for the state it is in and the states that allow it.',
  },
  cursor_expired: {
    status: 410,
    title: 'The place in the stream is no longer kept',
    remedy: 'List again and watch from the resourceVersion of that list.',
  },
  precondition_failed: {
    status: 412,
    title: 'It is not the version you named',
    remedy: 'Read it again and send its ETag in If-Match.',
  },
  too_large: { status: 413, title: 'It is too large', remedy: 'Send less at once; the limit is in `detail`.' },
  digest_mismatch: {
    status: 422,
    title: 'The bytes are not the ones announced',
    remedy: 'Compute the SHA-256 of what you send and send it again.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The Content-Type is not one this address takes',
    remedy: 'Use one of the types named in `detail`.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'The range lies outside the content',
    remedy: 'Ask for a range below the size given in Content-Range.',
  },
  idempotency_mismatch: {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
    remedy: 'Use a new key for a new request.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    remedy: 'Send fewer or shorter headers and cookies.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    remedy: 'Wait as long as Retry-After says.',
    retryable: true,
  },
  too_many_streams: {
    status: 429,
    title: 'Too many open streams',
    remedy: 'Close streams that are no longer read, then try again.',
    retryable: true,
  },

  // Manifests
  invalid_manifest: {
    status: 422,
    title: 'The manifest is not valid',
    remedy: 'Correct the places listed under `issues`; `dais explain KIND` describes every field.',
  },
  unknown_kind: {
    status: 422,
    title: 'There is no such kind',
    remedy: 'Use one of the kinds that `dais explain` lists.',
  },
  unknown_version: {
    status: 422,
    title: 'There is no such version of the kind',
    remedy: 'Use `apiVersion: dais.dev/v1`.',
  },
  duplicate_document: { status: 422, title: 'Two documents describe the same resource', remedy: 'Keep one of them.' },
  manifest_too_complex: {
    status: 422,
    title: 'The YAML expands too far',
    remedy: 'Write the document without anchors and aliases and with less nesting.',
  },
  reference_not_found: {
    status: 422,
    title: 'It refers to something that does not exist',
    remedy: 'Create what is named in `issues` first, or put it into the same apply.',
  },
  immutable_field: {
    status: 422,
    title: 'The field cannot be changed',
    remedy: 'Delete the resource and create it again with the new value.',
  },
  data_invalid: {
    status: 422,
    title: 'The data is not what it should be',
    remedy: 'Correct the rows listed under `issues` (file, line and column), or let broken rows be left out and told.',
  },
  query_invalid: {
    status: 422,
    title: 'The query cannot be run',
    remedy: 'Correct the place named in `detail`; a query is one SELECT over the tables it was given.',
  },
  query_limit: {
    status: 422,
    title: 'The query needs more than it may have',
    remedy: 'Ask for less (fewer rows, columns or groups), or raise the limit named in `detail`.',
  },
  quota_exceeded: {
    status: 403,
    title: 'The project’s quota is used up',
    remedy: 'Free what the quota counts (delete, cancel or wait), or raise `spec.quotas` of the project.',
  },
  address_refused: {
    status: 422,
    title: 'The address may not be called',
    remedy: 'Use a public address, or allow the host with `outbound.allowHosts` in the configuration.',
  },
  unsafe_path: {
    status: 422,
    title: 'The path leaves its folder',
    remedy: 'Use a relative path without `..`, empty parts or control characters.',
  },
  nothing_to_roll_back: {
    status: 409,
    title: 'There is no such revision',
    remedy: 'See `dais history KIND NAME` for the revisions there are.',
  },

  // The platform
  internal: {
    status: 500,
    title: 'Dais made a mistake',
    remedy: 'Report it with the request id; `dais doctor` may tell more.',
  },
  database_unavailable: {
    status: 503,
    title: 'The database does not answer',
    remedy: 'Try again; if it lasts, `dais doctor` says what is wrong.',
    retryable: true,
  },
  blobs_unavailable: {
    status: 503,
    title: 'The blob store does not answer',
    remedy: 'Try again; if it lasts, `dais doctor` says what is wrong.',
    retryable: true,
  },
  keys_unavailable: {
    status: 503,
    title: 'The key store does not answer',
    remedy: 'Check the `keys` part of the configuration, then try again.',
    retryable: true,
  },
  shutting_down: { status: 503, title: 'The server is stopping', remedy: 'Try again in a moment.', retryable: true },
  overloaded: {
    status: 503,
    title: 'The server has too much to do',
    remedy: 'Try again after the time in Retry-After.',
    retryable: true,
  },
  query_failed: {
    status: 503,
    title: 'The query engine stopped during the query',
    remedy: 'Run it again; if it happens again, look into the server’s log and lower `query.memoryMb`.',
    retryable: true,
  },
  model_unavailable: {
    status: 503,
    title: 'The model cannot answer now',
    remedy: 'Try again after the time in Retry-After; `detail` says whether it loads, starts again or failed to load.',
    retryable: true,
  },
  deadline_exceeded: {
    status: 504,
    title: 'It took longer than it may',
    remedy: 'Send less at once, allow more time, or give the endpoint more workers.',
    retryable: true,
  },
  upstream_failed: {
    status: 502,
    title: 'The other side did not answer as it should',
    remedy: 'See `detail`; check that the address is right and reachable.',
    retryable: true,
  },
  server_unreachable: {
    status: 503,
    title: 'Dais does not answer',
    remedy: 'Check the address; `dais up` starts a server, `dais doctor` looks for what is wrong.',
    retryable: true,
  },
  storage_full: {
    status: 507,
    title: 'The disk is full',
    remedy: 'Free space on the disk named in `detail`, then try again; nothing was lost.',
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
    title: 'Another Dais has this data folder',
    remedy: 'Stop the process named in `detail`, or use another `--data` folder.',
  },
  data_version: { status: 409, title: 'Another version wrote this data', remedy: 'Follow the steps in `detail`.' },
  database_setup: {
    status: 422,
    title: 'The database cannot be used as it is',
    remedy: 'Follow the steps in `detail`.',
  },
  address_in_use: {
    status: 409,
    title: 'The address is taken',
    remedy: 'Stop the process that has it or use another `--port`.',
  },
  unsafe_bind: {
    status: 422,
    title: 'Dais will not listen on this address unprotected',
    remedy:
      'Set `authentication.mode: accounts` and `tls` (see the guide “Secure a Dais for a team”), or bind to 127.0.0.1 (the default) and reach it through an SSH tunnel.',
  },
  key_missing: {
    status: 422,
    title: 'The key that sealed this secret is not here',
    remedy: 'Bring back the key with the fingerprint in `detail`.',
  },
  key_mismatch: { status: 422, title: 'The key does not fit', remedy: 'Use the key store that belongs to this data.' },
  keys_read_only: {
    status: 422,
    title: 'These keys are made elsewhere',
    remedy: 'Make the new key where the others are and name it in the configuration.',
  },
  backup_invalid: {
    status: 422,
    title: 'The backup cannot be used',
    remedy: 'See `detail`; use a complete backup of the same or an older version.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof catalogue;
export const errorCatalogue: Readonly<Record<ErrorCode, ErrorEntry>> = catalogue;

/** One fault in what the caller sent. Positions count from 1, as editors do. */
export interface Issue {
  readonly message: string;
  /** Where in the document: `spec.rules[2].name`. */
  readonly path?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** How many UTF-16 units from there on are wrong, where that is known. */
  readonly length?: number;
  readonly expected?: string;
  /** The nearest valid name when something was misspelt. */
  readonly nearest?: string;
}

/** RFC 9457 problem document. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly detail?: string;
  readonly requestId?: string;
  readonly issues?: readonly Issue[];
  readonly holders?: readonly string[];
}

export interface ErrorDetails {
  readonly issues?: readonly Issue[];
  readonly holders?: readonly string[];
  /** Seconds after which a retry makes sense; for retryable codes (default 1). */
  readonly retryAfter?: number;
  /** Of the request that failed at a server; finds it in the server's log. */
  readonly requestId?: string;
  readonly cause?: unknown;
}

/** The one error class of Dais. Its message is safe to show to the caller: never put a secret into it. */
export class DaisError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly Issue[] | undefined;
  readonly holders: readonly string[] | undefined;
  readonly retryAfter: number | undefined;
  readonly requestId: string | undefined;

  constructor(code: ErrorCode, detail: string, details: ErrorDetails = {}) {
    super(detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DaisError';
    this.code = code;
    this.issues = details.issues;
    this.holders = details.holders;
    this.retryAfter = details.retryAfter;
    this.requestId = details.requestId;
  }

  get status(): number {
    return errorCatalogue[this.code].status;
  }

  get retryable(): boolean {
    return errorCatalogue[this.code].retryable === true;
  }
}

/** Reports whether the catalogue's remedy fits: one that refers to a list only fits an error with that list. */
export function hasCatalogueRemedy({ code, issues = [], holders = [] }: Listing): boolean {
  const { remedy } = errorCatalogue[code];
  return (issues.length > 0 || !remedy.includes('`issues`')) && (holders.length > 0 || !remedy.includes('`holders`'));
}

type Listing = Pick<DaisError, 'code' | 'issues' | 'holders'>;

/** Returns what to do about an error; where the catalogue's remedy does not fit, its sentence says what to correct. */
export function errorRemedy(error: Listing): string {
  return hasCatalogueRemedy(error) ? errorCatalogue[error.code].remedy : SEE_DETAIL;
}

const SEE_DETAIL = 'Correct what `detail` describes.';

export function toProblem(error: DaisError, requestId?: string): Problem {
  const entry = errorCatalogue[error.code];
  return {
    type: `/docs/reference/errors#${error.code}`,
    title: entry.title,
    status: entry.status,
    code: error.code,
    remedy: errorRemedy(error),
    ...(error.message !== '' && { detail: error.message }),
    ...(requestId !== undefined && { requestId }),
    ...(error.issues !== undefined && { issues: error.issues }),
    ...(error.holders !== undefined && { holders: error.holders }),
  };
}

/** Turns a problem document received over the wire back into the error it came from. `retryAfter` is in seconds. */
export function fromProblem(problem: Problem, retryAfter?: number): DaisError {
  return new DaisError(problem.code, problem.detail ?? '', {
    ...(problem.issues !== undefined && { issues: problem.issues }),
    ...(problem.holders !== undefined && { holders: problem.holders }),
    ...(problem.requestId !== undefined && { requestId: problem.requestId }),
    ...(retryAfter !== undefined && { retryAfter }),
  });
}
