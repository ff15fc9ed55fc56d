import { currentSessionOperation } from '@dais/api/access';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';

export const run: Run = async (context) => {
  const client = await context.connect();
  const who = await client.perform(currentSessionOperation, {});
  if (await printedForPrograms(context, who)) return exitCodes.ok.code;
  const { actor, displayName, method, scopes, project } = who;
  if (actor === undefined) {
    context.terminal.out(`Not authenticated at ${client.url}. Sign in, or send a token.\n`);
    return exitCodes.failed.code;
  }
  const lines = [
    `${actor.id}${displayName === undefined ? '' : ` (${displayName})`} at ${client.url}`,
    `authenticated with ${method ?? 'nothing'}${who.mfa === true ? ', with a second factor' : ''}`,
    ...(scopes === undefined ? [] : [`limited to ${scopes.join(', ')}`]),
    ...(project === undefined ? [] : [`limited to project ${project}`]),
  ];
  context.terminal.out(lines.map((line) => `${line}\n`).join(''));
  return exitCodes.ok.code;
};
