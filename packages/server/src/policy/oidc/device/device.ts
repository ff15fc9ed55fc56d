/**
 * Sign-in of a command line with RFC 8628: it shows a code, a user approves it in a browser, and it gets a token. The
 * token has the permissions of the user, and expires like a session.
 */
import { DaisError, eventTypes, type OutputOf } from '@dais/api';
import {
  approveDeviceOperation,
  denyDeviceOperation,
  pollDeviceOperation,
  readDeviceOperation,
  startDeviceOperation,
} from '@dais/api/access';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { Principal } from '#kernel/principal.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { authEntry, type AuthResultOf } from '#policy/auth-result.ts';
import { addressGroup, countAttempt } from '#policy/identity/attempts.ts';
import { requireAccounts } from '#policy/identity/identity-dependencies.ts';
import { isBySession, requireOwnAccount } from '#policy/identity/own-account.ts';
import { createToken } from '#policy/identity/tokens/tokens.ts';
import { findAccountByUid } from '#policy/identity/users.ts';
import { holdVersion } from '#policy/state.ts';
import {
  decideGrant,
  deleteGrant,
  findUndecided,
  GRANT_SECONDS,
  insertGrant,
  lockGrant,
  recordPoll,
  POLL_SECONDS,
  type DeviceGrant,
} from './device-grants.ts';
import type { SignInDependencies } from '#policy/oidc/dependencies.ts';
import { makeUserCode, readUserCode } from './user-code.ts';

/** Requests that one address may start in ten minutes; it can be the address of a whole company. */
const MOST_STARTS = 100;
/** Codes that one person may try in ten minutes: of 2.5 × 10¹⁰ there are, none is found so. */
const MOST_CODES = 30;
const WINDOW_MS = 600_000;

export function deviceEntries(dependencies: SignInDependencies): readonly OperationEntry[] {
  return [
    authEntry(startDeviceOperation, { perform: async (call) => await start(dependencies, call) }),
    authEntry(pollDeviceOperation, {
      perform: async ({ input, context }) => ({
        body: await transact(
          dependencies.database,
          { mode: 'write', projectId: ORGANIZATION, by: context },
          async (tx) => await poll(tx, input.device_code, dependencies),
        ),
      }),
    }),
    entry(readDeviceOperation, {
      perform: async (call) => {
        const code = await tryCode(dependencies, call);
        return await transact(dependencies.database, { mode: 'read', projectId: ORGANIZATION }, async ({ sql }) =>
          describe(found(await findUndecided(sql, code, false)), dependencies),
        );
      },
    }),
    entry(approveDeviceOperation, { perform: async (call) => await decide(dependencies, call, true) }),
    entry(denyDeviceOperation, { perform: async (call) => await decide(dependencies, call, false) }),
  ];
}

async function start(
  dependencies: SignInDependencies,
  { input, context }: CallOf<typeof startDeviceOperation>,
): Promise<AuthResultOf<typeof startDeviceOperation>> {
  requireAccounts(dependencies);
  const key = `device start ${addressGroup(context.client?.address ?? '')}`;
  const tooMany = await countAttempt(dependencies.database, [{ key, most: MOST_STARTS, windowMs: WINDOW_MS }]);
  if (tooMany !== undefined) throw tooMany.error;
  const deviceCode = dependencies.random(32).toString('base64url');
  const userCode = makeUserCode(dependencies.random);
  await transact(dependencies.database, { mode: 'write', projectId: ORGANIZATION }, async ({ sql }) => {
    await insertGrant(sql, {
      deviceCode,
      userCode,
      machine: printable(input.machine),
      program: printable(input.program),
      address: context.client?.address,
    });
  });
  const page = `${dependencies.url}/device`;
  return {
    body: {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: page,
      verification_uri_complete: `${page}?code=${userCode}`,
      expires_in: GRANT_SECONDS,
      interval: POLL_SECONDS,
    },
  };
}

async function poll(
  tx: Transaction,
  deviceCode: string,
  dependencies: SignInDependencies,
): Promise<OutputOf<typeof pollDeviceOperation>> {
  const grant = await lockGrant(tx.sql, deviceCode);
  // The same response for used, deleted and unknown codes.
  if (grant === undefined || !grant.holds) return { state: 'expired' };
  if (grant.approved === null) {
    const interval = await recordPoll(tx.sql, grant, grant.tooSoon);
    return { state: grant.tooSoon ? 'slow_down' : 'pending', interval };
  }
  await holdVersion(tx);
  await deleteGrant(tx.sql, grant.id);
  const user = grant.user === undefined ? undefined : await findAccountByUid(tx.sql, grant.user.uid);
  // The approver could have been suspended since.
  if (!grant.approved || user === undefined || user.suspended) return { state: 'denied' };
  const created = await createToken(
    tx,
    {
      form: 'ses',
      name: `dais login on ${grant.machine}`,
      owner: { type: 'user', uid: user.uid, name: user.name },
      method: 'token',
      mfa: grant.user?.mfa ?? false,
      createdBy: { type: 'user', id: user.name },
      lifeMs: dependencies.deviceTokenMs,
    },
    dependencies.random,
  );
  tx.emit({
    type: eventTypes.tokenCreated,
    projectId: ORGANIZATION,
    subject: { kind: 'User', name: user.name, uid: user.uid },
    data: {
      token: created.id,
      title: `dais login on ${grant.machine}`,
      form: 'ses',
      expiresAt: created.expiresAt.toISOString(),
    },
  });
  return {
    state: 'approved',
    access_token: created.text,
    expires_in: Math.floor(dependencies.deviceTokenMs / 1000),
    user: user.name,
  };
}

async function decide(
  dependencies: SignInDependencies,
  call: CallOf<typeof approveDeviceOperation | typeof denyDeviceOperation>,
  approve: boolean,
) {
  const { principal } = call.context;
  if (approve) requirePerson(principal);
  const code = await tryCode(dependencies, call);
  const request = { mode: 'write', projectId: ORGANIZATION, by: call.context } as const;
  return await transact(dependencies.database, request, async (tx) => {
    const grant = found(await findUndecided(tx.sql, code, true));
    const user = approve ? await requireOwnAccount(tx.sql, principal) : undefined;
    const mfa = principal.via?.mfa ?? false;
    await decideGrant(tx.sql, grant.id, user === undefined ? undefined : { uid: user.uid, name: user.name, mfa });
    tx.emit({
      type: approve ? eventTypes.deviceApproved : eventTypes.deviceDenied,
      projectId: ORGANIZATION,
      ...(user !== undefined && { subject: { kind: 'User', name: user.name, uid: user.uid } }),
      data: {
        machine: grant.machine,
        program: grant.program,
        ...(grant.address !== null && { address: grant.address }),
      },
    });
    return { machine: grant.machine };
  });
}

/** A token must not beget one that lives longer or may do more. @throws DaisError `forbidden`. */
function requirePerson(principal: Principal): void {
  if (principal.type === 'user' && isBySession(principal)) return;
  throw new DaisError('forbidden', 'A token cannot approve the sign-in of a command line. Sign in with a browser.');
}

/** Counts the try. @throws DaisError `rate_limited`, `not_found`. */
async function tryCode(
  dependencies: SignInDependencies,
  { input, context }: CallOf<typeof approveDeviceOperation | typeof denyDeviceOperation | typeof readDeviceOperation>,
): Promise<string> {
  const key = `device code ${context.principal.type} ${context.principal.id}`;
  const tooMany = await countAttempt(dependencies.database, [{ key, most: MOST_CODES, windowMs: WINDOW_MS }]);
  if (tooMany !== undefined) throw tooMany.error;
  return readUserCode(input.code) ?? unknownCode();
}

function found(grant: DeviceGrant | undefined): DeviceGrant {
  return grant ?? unknownCode();
}

function unknownCode(): never {
  throw new DaisError(
    'not_found',
    'The code is not valid: it is misspelled, was used, or is older than ten minutes. Run `dais login` for a new code.',
  );
}

function describe(grant: DeviceGrant, dependencies: SignInDependencies) {
  return {
    machine: grant.machine,
    program: grant.program,
    ...(grant.address !== null && { address: grant.address }),
    createdAt: grant.createdAt.toISOString(),
    expiresAt: grant.expiresAt.toISOString(),
    tokenSeconds: Math.floor(dependencies.deviceTokenMs / 1000),
  };
}

/** The name of the machine is shown to the approver: remove characters that hide or reverse text. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}
