/** Errors that the API server returns, as it describes them in a `Status` object. */
import type { Collection } from './kubernetes-object.ts';

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The request that failed, for sentences about permissions. */
export interface FailedRequest {
  /** Verb of RBAC: `get`, `list`, `watch`, `create`, `patch`, `delete`. */
  readonly verb: string;
  /** Absent for paths without resources: `/version`. */
  readonly target?: Collection & { readonly name?: string; readonly subresource?: string };
  readonly path: string;
}

export interface ApiErrorFields {
  readonly status: number;
  readonly reason: string;
  /** Of the API server. */
  readonly message: string;
  readonly causes: readonly StatusCause[];
  /** Type and name of the object that the error is about. */
  readonly details: { readonly kind?: string; readonly name?: string };
  readonly retryAfterMs: number | undefined;
  readonly request: FailedRequest;
}

export class ApiError extends Error {
  /** HTTP status. */
  readonly status: number;
  /** Reason of Kubernetes: `NotFound`, `Conflict`, `Forbidden`; empty when the response is not of Kubernetes. */
  readonly reason: string;
  readonly causes: readonly StatusCause[];
  readonly details: ApiErrorFields['details'];
  readonly retryAfterMs: number | undefined;
  readonly request: FailedRequest;

  constructor(fields: ApiErrorFields) {
    super(fields.message);
    this.name = 'ApiError';
    this.status = fields.status;
    this.reason = fields.reason;
    this.causes = fields.causes;
    this.details = fields.details;
    this.retryAfterMs = fields.retryAfterMs;
    this.request = fields.request;
  }
}

const MAX_MESSAGE = 2000;
const MAX_CAUSES = 100;

/** Reads the body of a failed response. A proxy or load balancer in between returns no `Status`: its first line is the message. */
export function readApiError(
  status: number,
  body: string,
  retryAfterHeader: string | undefined,
  request: FailedRequest,
): ApiError {
  const object = parseObject(body);
  if (object?.['kind'] === 'Status') return statusError(object, request, { status, retryAfterHeader });
  const line = body.split('\n').find((one) => one.trim() !== '') ?? '';
  const message = line.trim() === '' ? `The response with status ${status} has no body.` : line.trim();
  const retryAfterMs = readSeconds(retryAfterHeader);
  return new ApiError({
    status,
    reason: '',
    message: message.slice(0, MAX_MESSAGE),
    causes: [],
    details: {},
    retryAfterMs,
    request,
  });
}

/** The error of a `Status` object: the body of a response, or the object of an ERROR event of a watch. */
export function statusError(
  object: Readonly<Record<string, unknown>>,
  request: FailedRequest,
  response: { readonly status?: number; readonly retryAfterHeader?: string | undefined } = {},
): ApiError {
  const details = asRecord(object['details']);
  const seconds = details['retryAfterSeconds'];
  const kind = asText(details['kind']);
  const name = asText(details['name']);
  const code = object['code'];
  return new ApiError({
    status: response.status ?? (typeof code === 'number' ? code : 500),
    reason: asText(object['reason']) ?? '',
    message: (asText(object['message']) ?? 'The API server gives no reason.').slice(0, MAX_MESSAGE),
    causes: (Array.isArray(details['causes']) ? details['causes'] : []).slice(0, MAX_CAUSES).map(readCause),
    details: { ...(kind !== undefined && { kind }), ...(name !== undefined && { name }) },
    retryAfterMs: readSeconds(response.retryAfterHeader) ?? (typeof seconds === 'number' ? seconds * 1000 : undefined),
    request,
  });
}

function readCause(value: unknown): StatusCause {
  const cause = asRecord(value);
  const [reason, message, field] = ['reason', 'message', 'field'].map((name) => asText(cause[name]));
  return {
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message: message.slice(0, MAX_MESSAGE) }),
    ...(field !== undefined && { field }),
  };
}

/** The form with a date (RFC 9110 §10.2.3) is not used by Kubernetes. */
function readSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
