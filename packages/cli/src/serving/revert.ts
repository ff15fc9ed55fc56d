/** `dais rollback ENDPOINT`. */
import { rollBackOperation } from '@dais/api/serving';
import type { Context } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { followRollout, headline } from './follow.ts';

export async function revertEndpoint(context: Context, endpoint: string, reason: string): Promise<number> {
  const client = await context.connect();
  const begun = await client.perform(rollBackOperation, { endpoint, reason });
  const rollout = begun.state === 'running' ? await followRollout(context, client, endpoint, undefined) : begun;
  const back = rollout?.state === 'promoted' || rollout?.state === 'aborted';
  const code = back ? exitCodes.ok.code : exitCodes.failed.code;
  if (await printedForPrograms(context, rollout ?? begun)) return code;
  context.terminal.out(`${headline(rollout ?? begun)}\n`);
  return code;
}
