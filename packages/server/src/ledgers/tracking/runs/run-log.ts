/** Operations that log metrics, parameters and tags. Each call is one transaction, so it is applied completely or not at all. */
import { DaisError } from '@dais/api';
import { logRunOperation, removeRunTagOperation } from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { activeRun, activeRunAhead, RowCache, type KnownRuns } from './run-lookup.ts';
import { appendMetrics, appendAhead } from '../metrics/append.ts';
import type { LoggedPoint } from '../metrics/logged-points.ts';
import { addParams, removePairs, setPairs, type Pair } from '../pairs.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { noteOrigin } from './run-lineage.ts';
import { truncateText, LONGEST } from '../texts.ts';

export function logEntries(dependencies: TrackingDependencies): readonly OperationEntry[] {
  const known: KnownRuns = new RowCache();
  return [
    entry(logRunOperation, async (tx, { input }) => await logRun(tx, input, known, dependencies)),
    entry(removeRunTagOperation, async (tx, { input }) => {
      const { num } = await activeRun(tx, input.id);
      const removed = await removePairs(tx, 'tag', num, [input.key]);
      if (removed.size === 0) throw new DaisError('not_found', `Run "${input.id}" has no tag "${input.key}".`);
      return {};
    }),
  ];
}

interface LogCall {
  readonly id: string;
  readonly metrics?: readonly LoggedPoint[];
  readonly params?: readonly Pair[];
  readonly tags?: readonly Pair[];
}

/** Every call writes parameters, metrics and tags in this order, so that two calls cannot deadlock. */
async function logRun(
  tx: Transaction,
  input: LogCall,
  known: KnownRuns,
  dependencies: TrackingDependencies,
): Promise<Record<string, never>> {
  const { id, metrics = [], params = [], tags = [] } = input;
  const there = params.length + tags.length === 0 ? known.get(tx.projectId, id) : undefined;
  if (there !== undefined && appendAhead(tx, there, metrics)) return {};
  const run = await activeRunAhead(tx, id, known);
  await addParams(tx, 'param', run.num, params);
  await appendMetrics(tx, run, metrics);
  // The last value of a duplicate key applies.
  const tagValues = new Map(tags.map(({ key, value }) => [key, truncateText(value, LONGEST.runTag)]));
  setPairs(tx, 'tag', run.num, tagValues);
  noteOrigin(tx, id, tagValues, dependencies);
  const name = tagValues.get(dependencies.options.nameTag);
  if (name !== undefined && name !== '') await writeName(tx, run.num, name);
  return {};
}

async function writeName({ sql }: Transaction, run: bigint, name: string): Promise<void> {
  await sql.query(
    'update tracking.run set name = $2 where num = $1 and name <> $2',
    [run, truncateText(name, LONGEST.runName)],
    'write_run_name',
  );
}
