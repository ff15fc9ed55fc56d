/** `dais gc`: removes deleted objects permanently after their retention, in batches. */
import { collectGarbageOperation, countNoun } from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { barText } from '#output/progress-bar.ts';
import { printedForPrograms } from '#output/result.ts';

interface GcOptions {
  readonly olderThan?: number;
  readonly dryRun?: true;
}

type Removed = Readonly<Record<'runs' | 'loggedModels' | 'experiments' | 'traces' | 'files', number>>;

const HOUR_MS = 3_600_000;

export const run: Run<GcOptions> = async (context, _args, { olderThan, dryRun = false }) => {
  const client = await context.connect();
  const policy = olderThan === undefined ? {} : { olderThanHours: Math.max(1, Math.ceil(olderThan / HOUR_MS)) };
  const settings = { signal: context.signal, repeatable: true };
  const { removed: due } = await client.perform(collectGarbageOperation, { ...policy, dryRun: true }, settings);
  if (dryRun) return await printRemoved(context, due, due, true);
  const startedAt = context.now();
  const removed: Record<keyof Removed, number> = { runs: 0, loggedModels: 0, experiments: 0, traces: 0, files: 0 };
  let cursor: string | undefined;
  do {
    const input = { ...policy, ...(cursor !== undefined && { cursor }) };
    const batch = await client.perform(collectGarbageOperation, input, settings);
    for (const what of Object.keys(removed) as (keyof Removed)[]) removed[what] += batch.removed[what];
    cursor = batch.nextCursor;
    const [done, total] = [itemsOf(removed), itemsOf(due)];
    const elapsedMs = context.now() - startedAt;
    context.terminal.progress(barText({ what: 'removed', done, total, bytes: 0, elapsedMs }));
  } while (cursor !== undefined);
  context.terminal.progress('');
  return await printRemoved(context, removed, due, false);
};

const itemsOf = ({ runs, loggedModels, experiments }: Removed) => runs + loggedModels + experiments;

async function printRemoved(context: Context, removed: Removed, due: Removed, dryRun: boolean) {
  const kept = itemsOf(due) - itemsOf(removed);
  if (await printedForPrograms(context, { removed, kept })) return exitCodes.ok.code;
  const { runs, loggedModels, experiments, traces, files } = removed;
  const what = [
    countNoun(runs, 'run'),
    countNoun(loggedModels, 'logged model'),
    countNoun(experiments, 'experiment'),
    countNoun(traces, 'trace'),
    ...(dryRun ? [] : [countNoun(files, 'file')]),
  ];
  context.terminal.out(`${dryRun ? 'Would remove' : 'Removed'} ${what.join(', ')}.\n`);
  if (kept > 0) context.terminal.out(`${kept} are kept: model versions depend on them.\n`);
  return exitCodes.ok.code;
}
