/** Converts errors of the driver and the server to errors of the catalog. */
import { DaisError, errorCatalog, type ErrorCode } from '@dais/api/errors';

/** SQLSTATEs that mean that the server or the connection is temporarily unavailable. */
const UNAVAILABLE_STATES: ReadonlySet<string> = new Set([
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: starting or stopping
  '57P05', // idle_session_timeout
  '25P03', // idle_in_transaction_session_timeout
  '53300', // too_many_connections
]);

const UNAVAILABLE_SYSTEM_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT', // the Unix socket does not exist
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EACCES', // the folder of the socket is being replaced or belongs to another user
]);

/** The driver reports a lost connection by message only. */
const UNAVAILABLE_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client (was closed|has encountered))/;

/** Returns the code of the failure: the SQLSTATE of the server or the code of a system error. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Returns whether the server or the connection was lost; the statement may have been executed. */
export function isUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined && (UNAVAILABLE_STATES.has(code) || UNAVAILABLE_SYSTEM_CODES.has(code))) return true;
  // Class 08: connection exceptions.
  if (code !== undefined && /^08...$/.test(code)) return true;
  return error instanceof Error && UNAVAILABLE_MESSAGES.test(error.message);
}

/** Returns whether a write reached a read-only server: after a failover this connection leads to a standby. */
export function isStandby(error: unknown): boolean {
  return codeOf(error) === '25006';
}

/** Serialization failure or deadlock: a retry of the transaction may succeed. */
export function isSerializationFailure(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}

/**
 * The session did not prepare our statements (26000: unknown statement, 42P05: the name exists): a pooler changed the session
 * between two transactions.
 */
export function isLostStatement(error: unknown): boolean {
  const code = codeOf(error);
  return code === '26000' || code === '42P05';
}

/** A prepared statement is invalid after a schema change. It works on a new connection. */
export function isStalePlan(error: unknown): boolean {
  return codeOf(error) === '0A000' && error instanceof Error && error.message.startsWith('cached plan must not change');
}

/** A deferred statement found an unexpected state. */
export function isUnexpectedState(error: unknown): boolean {
  return codeOf(error) === 'DA001';
}

/** An error of the catalog that a database function raised. */
const REFUSED = 'DA000';

function refusalOf(error: unknown): DaisError | undefined {
  if (codeOf(error) !== REFUSED) return undefined;
  const { message, detail = '' } = error as { readonly message: string; readonly detail?: string };
  return Object.hasOwn(errorCatalog, detail) ? new DaisError(detail as ErrorCode, message) : undefined;
}

/** Returns the error for the caller. Errors without an equivalent in the catalog are returned unchanged. */
export function translate(error: unknown): unknown {
  if (error instanceof DaisError) return error;
  const refusal = refusalOf(error);
  if (refusal !== undefined) return refusal;
  const detail = error instanceof Error ? error.message : String(error);
  if (codeOf(error) === '53100') {
    return new DaisError('storage_full', `The disk of the database is full: ${detail}`, { cause: error });
  }
  if (isUnavailable(error)) {
    return new DaisError('database_unavailable', `The database does not respond: ${detail}`, {
      retryAfter: 1,
      cause: error,
    });
  }
  return error;
}
