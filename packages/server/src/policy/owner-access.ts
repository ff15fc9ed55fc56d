/**
 * Solo mode: access to a server with one owner and no accounts. It listens on loopback only, so it must exclude pages
 * of other origins in the owner's browser (Host and Origin) and other users of the machine (uid or token).
 */
import { DaisError } from '@dais/api';
import { ANONYMOUS, type Principal } from '#kernel/principal.ts';
import type { Access, AccessRequest, AccessRequirement } from '#policy/access.ts';
import { bearerToken } from '#policy/authorization-header.ts';
import { OWNER_BY_TOKEN, OwnerToken } from '#policy/owner-token.ts';
import { identifyStep, type FindStep } from '#policy/step-access.ts';
import { RequestGate, type GateDependencies } from '#policy/request-gate.ts';

export interface OwnerAccessDependencies extends GateDependencies {
  /** The content of the owner's token file. */
  readonly token: string;
  /** The uid that needs no token: the one that runs this server. Undefined: everybody needs it. */
  readonly ownUid: number | undefined;
  /** Absent: no steps call. */
  readonly findStep?: FindStep;
}

const OWNER: Principal = { type: 'user', id: 'owner', via: { method: 'solo', mfa: false } };

export class OwnerAccess implements Access {
  readonly #gate: RequestGate;
  readonly #token: OwnerToken;
  readonly #ownUid: number | undefined;
  readonly #findStep: FindStep;

  constructor(dependencies: OwnerAccessDependencies) {
    this.#gate = new RequestGate(dependencies);
    this.#token = new OwnerToken(dependencies.token);
    this.#ownUid = dependencies.ownUid;
    this.#findStep = dependencies.findStep ?? (async () => await Promise.resolve(undefined));
  }

  async identify(request: AccessRequest, wish?: AccessRequirement): Promise<Principal> {
    this.#gate.check(request);
    if (wish?.byTicket === true) {
      this.#gate.checkWriteByAnybody(request);
      return ANONYMOUS;
    }
    // Checked before the owner, because a step can run with the owner's uid.
    const step = await identifyStep(request, this.#findStep);
    if (step !== undefined) return step;
    const given = bearerToken(request.authorization);
    if (given !== undefined) {
      if (this.#token.matches(given)) return OWNER_BY_TOKEN;
      throw new DaisError('unauthenticated', 'The token does not belong to this server.');
    }
    const uid = await request.peerUid();
    // Root can read the token file anyway.
    if (uid !== undefined && (uid === this.#ownUid || uid === 0)) return OWNER;
    throw new DaisError(
      'unauthenticated',
      `${uid === undefined ? 'The user of the connection cannot be determined' : `Your user id ${uid} does not run this server`}: ` +
        'send the token in the file `owner-token` of its data folder as `Authorization: Bearer …`, or enter it as the password in the browser.',
    );
  }

  async close(): Promise<void> {}
}
