/** Operations that log metrics, parameters and tags. Each call is one transaction, so it is applied completely or not at all. */
import { DaisError } from '@dais/api';
import { logRunOperation, removeRunTagOperation } from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { activeRun, activeRunAhead, type KnownRuns } from './run-lookup.ts';
import { appendAhead, appendMetrics, canAppendAhead } from '../metrics/append.ts';
import type { LoggedPoint } from '../metrics/logged-points.ts';
import { addParams, addParamsAhead, removePairs, setPairs, setTagsAhead, type Pair } from '../pairs.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { RowCache } from '../row-cache.ts';
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

/** Number of calls that read the stored state first, after a call that did not find it as expected. */
const WARY_CALLS = 50;

/**
 * Sends all statements with the commit, expecting that the run accepts writes, that no parameter has another value and that all
 * points are new. If not, the transaction restarts and reads the stored state first. Both ways write parameters, metrics and tags
 * in this order, so that two calls cannot deadlock.
 */
async function logRun(
  tx: Transaction,
  input: LogCall,
  known: KnownRuns,
  dependencies: TrackingDependencies,
): Promise<Record<string, never>> {
  const { id, metrics = [], params = [] } = input;
  // The last value of a duplicate key applies.
  const tags = new Map((input.tags ?? []).map(({ key, value }) => [key, truncateText(value, LONGEST.runTag)]));
  const isWary = tx.sql.careful || (known.get(tx.projectId, id)?.wary ?? 0) > 0;
  if (!isWary && (metrics.length === 0 ? params.length + tags.size > 0 : canAppendAhead(metrics))) {
    addParamsAhead(tx, id, params);
    appendAhead(tx, id, metrics);
    setTagsAhead(tx, id, tags);
  } else {
    const run = await activeRunAhead(tx, id, known);
    run.wary = tx.sql.careful ? WARY_CALLS : Math.max(0, run.wary - 1);
    await addParams(tx, 'param', run.num, params);
    await appendMetrics(tx, run, metrics);
    setPairs(tx, 'tag', run.num, tags);
  }
  noteOrigin(tx, id, tags, dependencies);
  const name = tags.get(dependencies.options.nameTag);
  if (name !== undefined && name !== '') writeName(tx, id, name);
  return {};
}

function writeName({ sql, projectId }: Transaction, id: string, name: string): void {
  sql.defer(
    'update tracking.run set name = $3 where project_id = $1 and id = $2 and name <> $3',
    [projectId, id, truncateText(name, LONGEST.runName)],
    'write_run_name',
  );
}
