/** Exchanges tokens of other systems (CI) for tokens of Dais, if a service account trusts them. */
import { DaisError, eventTypes } from '@dais/api';
import { exchangeTokenOperation } from '@dais/api/access';
import type { Sql } from '#engines/database/contract.ts';
import type { CallOf, OperationEntry } from '#kernel/entry.ts';
import type { Principal } from '#kernel/principal.ts';
import { listResources, readResource, type ResourceRow } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { authEntry, type AuthResultOf } from '#policy/auth-result.ts';
import { addressGroup, countAttempt } from '#policy/identity/attempts.ts';
import { requireAccounts } from '#policy/identity/identity-dependencies.ts';
import { createToken } from '#policy/identity/tokens/tokens.ts';
import { holdVersion, readVersion } from '#policy/state.ts';
import { readClaimed, verifyForeignToken, type Claims } from './foreign-token.ts';
import type { SignInDependencies } from '#policy/oidc/dependencies.ts';
import { isLoopbackIssuer } from '#policy/oidc/provider-settings.ts';
import { spendToken } from './spent-tokens.ts';
import { matchesSubject } from './subject-pattern.ts';

interface TrustEntry {
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
  readonly ttlSeconds?: number;
}

const DEFAULT_SECONDS = 900;
const MAX_SECONDS = 3600;
/** Exchanges that one address may try in a minute: CI systems start many jobs concurrently from one address. */
const MOST_EXCHANGES = 300;
const KIND = 'ServiceAccount';

export function federationEntries(dependencies: SignInDependencies): readonly OperationEntry[] {
  const trusted = new TrustedIssuers();
  return [authEntry(exchangeTokenOperation, { perform: async (call) => await exchange(dependencies, trusted, call) })];
}

async function exchange(
  dependencies: SignInDependencies,
  trusted: TrustedIssuers,
  { input, context }: CallOf<typeof exchangeTokenOperation>,
): Promise<AuthResultOf<typeof exchangeTokenOperation>> {
  requireAccounts(dependencies);
  const { database, issuerKeys, clock } = dependencies;
  const key = `federation ${addressGroup(context.client?.address ?? '')}`;
  const tooMany = await countAttempt(database, [{ key, most: MOST_EXCHANGES, windowMs: 60_000 }]);
  if (tooMany !== undefined) throw tooMany.error;
  const { issuer } = await readClaimed(input.subject_token);
  const isKnown = await transact(database, { mode: 'read', projectId: ORGANIZATION }, ({ sql }) =>
    trusted.includes(sql, issuer),
  );
  // Runs before any outgoing call: a caller cannot make this server call URLs that no administrator configured.
  if (!isKnown) throw refused(`no service account trusts the issuer ${issuer.slice(0, 200)}`);
  if (!issuer.startsWith('https:') && !isLoopbackIssuer(issuer)) {
    throw refused(`the issuer ${issuer.slice(0, 200)} does not use HTTPS, so its keys cannot be trusted`);
  }
  const claims = await verifyForeignToken(input.subject_token, issuer, { keys: issuerKeys, clock });
  const principal: Principal = {
    type: 'service',
    id: input.service_account,
    via: { method: 'federation', mfa: false },
  };
  const by = { ...context, principal };
  return await transact(database, { mode: 'write', projectId: ORGANIZATION, by }, async (tx) => {
    await holdVersion(tx);
    const { account, entry } = await findTrust(tx, input.service_account, claims);
    if (!(await spendToken(tx.sql, issuer, claims.id, claims.expiresAt))) {
      throw refused('it was already exchanged; request a new token in each job');
    }
    const seconds = Math.min(entry.ttlSeconds ?? DEFAULT_SECONDS, MAX_SECONDS);
    const created = await createToken(
      tx,
      {
        form: 'sat',
        name: `${claims.subject} (${issuer})`.slice(0, 256),
        owner: { type: 'service', uid: account.uid, name: account.name },
        method: 'federation',
        mfa: false,
        createdBy: principal,
        lifeMs: seconds * 1000,
      },
      dependencies.random,
    );
    tx.emit({
      type: eventTypes.tokenExchanged,
      projectId: ORGANIZATION,
      subject: { kind: KIND, name: account.name, uid: account.uid },
      data: { token: created.id, issuer, subject: claims.subject, expiresAt: created.expiresAt.toISOString() },
    });
    return {
      body: {
        access_token: created.text,
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: seconds,
      },
    };
  });
}

/** The same response for an account that does not exist, is suspended, or trusts another issuer. */
async function findTrust(
  tx: Transaction,
  name: string,
  claims: Claims,
): Promise<{ readonly account: ResourceRow; readonly entry: TrustEntry }> {
  const account = await readResource(tx.sql, ORGANIZATION, KIND, name);
  const entry = trustOf(account).find(
    ({ issuer, audience, subject }) =>
      issuer === claims.issuer && claims.audiences.includes(audience) && matchesSubject(subject, claims.subject),
  );
  const holds = account !== undefined && account.spec['suspended'] !== true && account.deletion_at === null;
  if (holds && entry !== undefined) return { account, entry };
  throw refused(
    `no service account "${name}" trusts it; its audience is ${claims.audiences.join(', ').slice(0, 300)}, ` +
      `its subject ${claims.subject.slice(0, 300)}`,
  );
}

function trustOf(account: ResourceRow | undefined): readonly TrustEntry[] {
  return (account?.spec['trust'] ?? []) as readonly TrustEntry[];
}

/** Every issuer that some service account trusts, as of a version of policy.state. */
class TrustedIssuers {
  #known: { readonly version: bigint; readonly issuers: ReadonlySet<string> } | undefined;

  async includes(sql: Sql, issuer: string): Promise<boolean> {
    const version = await readVersion(sql);
    if (this.#known?.version !== version) this.#known = { version, issuers: await readIssuers(sql) };
    return this.#known.issuers.has(issuer);
  }
}

async function readIssuers(sql: Sql): Promise<ReadonlySet<string>> {
  const issuers = new Set<string>();
  for (let after = ''; ;) {
    const limit = 1000;
    const none = { equal: {}, notEqual: [], present: [], absent: [] };
    const rows = await listResources(sql, { projectId: ORGANIZATION, kind: KIND, after, limit, ...none });
    for (const row of rows) for (const { issuer } of trustOf(row)) issuers.add(issuer);
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return issuers;
    after = last.name;
  }
}

function refused(reason: string): DaisError {
  return new DaisError('unauthenticated', `The token is not accepted: ${reason}.`);
}
