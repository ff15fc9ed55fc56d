/** Verifies tokens (JWT, RFC 7519) of other issuers. The claims of a token count only after this. */
import { DaisError } from '@dais/api';
import type { JWTPayload } from 'jose';
import type { Clock } from '#lib/clock.ts';
import type { IssuerKeys } from './issuer-keys.ts';

export interface Claims {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Identifies this token among all of its issuer: by its `jti`, else by the signed part. */
  readonly id: string;
  readonly all: JWTPayload;
}

/** Reads the claims without verification, only to select the issuer whose keys are needed. */
export interface Claimed {
  readonly issuer: string;
}

/**
 * Asymmetric algorithms only. With a symmetric algorithm (or `none`) anyone with the public key could sign (algorithm
 * confusion).
 */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const MAX_LENGTH = 16_384;
/** Clocks of two systems may differ by this much. */
const TOLERANCE_SECONDS = 30;
/** A machine token with a longer validity is a password. */
const MAX_LIFE_SECONDS = 24 * 3600;

/** @throws DaisError `unauthenticated` when it is no token that could be valid. */
export async function readClaimed(token: string): Promise<Claimed> {
  const { decodeJwt, decodeProtectedHeader } = await import('jose');
  if (token.length > MAX_LENGTH) throw refused(`it is longer than ${MAX_LENGTH} characters`);
  try {
    const { alg } = decodeProtectedHeader(token);
    if (alg === undefined || !ALGORITHMS.includes(alg)) {
      throw refused(`it is signed with ${JSON.stringify(alg ?? 'nothing').slice(0, 40)}, not with a key pair`);
    }
    const { iss } = decodeJwt(token);
    if (typeof iss === 'string') return { issuer: iss };
  } catch (error) {
    if (error instanceof DaisError) throw error;
    throw refused('it is not a JWT');
  }
  throw refused('it has no issuer');
}

export interface VerifyDependencies {
  readonly keys: IssuerKeys;
  readonly clock: Clock;
}

/**
 * Checks signature, issuer and times. The caller checks audience and subject, and has checked that the issuer is
 * trusted.
 * @throws DaisError `unauthenticated` with the reason, `upstream_failed` if the keys of the issuer cannot be read.
 */
export async function verifyForeignToken(
  token: string,
  issuer: string,
  { keys, clock }: VerifyDependencies,
): Promise<Claims> {
  const { createLocalJWKSet, errors, jwtVerify } = await import('jose');
  const now = new Date(clock.now());
  const check = async (unknownKey: boolean) =>
    await jwtVerify(token, createLocalJWKSet(await keys.of(issuer, unknownKey)), {
      issuer,
      algorithms: ALGORITHMS,
      requiredClaims: ['sub', 'aud', 'exp', 'iat'],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: now,
    });
  let payload: JWTPayload;
  try {
    ({ payload } = await check(false).catch(async (error: unknown) => {
      // The issuer may have rotated its keys since the last fetch.
      if (error instanceof errors.JWKSNoMatchingKey) return await check(true);
      throw error;
    }));
  } catch (error) {
    if (error instanceof DaisError) throw error;
    if (error instanceof errors.JWTExpired) throw refused('it has expired');
    if (error instanceof errors.JWKSNoMatchingKey) throw refused('its issuer does not publish the signing key');
    if (error instanceof errors.JWSSignatureVerificationFailed) throw refused('its signature is not valid');
    if (error instanceof errors.JWTClaimValidationFailed) {
      throw refused(error.claim === 'nbf' ? 'it is not valid yet' : `its claim \`${error.claim}\` is not valid`);
    }
    throw refused('it cannot be verified');
  }
  const { sub, aud, exp = 0, iat = 0, jti } = payload;
  const seconds = Math.floor(now.getTime() / 1000);
  if (iat > seconds + TOLERANCE_SECONDS) throw refused('it was issued in the future');
  if (exp - iat > MAX_LIFE_SECONDS) throw refused('it is valid for longer than a day');
  return {
    issuer,
    subject: sub ?? '',
    audiences: typeof aud === 'string' ? [aud] : (aud ?? []),
    issuedAt: iat,
    expiresAt: exp,
    // Without the signature: with some schemes, anyone can derive another valid signature from one.
    id: typeof jti === 'string' ? `jti ${jti}` : `jws ${token.slice(0, token.lastIndexOf('.'))}`,
    all: payload,
  };
}

function refused(reason: string): DaisError {
  return new DaisError('unauthenticated', `The token is not accepted: ${reason}.`);
}
