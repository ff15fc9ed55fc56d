/** Decides what a failed call of a cluster means for the caller. Pure. */
import { ApiError } from './api-error.ts';
import { ConnectionError, type ConnectionProblem } from './connection-error.ts';
import { CredentialError } from './exec-credential.ts';
import { describeCollection } from './kubernetes-object.ts';

/**
 * - `not-found`: the object does not exist. `unknown-type`: the API server does not serve this type.
 * - `already-exists`, `conflict`: another writer was first; read the object and decide again.
 * - `expired`: the resourceVersion or the continue token is too old; list again.
 * - `forbidden`: RBAC. `denied`: an admission rule rejects the object. `invalid`, `unknown-field`: the object is wrong.
 * - `quota`: waits until other objects are deleted.
 * - `webhook`: an admission webhook cannot be called. `throttled`, `unavailable`: the API server is busy.
 * - `unauthenticated`: the credentials are missing, wrong or expired.
 * - `connection`: no complete response. `tls`: the certificates on either side do not match.
 */
export type FailureKind =
  | 'not-found'
  | 'unknown-type'
  | 'already-exists'
  | 'conflict'
  | 'expired'
  | 'forbidden'
  | 'denied'
  | 'invalid'
  | 'unknown-field'
  | 'quota'
  | 'webhook'
  | 'throttled'
  | 'unavailable'
  | 'unauthenticated'
  | 'connection'
  | 'tls';

export interface ClusterFailure {
  readonly kind: FailureKind;
  /** The same request can succeed later, without a change by a person. */
  readonly isRetryable: boolean;
  readonly retryAfterMs?: number;
  /** Complete sentences for a user: what failed, why, and what to do. */
  readonly message: string;
}

const RETRYABLE: readonly FailureKind[] = ['quota', 'webhook', 'throttled', 'unavailable', 'connection'];

/** Returns undefined for errors that are not of this client: bugs, and an aborted signal. */
export function classifyFailure(error: unknown): ClusterFailure | undefined {
  if (error instanceof ConnectionError) return classifyConnection(error);
  if (error instanceof CredentialError) {
    return { kind: 'unauthenticated', isRetryable: error.isRetryable, message: error.message };
  }
  if (!(error instanceof ApiError)) return undefined;
  const kind = kindOf(error);
  return {
    kind,
    isRetryable: RETRYABLE.includes(kind),
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
    message: messageOf(kind, error),
  };
}

/** Field managers that own the fields of a rejected apply, in order, without duplicates. */
export function conflictingManagers({ causes }: ApiError): readonly string[] {
  const managers = causes.flatMap(({ reason, message = '' }) =>
    reason === 'FieldManagerConflict' ? (/^conflict with "((?:[^"\\]|\\.)*)"/.exec(message)?.[1] ?? []) : [],
  );
  return [...new Set(managers)];
}

const TLS_PROBLEMS: readonly ConnectionProblem[] = [
  'certificate-untrusted',
  'certificate-expired',
  'certificate-name',
  'client-certificate',
  'tls',
];

function classifyConnection({ problem, message }: ConnectionError): ClusterFailure {
  if (TLS_PROBLEMS.includes(problem)) return { kind: 'tls', isRetryable: false, message };
  return { kind: 'connection', isRetryable: problem !== 'too-large', message };
}

function kindOf(error: ApiError): FailureKind {
  const { status, reason, message } = error;
  // Before the status: server-side apply reports it with status 500, validation with 400.
  if (/field not declared in schema|unknown field "/.test(message) && status !== 409) return 'unknown-field';
  if (/failed calling webhook|failed to call webhook/.test(message)) return 'webhook';
  if (/ denied (?:the )?request/.test(message)) return status === 429 || status >= 500 ? 'webhook' : 'denied';
  switch (status) {
    case 401:
      return 'unauthenticated';
    case 403:
      return kindOfForbidden(message);
    case 404:
      // An object of a type that is not served must not count as deleted.
      return error.details.name === undefined ? 'unknown-type' : 'not-found';
    case 408:
      return 'unavailable';
    case 409:
      return kindOfConflict(error);
    case 410:
      return 'expired';
    case 429:
      return 'throttled';
    default:
      return status >= 500 || reason === 'ServerTimeout' ? 'unavailable' : 'invalid';
  }
}

function kindOfForbidden(message: string): FailureKind {
  if (/exceeded quota|status unknown for quota/.test(message)) return 'quota';
  // In the first second of a namespace, its default service account does not exist yet.
  if (/error looking up service account/.test(message)) return 'unavailable';
  return /\bcannot [a-z]+ (?:resource|path)\b/.test(message) ? 'forbidden' : 'denied';
}

function kindOfConflict({ reason, details }: ApiError): FailureKind {
  if (reason === 'AlreadyExists') return 'already-exists';
  // Two creations updated the usage of one quota: the object itself has no conflict.
  return details.kind === 'resourcequotas' ? 'unavailable' : 'conflict';
}

function messageOf(kind: FailureKind, error: ApiError): string {
  const { message, request, status } = error;
  const cause = sentence(message);
  const what = request.target === undefined ? request.path : describeCollection(request.target);
  const prefix = `The cluster rejects \`${request.verb}\` of ${what}:`;
  switch (kind) {
    case 'forbidden':
      return forbiddenMessage(error);
    case 'conflict': {
      const managers = conflictingManagers(error);
      if (managers.length === 0) return `${prefix} ${cause} Read the object again.`;
      const owners = managers.map((manager) => `\`${manager}\``).join(', ');
      return `${prefix} ${owners} manages fields that Dais sets. Remove them there, or let Dais own them. ${cause}`;
    }
    case 'unauthenticated':
      return `The cluster does not accept the credentials (401). Renew the token or the certificate. ${cause}`;
    case 'unknown-type':
      return `${prefix} the API server does not serve this type. Install it, or check the version of the cluster. ${cause}`;
    case 'quota':
      return `The quota of the namespace is used up. Dais retries; delete objects or raise the quota. ${cause}`;
    case 'denied':
      return `${prefix} an admission rule denies it. Change the object or the rule. ${cause}`;
    case 'webhook':
      return `${prefix} an admission webhook does not respond. Dais retries; check the webhook. ${cause}`;
    case 'throttled':
    case 'unavailable':
      return `The API server cannot process \`${request.verb}\` of ${what} now (${status}). A retry can succeed. ${cause}`;
    default:
      return `${prefix} ${cause}`;
  }
}

/** Names the rule that is missing. The server names the verb that it checked: an apply needs `patch`, and `create` once. */
function forbiddenMessage({ message, request }: ApiError): string {
  const user = /\bUser "([^"]+)"/.exec(message)?.[1];
  const verb = /\bcannot ([a-z]+) (?:resource|path)\b/.exec(message)?.[1] ?? request.verb;
  const account = user === undefined ? 'the user of Dais' : `\`${user}\``;
  const { target } = request;
  if (target === undefined) {
    const rule = `{nonResourceURLs: ["${request.path}"], verbs: ["${verb}"]}`;
    return `The cluster does not permit ${account} to ${verb} ${request.path}. Add the rule ${rule} to a ClusterRole of this user.`;
  }
  const resource = target.subresource === undefined ? target.resource : `${target.resource}/${target.subresource}`;
  const rule = `{apiGroups: ["${target.group ?? ''}"], resources: ["${resource}"], verbs: ["${verb}"]}`;
  const scope = target.namespace === undefined ? 'all namespaces' : `namespace \`${target.namespace}\``;
  const role = target.namespace === undefined ? 'a ClusterRole' : `a Role in namespace \`${target.namespace}\``;
  return `The cluster does not permit ${account} to ${verb} ${resource} in ${scope}. Add the rule ${rule} to ${role}, and bind it to this user.`;
}

function sentence(message: string): string {
  const text = message.trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
