import {
  listSessionsOperation,
  listUserSessionsOperation,
  revokeSessionOperation,
  revokeUserSessionOperation,
} from '@dais/api/access';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { table } from '#output/table.ts';

interface OwnerOptions {
  readonly user?: string;
}

export const listSessions: Run<OwnerOptions> = async (context, _args, { user }) => {
  const client = await context.connect();
  const { items } = await (user === undefined
    ? client.perform(listSessionsOperation, {})
    : client.perform(listUserSessionsOperation, { name: user }));
  if (await printedForPrograms(context, { items })) return exitCodes.ok.code;
  if (items.length === 0) {
    remark(context, 'No browser sessions.');
    return exitCodes.ok.code;
  }
  const now = context.now();
  const rows = items.map((session) => [
    { text: session.id },
    { text: session.provider ?? session.method },
    { text: session.address ?? '' },
    { text: `${age(session.usedAt, now)} ago` },
    { text: session.userAgent ?? '' },
  ]);
  const { terminal } = context;
  const heads = ['id', 'method', 'address', 'used', 'browser'];
  terminal.out(table(heads, rows, { style: terminal.style, columns: terminal.columns }));
  return exitCodes.ok.code;
};

export const revokeSession: Run<OwnerOptions> = async (context, args, { user }) => {
  const client = await context.connect();
  const id = args[0] ?? '';
  if (user === undefined) await client.perform(revokeSessionOperation, { id });
  else await client.perform(revokeUserSessionOperation, { name: user, id });
  if (!(await printedForPrograms(context, { id }))) context.terminal.out(`Session ${id} ended.\n`);
  return exitCodes.ok.code;
};
