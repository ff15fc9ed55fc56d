/** `dais rollout …`. */
import {
  abortRolloutOperation,
  pauseRolloutOperation,
  promoteRolloutOperation,
  resumeRolloutOperation,
} from '@dais/api/serving';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { followRollout, headline, readState, showState } from './follow.ts';

export const rolloutStatus: Run<{ readonly wait?: true }> = async (context, [endpoint = ''], { wait }) => {
  const client = await context.connect();
  if (wait === true) await followRollout(context, client, endpoint, undefined);
  const { status, rollout } = await readState(client, endpoint);
  const failed = wait === true && ['rolledBack', 'failed', 'aborted'].includes(rollout?.state ?? '');
  const code = failed ? exitCodes.failed.code : exitCodes.ok.code;
  if (await printedForPrograms(context, { endpoint, ...status, rollout: rollout ?? null })) return code;
  showState(context, endpoint, status, rollout);
  return code;
};

const OPERATIONS = {
  promote: promoteRolloutOperation,
  pause: pauseRolloutOperation,
  resume: resumeRolloutOperation,
  abort: abortRolloutOperation,
} as const;

export function rolloutVerb(verb: keyof typeof OPERATIONS): Run<{ readonly reason?: string }> {
  return async (context, [endpoint = ''], { reason = '' }) => {
    const client = await context.connect();
    const rollout = await client.perform(OPERATIONS[verb], { endpoint, reason });
    if (await printedForPrograms(context, rollout)) return exitCodes.ok.code;
    context.terminal.out(`${headline(rollout)}\n`);
    return exitCodes.ok.code;
  };
}
