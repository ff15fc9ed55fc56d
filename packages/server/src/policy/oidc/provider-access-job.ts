/**
 * Checks with providers whether users still have access. A user who was disabled there loses sessions and tokens within
 * an hour: each user is checked every 30 minutes, and the job runs every five.
 */
import { DaisError, eventTypes } from '@dais/api';
import type { JobHandler, JobIo } from '#kernel/job-runner.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { endCredentials } from '#policy/identity/credentials.ts';
import { recordSignIn } from '#policy/identity/users.ts';
import {
  scheduleRecheck,
  claimDueLinks,
  endLink,
  renewLink,
  sealContext,
  type IdentityLink,
} from './identity-links.ts';
import { providerOfUser } from '#policy/provisioning/provisioned-users.ts';
import type { SamlSettings } from '#policy/saml/saml-settings.ts';
import type { SignInDependencies } from './dependencies.ts';

const MINUTE_MS = 60_000;
const EVERY_MS = 5 * MINUTE_MS;
const QUERY_INTERVAL_MS = 30 * MINUTE_MS;
/** Without a refresh token, a sign-in is valid for this long: with the wait for the next run, less than an hour. */
const UNCHECKED_MS = 50 * MINUTE_MS;
/** Users in one batch; `PARALLEL` are checked concurrently. */
const BATCH = 40;
const PARALLEL = 4;

type JobDependencies = Pick<SignInDependencies, 'providers' | 'sealer' | 'log'> & {
  readonly samlProviders: readonly Pick<SamlSettings, 'entityId' | 'withoutProvisioning'>[];
};

/** Without providers there is no such job. */
export function providerAccessJob(dependencies: JobDependencies): JobHandler {
  return {
    queue: 'provider access',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 10_000, capMs: EVERY_MS },
    every: { firstMs: EVERY_MS, againMs: EVERY_MS },
    run: async (_job, io) => await checkProviderAccess(dependencies, io),
  };
}

interface Report {
  readonly queried: number;
  readonly ended: number;
  /** No response: the next run retries. */
  readonly unanswered: number;
}

/** One round over all due users. */
export async function checkProviderAccess(dependencies: JobDependencies, io: JobIo): Promise<Report> {
  const counts = { queried: 0, ended: 0, unanswered: 0 };
  const due = { queryIntervalMs: QUERY_INTERVAL_MS, uncheckedMs: UNCHECKED_MS, limit: BATCH };
  const unanswered: IdentityLink[] = [];
  for (;;) {
    io.signal.throwIfAborted();
    const links = await io.write(async ({ sql }) => await claimDueLinks(sql, due));
    for (let from = 0; from < links.length; from += PARALLEL) {
      const some = links.slice(from, from + PARALLEL);
      const outcomes = await Promise.all(some.map((link) => checkOne(dependencies, io, link)));
      counts.queried += some.length;
      counts.ended += outcomes.filter((outcome) => outcome === 'ended').length;
      unanswered.push(...some.filter((_, at) => outcomes[at] === 'unanswered'));
      counts.unanswered = unanswered.length;
    }
    io.progress(counts);
    if (links.length < BATCH) break;
  }
  await io.write(async ({ sql }) => await scheduleRecheck(sql, unanswered));
  return counts;
}

/** A provider that provisions the user (SCIM) reports when the user leaves. Other users can only sign in again. */
async function checkWithoutProvider(
  io: JobIo,
  link: IdentityLink,
  otherwise: 'end' | 'keep',
): Promise<'welcome' | 'ended'> {
  if (otherwise === 'keep') return 'welcome';
  const provisionedBy = await io.read(async ({ sql }) => await providerOfUser(sql, link.userUid));
  if (provisionedBy === link.provider) return 'welcome';
  return await end(io, link, 'the provider cannot be asked about the user');
}

async function checkOne(
  dependencies: JobDependencies,
  io: JobIo,
  link: IdentityLink,
): Promise<'welcome' | 'ended' | 'unanswered'> {
  const client = [...dependencies.providers.values()].find(({ settings }) => settings.issuer === link.issuer);
  const saml = dependencies.samlProviders.find(({ entityId }) => entityId === link.issuer);
  if (saml !== undefined) return await checkWithoutProvider(io, link, saml.withoutProvisioning);
  // Users of a provider that the operator has removed cannot be checked.
  if (client === undefined) return await end(io, link, 'the provider was removed from the configuration');
  if (link.refreshToken === undefined) {
    return await checkWithoutProvider(io, link, client.settings.withoutRefreshToken);
  }
  try {
    const context = sealContext(link);
    const before = (await dependencies.sealer.open(link.refreshToken, context)).toString('utf8');
    const access = await client.checkAccess(before, link.subject);
    if (access.state === 'ended') return await end(io, link, access.reason);
    const sealed = await dependencies.sealer.seal(Buffer.from(access.refreshToken, 'utf8'), context);
    await io.write(async (tx) => {
      // A concurrent sign-in stored newer groups.
      if (!(await renewLink(tx.sql, link, sealed))) return;
      if (access.person === undefined) return;
      const { groups } = access.person;
      await recordSignIn(tx, { userUid: link.userUid, provider: client.settings.name, groups });
    });
    return 'welcome';
  } catch (error) {
    if (!(error instanceof DaisError)) throw error;
    // The key that sealed the token is lost, so the check is impossible.
    if (error.code === 'key_missing' || error.code === 'key_mismatch') {
      return await end(io, link, 'the refresh token can no longer be decrypted');
    }
    dependencies.log.warn('an identity provider did not confirm that a user still has access', {
      provider: link.provider,
      user: link.userName,
      reason: error.message,
    });
    return 'unanswered';
  }
}

/** Ends every session and token of the user, in one transaction with the reason. */
async function end(io: JobIo, link: IdentityLink, reason: string): Promise<'ended' | 'welcome'> {
  return await io.write(async (tx) => {
    if (!(await endLink(tx.sql, link))) return 'welcome';
    const account = { kind: 'User', uid: link.userUid, name: link.userName } as const;
    const subject = { kind: account.kind, uid: account.uid, name: account.name };
    const data = { provider: link.provider, reason };
    tx.emit({ type: eventTypes.identityEnded, projectId: ORGANIZATION, subject, data });
    await endCredentials(tx, account, 'provider');
    return 'ended';
  });
}
