import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { changesText } from '#manifests/change-text.ts';
import { printChanges } from '#manifests/print-changes.ts';
import { readSources, type SourceOptions } from '#manifests/sources.ts';

interface ApplyOptions extends SourceOptions {
  readonly wait?: true;
  /** Milliseconds. */
  readonly timeout: number;
}

export const run: Run<ApplyOptions> = async (context, _args, options) => {
  const input = await readSources(context, options);
  const client = await context.connect();
  const changes = await client.apply(input, { signal: context.signal });
  await printChanges(context, changes, (style) => changesText(changes, 'did', style));
  if (options.wait !== true) return exitCodes.ok.code;
  const { waitUntilReady } = await import('#manifests/wait-until-ready.ts');
  return await waitUntilReady(context, client, changes, options.timeout);
};
