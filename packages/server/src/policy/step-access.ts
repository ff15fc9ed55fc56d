/** Callers that act as a step, with the token of the attempt, independent of the uid. */
import { DaisError } from '@dais/api';
import type { Principal } from '#kernel/principal.ts';
import type { AccessRequest } from '#policy/access.ts';
import { bearerToken } from '#policy/authorization-header.ts';
import { STEP_FORM } from '#policy/identity/tokens/token-text.ts';

/** Returns the owner of this token; undefined if it is not valid. */
export type FindStep = (text: string) => Promise<Principal | undefined>;

const PREFIX = `dais_${STEP_FORM}_`;

/**
 * Returns undefined if the caller is not a step. A connection from a step is always that step, whatever token it sends.
 * @throws DaisError `unauthenticated`
 */
export async function identifyStep(
  { authorization, step }: Pick<AccessRequest, 'authorization' | 'step'>,
  find: FindStep,
): Promise<Principal | undefined> {
  const text = bearerToken(authorization);
  if (text?.startsWith(PREFIX) === true) {
    const principal = await find(text);
    if (principal !== undefined && (step === undefined || principal.via?.credential === step)) return principal;
    throw new DaisError('unauthenticated', 'The token is not valid: it is misspelled, or its step has ended.');
  }
  if (step === undefined) return undefined;
  throw new DaisError(
    'unauthenticated',
    'From inside a step only its own token opens this server: send the value of `DAIS_TOKEN` as `Authorization: Bearer …`.',
  );
}
