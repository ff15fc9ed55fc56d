import { DaisError, type DaisClient } from '@dais/api';
import {
  createServiceTokenOperation,
  createTokenOperation,
  listServiceTokensOperation,
  listTokensOperation,
  listUserTokensOperation,
  revokeServiceTokenOperation,
  revokeTokenOperation,
  revokeUserTokenOperation,
  type TokenEntry,
} from '@dais/api/access';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

interface OwnerOptions {
  readonly user?: string;
  readonly serviceAccount?: string;
}

interface CreateOptions {
  readonly scope?: readonly string[];
  readonly onlyProject?: string;
  readonly days?: number;
  readonly serviceAccount?: string;
}

export const createToken: Run<CreateOptions> = async (context, args, options) => {
  const client = await context.connect();
  const { scope, onlyProject, days, serviceAccount } = options;
  const wish = {
    title: args[0] ?? '',
    ...(scope !== undefined && { scopes: [...scope] }),
    ...(onlyProject !== undefined && { project: onlyProject }),
    ...(days !== undefined && { days }),
  };
  const made = await (serviceAccount === undefined
    ? client.perform(createTokenOperation, wish)
    : client.perform(createServiceTokenOperation, { name: serviceAccount, ...wish }));
  if (await printedForPrograms(context, made)) return exitCodes.ok.code;
  context.terminal.out(`${made.token}\n`);
  remark(context, `The token expires on ${made.expiresAt.slice(0, 10)} and is shown only once.`);
  return exitCodes.ok.code;
};

export const listTokens: Run<OwnerOptions> = async (context, _args, options) => {
  const client = await context.connect();
  const { items } = await tokensOf(client, options);
  if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  if (items.length === 0) {
    remark(context, 'No API tokens. Create one with `dais token create TITLE`.');
    return exitCodes.ok.code;
  }
  const now = context.now();
  const rows = items.map((token) => [
    { text: token.id },
    { text: token.title },
    { text: `…${token.ending}` },
    { text: [...(token.scopes ?? []), ...(token.project === undefined ? [] : [`in ${token.project}`])].join(' ') },
    { text: token.usedAt === undefined ? 'never' : `${age(token.usedAt, now)} ago` },
    { text: token.expiresAt.slice(0, 10) },
  ]);
  const { terminal } = context;
  const heads = ['id', 'title', 'token', 'limits', 'used', 'expires'];
  terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  return exitCodes.ok.code;
};

async function tokensOf(client: DaisClient, owner: OwnerOptions): Promise<{ readonly items: readonly TokenEntry[] }> {
  refuseTwo(owner);
  const { user, serviceAccount } = owner;
  if (user !== undefined) return await client.perform(listUserTokensOperation, { name: user });
  if (serviceAccount !== undefined) return await client.perform(listServiceTokensOperation, { name: serviceAccount });
  return await client.perform(listTokensOperation, {});
}

export const revokeToken: Run<OwnerOptions> = async (context, args, options) => {
  refuseTwo(options);
  const client = await context.connect();
  const id = args[0] ?? '';
  const { user, serviceAccount } = options;
  if (user !== undefined) await client.perform(revokeUserTokenOperation, { name: user, id });
  else if (serviceAccount !== undefined)
    await client.perform(revokeServiceTokenOperation, { name: serviceAccount, id });
  else await client.perform(revokeTokenOperation, { id });
  if (!(await printedForPrograms(context, { id }))) context.terminal.out(`Token ${id} revoked.\n`);
  return exitCodes.ok.code;
};

function refuseTwo({ user, serviceAccount }: OwnerOptions): void {
  if (user === undefined || serviceAccount === undefined) return;
  throw new DaisError('invalid_request', 'Give --user or --service-account, not both.');
}
