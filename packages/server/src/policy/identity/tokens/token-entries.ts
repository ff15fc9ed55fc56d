/** Tokens as their owners and administrators make, list and end them. */
import { DaisError, eventTypes } from '@dais/api';
import {
  createServiceTokenOperation,
  createTokenOperation,
  listServiceTokensOperation,
  listTokensOperation,
  listUserTokensOperation,
  revokeServiceTokenOperation,
  revokeTokenOperation,
  revokeUserTokenOperation,
  type TokenEntry as PresentedToken,
} from '@dais/api/access';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { Principal } from '#kernel/principal.ts';
import { findTenant, ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import {
  requireAccounts,
  subjectOf,
  writeAs,
  type IdentityDependencies,
} from '#policy/identity/identity-dependencies.ts';
import { isBySession, requireOwnAccount } from '#policy/identity/own-account.ts';
import { checkScopes } from '#policy/identity/tokens/scopes.ts';
import { requireUser } from '#policy/identity/sessions/session-entries.ts';
import {
  countTokens,
  createToken,
  listTokens,
  readTokenLimits,
  revokeToken,
  type CreatedToken,
  type NewToken,
  type TokenEntry,
} from '#policy/identity/tokens/tokens.ts';
import { findAccount, type Account } from '#policy/identity/users.ts';
import { holdVersion } from '#policy/state.ts';

const DAY_MS = 86_400_000;
/** Fewer than a list shows, so that every one can be seen and ended. */
const MOST_TOKENS = 500;

interface NewTokenInput {
  readonly title: string;
  readonly scopes?: readonly string[];
  readonly project?: string;
  readonly days?: number;
}

export function tokenEntries(dependencies: IdentityDependencies): readonly OperationEntry[] {
  return [
    // `perform`, so that no response with a token is stored for idempotency.
    entry(createTokenOperation, {
      perform: (call) => create(dependencies, call, (tx) => requireOwnAccount(tx.sql, call.context.principal)),
    }),
    entry(createServiceTokenOperation, {
      perform: (call) => create(dependencies, call, (tx) => requireService(tx, call.input.name)),
    }),
    entry(
      listTokensOperation,
      async (tx, { context }) => await list(tx, dependencies, await requireOwnAccount(tx.sql, context.principal)),
    ),
    entry(
      listUserTokensOperation,
      async (tx, { input }) => await list(tx, dependencies, await requireUser(tx, input.name)),
    ),
    entry(
      listServiceTokensOperation,
      async (tx, { input }) => await list(tx, dependencies, await requireService(tx, input.name)),
    ),
    entry(
      revokeTokenOperation,
      async (tx, { context, input }) =>
        await revoke(tx, dependencies, await requireOwnAccount(tx.sql, context.principal), input.id),
    ),
    entry(
      revokeUserTokenOperation,
      async (tx, { input }) => await revoke(tx, dependencies, await requireUser(tx, input.name), input.id),
    ),
    entry(
      revokeServiceTokenOperation,
      async (tx, { input }) => await revoke(tx, dependencies, await requireService(tx, input.name), input.id),
    ),
  ];
}

async function requireService(tx: Transaction, name: string): Promise<Account> {
  const account = await findAccount(tx.sql, 'ServiceAccount', name);
  if (account === undefined) throw new DaisError('not_found', `There is no ServiceAccount "${name}".`);
  return account;
}

async function create(
  dependencies: IdentityDependencies,
  { context, input }: CallOf<typeof createServiceTokenOperation | typeof createTokenOperation>,
  ownerOf: (tx: Transaction) => Promise<Account>,
) {
  requireAccounts(dependencies);
  const { principal } = context;
  const created = await writeAs(dependencies, context, principal, async (tx) => {
    await holdVersion(tx);
    const owner = await ownerOf(tx);
    if (owner.suspended) throw new DaisError('invalid_state', `The account "${owner.name}" is suspended.`);
    const limits = await limitsOf(tx, dependencies, principal, input);
    if ((await countTokens(tx.sql, owner.uid)) >= MOST_TOKENS) {
      const detail = `"${owner.name}" has ${MOST_TOKENS} tokens, which is the limit for an account. Revoke unused tokens.`;
      throw new DaisError('quota_exceeded', detail);
    }
    const form = owner.kind === 'User' ? 'pat' : 'sat';
    // A program may have the name of a person.
    const isOwn = owner.kind === 'User' && principal.type === 'user' && owner.name === principal.id;
    const values: NewToken = {
      form,
      name: input.title,
      owner: { type: owner.kind === 'User' ? 'user' : 'service', uid: owner.uid, name: owner.name },
      method: 'token',
      mfa: isOwn && principal.via?.mfa === true,
      createdBy: principal,
      ...limits,
    };
    return await keepToken(tx, dependencies, values, owner);
  });
  return { id: created.id, token: created.text, expiresAt: created.expiresAt.toISOString() };
}

/** Creates a token and emits the event of its creation. */
async function keepToken(
  tx: Transaction,
  { random }: IdentityDependencies,
  input: NewToken,
  owner: Account,
): Promise<CreatedToken> {
  const created = await createToken(tx, input, random);
  const { form, scopes, project } = input;
  tx.emit({
    type: eventTypes.tokenCreated,
    projectId: ORGANIZATION,
    subject: subjectOf(owner),
    data: {
      token: created.id,
      title: input.name,
      form,
      ...(scopes !== undefined && { scopes }),
      ...(project !== undefined && { project }),
      expiresAt: created.expiresAt.toISOString(),
    },
  });
  return created;
}

/**
 * Returns the limits of the new token: the requested limits, restricted by the configuration and by the calling token.
 * A sign-in on the command line acts for its user, so tokens that it creates can outlive it.
 * @throws DaisError `invalid_request`.
 */
async function limitsOf(
  tx: Transaction,
  dependencies: IdentityDependencies,
  principal: Principal,
  input: NewTokenInput,
) {
  const { tokenDays, maxTokenDays } = dependencies.settings;
  const refuse = (path: string, message: string, expected: string) => {
    throw new DaisError('invalid_request', `${path} ${message}: ${expected}.`, {
      issues: [{ path, message, expected }],
    });
  };
  if (input.days !== undefined && input.days > maxTokenDays)
    refuse('days', `is ${input.days}`, `at most ${maxTokenDays}`);
  const actions = [...new Set(dependencies.operations().map(({ action }) => action))];
  if (input.scopes !== undefined) checkScopes(input.scopes, actions, principal.scopes);
  if (principal.project !== undefined && input.project !== undefined && input.project !== principal.project) {
    refuse('project', `is "${input.project}"`, `"${principal.project}", the project of the calling token`);
  }
  const project = input.project ?? principal.project;
  if (input.project !== undefined && (await findTenant(tx.sql, input.project)) === undefined) {
    refuse('project', `is "${input.project}"`, 'an existing project');
  }
  const scopes = input.scopes ?? principal.scopes;
  const lifeMs = (input.days ?? Math.min(tokenDays, maxTokenDays)) * DAY_MS;
  return {
    ...(scopes !== undefined && { scopes }),
    ...(project !== undefined && { project }),
    lifeMs: Math.min(lifeMs, await longestLife(tx, principal)),
  };
}

async function longestLife(tx: Transaction, principal: Principal): Promise<number> {
  const { via } = principal;
  if (via?.credential === undefined || isBySession(principal)) return Infinity;
  const limits = await readTokenLimits(tx.sql, via.credential);
  if (limits === undefined) throw new DaisError('unauthenticated', 'The calling token has expired or was revoked.');
  return limits.form === 'ses' ? Infinity : limits.leftMs;
}

async function list(tx: Transaction, dependencies: IdentityDependencies, owner: Account) {
  requireAccounts(dependencies);
  return { items: (await listTokens(tx.sql, owner.uid)).map(present) };
}

async function revoke(tx: Transaction, dependencies: IdentityDependencies, owner: Account, id: string) {
  requireAccounts(dependencies);
  if ((await revokeToken(tx, id, owner.uid)) === undefined) {
    throw new DaisError('not_found', `"${owner.name}" has no token ${id}.`);
  }
  tx.emit({
    type: eventTypes.tokenRevoked,
    projectId: ORGANIZATION,
    subject: subjectOf(owner),
    data: { token: id, reason: 'revoked' },
  });
  return {};
}

function present(token: TokenEntry): PresentedToken {
  return {
    id: token.id,
    title: token.name,
    form: token.form,
    ending: token.ending,
    ...(token.scopes !== null && { scopes: [...token.scopes] }),
    ...(token.project !== null && { project: token.project }),
    createdBy: token.createdBy,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt.toISOString(),
    ...(token.usedAt !== null && { usedAt: token.usedAt.toISOString() }),
    ...(token.usedAddress !== null && { usedAddress: token.usedAddress }),
  };
}
