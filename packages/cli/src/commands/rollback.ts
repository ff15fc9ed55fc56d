import { findKind } from '@dais/api';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { printable } from '#output/width.ts';
import { resolveOne } from '#resources/kind-view.ts';

export const run: Run<{ readonly to?: number; readonly reason?: string }> = async (context, args, { to, reason }) => {
  const [only = ''] = args;
  if (args.length === 1 && to === undefined && !only.includes('/') && findKind(only) === undefined) {
    return await (await import('#serving/revert.ts')).revertEndpoint(context, only, reason ?? '');
  }
  const { kind, name } = await resolveOne(args, context.connect);
  const client = await context.connect();
  const resource = await client.rollback(kind.kind, name, { generation: to });
  if (await printedForPrograms(context, resource)) return exitCodes.ok.code;
  const { generation } = resource.metadata;
  const brought = to === undefined ? 'at its previous revision' : `at revision ${to}`;
  context.terminal.out(`${kind.kind} ${printable(name)} is ${brought} (now revision ${generation}).\n`);
  return exitCodes.ok.code;
};
