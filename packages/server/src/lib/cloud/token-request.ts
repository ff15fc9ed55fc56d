import type { Outbound, OutboundRequest } from '#lib/outbound/outbound.ts';
import { chainOf } from '#lib/outbound/failure-text.ts';
import { SignInError, type AccessToken } from './access-token.ts';
import { clockSkewText } from './clock-skew.ts';

const TIMEOUTS = { headersMs: 10_000, idleMs: 10_000, totalMs: 20_000 } as const;
/** A service that states no lifetime: the shortest that clouds use. */
const DEFAULT_LIFE_SECONDS = 300;

export interface TokenRequest {
  readonly outbound: Outbound;
  readonly now: () => number;
  readonly request: Pick<OutboundRequest, 'url' | 'method' | 'headers' | 'body' | 'direct'>;
  /** The sign-in in errors: `the managed identity`. */
  readonly what: string;
  /** What to check when the service rejects it. */
  readonly remedy: string;
}

/**
 * Requests an access token (RFC 6749 §5.1).
 * @throws SignInError with the status and the error code of the service, never with its message: that can contain credentials.
 */
export async function requestToken({ outbound, now, request, what, remedy }: TokenRequest): Promise<AccessToken> {
  let answer;
  try {
    answer = await outbound.send({ ...request, trusted: true, timeouts: TIMEOUTS });
  } catch (error) {
    if (outbound.errorCodeOf(error) === undefined) throw error;
    throw new SignInError(`${what} did not respond: ${chainOf(error)[0]?.message ?? 'unknown'}. ${remedy}`);
  }
  const body = parseObject(answer.body);
  if (answer.status !== 200) {
    const { error } = body;
    const code = typeof error === 'string' && /^[\w .-]{1,64}$/.test(error) ? ` ${error}` : '';
    const skew = clockSkewText(answer.headers['date'], now());
    throw new SignInError(`${what} was rejected with ${answer.status}${code}. ${skew ?? remedy}`);
  }
  // The impersonation of a service account of Google has names of its own.
  const token = body['access_token'] ?? body['accessToken'];
  if (typeof token !== 'string' || token === '') throw new SignInError(`${what} returned no access token. ${remedy}`);
  const { expireTime } = body;
  if (typeof expireTime === 'string') return { token, expiresAt: Date.parse(expireTime) };
  const seconds = Number(body['expires_in'] ?? DEFAULT_LIFE_SECONDS);
  const life = Number.isFinite(seconds) ? seconds : DEFAULT_LIFE_SECONDS;
  return { token, expiresAt: now() + life * 1000 };
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
