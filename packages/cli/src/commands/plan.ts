import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { changesText } from '#manifests/change-text.ts';
import { printChanges } from '#manifests/print-changes.ts';
import { readSources, type SourceOptions } from '#manifests/sources.ts';

export const run: Run<SourceOptions> = async (context, _args, options) => {
  const input = await readSources(context, options);
  const client = await context.connect();
  const changes = await client.plan(input, { signal: context.signal });
  await printChanges(context, changes, (style) => changesText(changes, 'would', style));
  return changes.some((change) => change.action !== 'unchanged') ? exitCodes.changes.code : exitCodes.ok.code;
};
