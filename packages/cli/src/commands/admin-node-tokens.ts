import { type DaisClient } from '@dais/api';
import {
  createNodeTokenOperation,
  listNodeTokensOperation,
  revokeNodeTokenOperation,
  type NodeRole,
  type NodeToken,
} from '@dais/api/access';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { table } from '#output/table.ts';

interface TokenOptions {
  readonly role?: readonly NodeRole[];
  readonly uses: number;
  /** Milliseconds. */
  readonly expiresIn: number;
}

export const createNodeToken: Run<TokenOptions> = async (context, _args, { role, uses, expiresIn }) => {
  const client = await context.connect();
  const created = await client.perform(createNodeTokenOperation, {
    uses,
    expiresInSeconds: Math.ceil(expiresIn / 1000),
    ...(role !== undefined && { roles: [...role] }),
  });
  if (await printedForPrograms(context, created)) return exitCodes.ok.code;
  const { token, entry } = created;
  context.terminal.out(`${token}\n`);
  context.terminal.err(
    `Start the new node with this token in DAIS_NODE_JOIN_TOKEN. It expires at ${entry.expiresAt} and is not shown again.\n`,
  );
  return exitCodes.ok.code;
};

export const listNodeTokens: Run = async (context) => {
  const items = await readTokens(await context.connect());
  if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  const { terminal } = context;
  const header = ['id', 'roles', 'used', 'created by', 'expires'];
  const rows = items.map(({ id, roles, used, uses, createdBy, expiresAt }) => [
    { text: id },
    { text: roles.join(', ') },
    { text: `${used} of ${uses}` },
    { text: createdBy },
    { text: expiresAt },
  ]);
  terminal.out(table(header, rows, { style: terminal.style, columns: terminal.columns }));
  return exitCodes.ok.code;
};

async function readTokens(client: DaisClient): Promise<NodeToken[]> {
  const tokens: NodeToken[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await client.perform(listNodeTokensOperation, { limit: 500, ...(cursor !== undefined && { cursor }) });
    tokens.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) return tokens;
  }
}

export const revokeNodeToken: Run = async (context, [id = '']) => {
  const client = await context.connect();
  await client.perform(revokeNodeTokenOperation, { id });
  if (await printedForPrograms(context, { id })) return exitCodes.ok.code;
  context.terminal.out(`Token ${id} is revoked.\n`);
  return exitCodes.ok.code;
};
