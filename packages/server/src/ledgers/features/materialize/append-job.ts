/** Appends pushed rows to the dataset of their view: one version for all rows since the last append. */
import { countNoun, DaisError, eventTypes } from '@dais/api';
import type { InlineTable } from '#engines/query/contract.ts';
import type { ColumnType } from '#engines/query/model/column-type.ts';
import type { LiteralValue } from '#engines/query/model/query-tree.ts';
import { scan } from '#engines/query/model/build.ts';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import type { JobClaim } from '#kernel/jobs.ts';
import { loadView } from '../definitions/load-selection.ts';
import type { FeatureDependencies } from '../features-dependencies.ts';
import { viewKey } from '../lineage-nodes.ts';
import { lockForAppendEnd } from './append-lock.ts';
import { APPEND_QUEUE } from './materialization-rows.ts';

/** Maximum number of rows per version. */
const MAX_BATCHES = 100;
const MAX_ROWS = 90_000;
/** Delay while a version of the dataset is being checked. */
const CHECK_MS = 2000;
/** Delay before a retry. */
const AFTER_ERROR_MS = 60_000;

/** The result of an append. `homeless`: the view no longer has a dataset. */
type Left = 'none' | 'more' | 'homeless';

interface PushedRow {
  readonly id: bigint;
  readonly rows: number;
  readonly batch: Readonly<Record<string, readonly unknown[]>>;
}

export function appendHandler(dependencies: FeatureDependencies): JobHandler {
  return {
    queue: APPEND_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 2000, capMs: 300_000 },
    run: async (job, io) => {
      try {
        let left = await append(dependencies, job, io);
        while (left === 'more') left = await append(dependencies, job, io);
        return { left };
      } catch (error) {
        // The rows wait for the next push, or until the cause is fixed.
        if (error instanceof DaisError && error.code === 'conflict') throw new JobFailed(error.message, 0);
        if (error instanceof DaisError && !error.retryable) throw new JobFailed(error.message);
        throw error;
      }
    },
    ended: async (tx, job, end) => {
      // Pushes during this job found its key in use and enqueued no job.
      await tx.enter(job.projectId);
      lockForAppendEnd(tx.sql, String(job.payload['view']));
      const [left] = await tx.sql.query(
        'select 1 from features.pushed where view = $1 limit 1',
        [job.payload['view']],
        'left_pushed',
      );
      if (left === undefined) return;
      // The key is free by then, because a transaction writes its jobs last.
      const uniqueKey = String(job.payload['view']);
      const arrived =
        end.state === 'succeeded' && (end.result as { readonly left?: Left } | undefined)?.left === 'none';
      tx.enqueue({
        queue: APPEND_QUEUE,
        projectId: job.projectId,
        payload: job.payload,
        uniqueKey,
        delayMs: arrived ? 0 : AFTER_ERROR_MS,
        maxAttempts: 20,
      });
    },
  };
}

async function append(dependencies: FeatureDependencies, { payload, projectId }: JobClaim, io: JobIo): Promise<Left> {
  const uid = String(payload['view']);
  const { batches, view, base, more } = await io.read(async (tx) => {
    const found = await tx.sql.query<PushedRow>(
      'select id, rows, batch from features.pushed where view = $1 order by id limit $2',
      [uid, MAX_BATCHES + 1],
      'read_pushed',
    );
    let rows = 0;
    const taken = found.slice(0, MAX_BATCHES).filter(({ rows: count }) => (rows += count) <= MAX_ROWS);
    if (taken.length === 0) return { batches: taken, view: undefined, base: undefined, more: false };
    const compiled = await loadView(tx, String(payload['name']));
    const { source } = compiled;
    const newest = source.type === 'dataset' ? await dependencies.sources.newest(tx, source.dataset) : undefined;
    if (newest?.ready === false) {
      const { dataset: name, number } = newest.version;
      throw new JobFailed(`${name}@${number} is being checked. Pushed rows are appended after it.`, CHECK_MS);
    }
    return { batches: taken, view: compiled, base: newest?.version, more: found.length > taken.length };
  });
  if (view === undefined) return 'none';
  if (view.source.type !== 'dataset') return 'homeless';
  const { dataset } = view.source;
  // Use the columns of an existing dataset, so that versions have the same schema.
  const types = new Map<string, ColumnType>(base?.columns.map(({ name, type }) => [name, type]));
  const columns = Object.keys(batches[0]?.batch ?? {}).map((name) => ({ name, type: types.get(name) ?? typeOf(name) }));
  const table: InlineTable = {
    columns,
    rows: batches.flatMap(({ rows, batch }) =>
      Array.from({ length: rows }, (_, at) => columns.map(({ name }) => (batch[name]?.[at] ?? null) as LiteralValue)),
    ),
  };
  await dependencies.sources.make(
    {
      projectId,
      dataset,
      tables: { pushed: table, ...(base !== undefined && { before: { version: base.id } }) },
      query: base === undefined ? scan('pushed') : { type: 'union', of: [scan('before'), scan('pushed')] },
      source: { type: 'features' },
      onto: base?.id ?? null,
      parents: [viewKey(view)],
      message: `${countNoun(table.rows.length, 'row')} pushed to ${view.name}.`,
      by: { type: 'system', id: 'features' },
    },
    { signal: io.signal, write: async (work) => await io.write(work) },
    async (tx) => {
      await tx.sql.query(
        'delete from features.pushed where id = any($1::bigint[])',
        [batches.map(({ id }) => id)],
        'drop_pushed',
      );
      tx.emit({
        type: eventTypes.featuresPushed,
        projectId,
        subject: { kind: 'FeatureView', name: view.name, uid: view.uid },
        data: { view: view.name, rows: table.rows.length },
      });
    },
  );
  return more ? 'more' : 'none';

  function typeOf(name: string): ColumnType {
    const key = view?.keys.find((one) => one.column === name);
    const feature = view?.features.find((one) => one.column === name);
    const type = key?.type ?? feature?.type ?? 'timestamp';
    return type === 'json' ? 'string' : type;
  }
}
