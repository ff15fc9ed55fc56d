/** Refreshes of sources: on request, and at the interval of the manifest. */
import { DaisError } from '@dais/api';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { requireDataset, readDatasetSpec } from '../dataset-rows.ts';
import { enqueueIngest, insertIngest } from './pushes.ts';

export interface RefreshInput {
  readonly name: string;
  readonly message: string;
  readonly tags: readonly string[];
  readonly invalidRows: 'refuse' | 'keep';
}

/** Starts a refresh and returns the id of the ingest. @throws DaisError `not_found`, `invalid_state` for a pushed dataset */
export async function startRefresh(
  tx: Transaction,
  { name, message, tags, invalidRows }: RefreshInput,
  now: number,
): Promise<string> {
  const dataset = await requireDataset(tx, name);
  const { source } = await readDatasetSpec(tx, name);
  const type = source?.type ?? 'upload';
  if (type === 'upload') {
    throw new DaisError('invalid_state', `The rows of ${name} are pushed. There is no source to refresh from.`);
  }
  const from = { type: type === 'dataset' ? ('query' as const) : type, invalidRows };
  const id = await insertIngest(tx, dataset, { message, tags, source: from, now, state: 'pending' });
  enqueueIngest(tx, id);
  return id;
}

const SLICE = 50;

/** Starts refreshes of datasets with `refreshMinutes`. A dataset with a running ingest is skipped until its next time. */
export function refreshHandler({ clock }: Pick<DataDependencies, 'clock'>): JobHandler {
  return {
    queue: 'data-refresh',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 5000, againMs: 15_000 },
    run: async (_job, io) => {
      let started = 0;
      for (let due = SLICE; due === SLICE && !io.signal.aborted;) {
        due = await io.write(async (tx) => {
          await tx.enter('all');
          const now = clock.now();
          const rows = await tx.sql.query<{ name: string; project_id: string; busy: boolean }>(
            `update data.dataset d set next_refresh_at = greatest($1, next_refresh_at + refresh_ms)
             where id in (select id from data.dataset where next_refresh_at <= $1 order by next_refresh_at limit ${SLICE} for update skip locked)
             returning name, project_id, exists (select from data.ingest i where i.dataset = d.id and i.ended_at is null and i.state <> 'open') as busy`,
            [now],
            'due_refreshes',
          );
          for (const { name, project_id: projectId, busy } of rows) {
            if (busy) continue;
            await tx.enter(projectId);
            await startRefresh(tx, { name, message: '', tags: [], invalidRows: 'refuse' }, now);
            started += 1;
          }
          return rows.length;
        });
      }
      return { started };
    },
  };
}
