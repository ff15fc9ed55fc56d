/** `dais deploy`. */
import { DaisError, type DaisClient } from '@dais/api';
import { readModelOperation } from '@dais/api/registry';
import { deployOperation } from '@dais/api/serving';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { readPredictionUrl } from './endpoint-url.ts';
import { followRollout, followShadow, headline, readState } from './follow.ts';

interface Options {
  readonly to: string;
  readonly canary?: number;
  readonly shadow?: true;
  readonly wait?: true;
}

export const deployModel: Run<Options> = async (context, [model = ''], { to, canary, shadow, wait }) => {
  const client = await context.connect();
  const before = await readState(client, to).catch((error: unknown) => {
    if (error instanceof DaisError && error.code === 'not_found') return undefined;
    throw error;
  });
  const begun = await client.perform(deployOperation, {
    endpoint: to,
    model: await modelReference(context, client, model),
    shadow: shadow === true,
    ...(canary !== undefined && { canary }),
  });
  if (shadow === true && wait === true) {
    const ready = await followShadow(context, client, to);
    if (ready.state !== 'ready')
      context.terminal.err(`The model does not load: ${ready.message ?? 'no error message'}\n`);
    return ready.state === 'ready' ? exitCodes.ok.code : exitCodes.failed.code;
  }
  if (wait !== true) {
    if (await printedForPrograms(context, begun)) return exitCodes.ok.code;
    context.terminal.out(`${begun.created ? 'Endpoint created' : 'Endpoint updated'}: ${to}\n`);
    remark(context, `Follow the rollout: dais rollout status ${to} --wait`);
    return exitCodes.ok.code;
  }
  const rollout = await followRollout(context, client, to, before?.rollout?.id);
  const failed = rollout === undefined || ['rolledBack', 'failed', 'aborted'].includes(rollout.state);
  const code = failed ? exitCodes.failed.code : exitCodes.ok.code;
  if (await printedForPrograms(context, rollout ?? begun)) return code;
  if (rollout !== undefined) context.terminal.out(`${headline(rollout)}\n`);
  if (!failed) {
    remark(context, `Send predictions to ${await readPredictionUrl(client, to, 'open-inference')}`);
    remark(context, `Show active versions: dais rollout status ${to}`);
  }
  return code;
};

/**
 * The reference to deploy. A name without a version means the alias `champion` where it is set, else the newest version.
 * @throws DaisError `not_found` for an unknown model and for one without versions.
 */
async function modelReference(context: Context, client: DaisClient, text: string): Promise<string> {
  const reference = /^(models|runs|remote):/.test(text) ? text : `models:/${text}`;
  const name = /^models:\/([^/:@]+)$/.exec(reference)?.[1];
  if (name === undefined) return reference;
  const { aliases, latestVersions } = await client.perform(readModelOperation, { name });
  const newest = Math.max(0, ...latestVersions.map(({ version }) => version));
  if (newest === 0) {
    throw new DaisError('not_found', `Model "${name}" has no version. Register one, then deploy it.`);
  }
  const chosen = aliases['champion'] === undefined ? `models:/${name}/${newest}` : `models:/${name}@champion`;
  const why =
    aliases['champion'] === undefined ? 'the latest version; the alias `champion` is not set' : 'the alias `champion`';
  remark(context, `Deploying ${chosen} (${why}).`);
  return chosen;
}
