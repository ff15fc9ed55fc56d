/**
 * Materializes the newest rows of a time range to the online store. The first attempt fixes the versions, rows are sorted by key,
 * and writes to the store are idempotent. After a crash, the next attempt therefore ends
 * with the same rows.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError, eventTypes } from '@dais/api';
import type { Cell } from '#engines/query/contract.ts';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import type { JobClaim } from '#kernel/jobs.ts';
import { readJsonLines } from '#lib/formats/json-lines.ts';
import type { CompiledView } from '../definitions/compiled.ts';
import { loadView } from '../definitions/load-selection.ts';
import type { FeatureDependencies, SourceVersion } from '../features-dependencies.ts';
import { latestPlan } from '../history/history-plan.ts';
import { resolveSources, withTables } from '../history/resolve-sources.ts';
import { noteMaterialized } from '../lineage-nodes.ts';
import type { Pusher, ReadRows } from '../online/push.ts';
import { readValue, type Value } from '../values/cells.ts';
import { formatMoment } from '../values/moment.ts';
import { readMaterialization, type MaterializationRow, MATERIALIZE_QUEUE } from './materialization-rows.ts';

const BATCH = 5000;

export function materializeHandler(dependencies: FeatureDependencies, pusher: Pusher): JobHandler {
  return {
    queue: MATERIALIZE_QUEUE,
    concurrency: 2,
    perProject: 2,
    retry: { baseMs: 1000, capMs: 60_000 },
    run: async (job, io) => {
      try {
        await materialize(dependencies, pusher, job, io);
      } catch (error) {
        // Retry only retryable errors, and unexpected ones.
        if (error instanceof DaisError && !error.retryable) throw new JobFailed(error.message);
        throw error;
      }
    },
    ended: async (tx, job: JobClaim, end) => {
      if (end.state === 'succeeded') return;
      await tx.enter(job.projectId);
      const [row] = await tx.sql.query<{ view: string; view_name: string }>(
        `update features.materialization set state = $2, error = $3, finished_at = clock_timestamp()
         where id = $1 and state in ('pending', 'running') returning view, view_name`,
        [job.payload['id'], end.state, end.error],
        'fail_materialization',
      );
      if (row === undefined) return;
      tx.emit({
        type: eventTypes.featureMaterializationFailed,
        projectId: job.projectId,
        subject: { kind: 'FeatureView', name: row.view_name, uid: row.view },
        data: { id: String(job.payload['id']), view: row.view_name, error: end.error },
      });
    },
  };
}

async function materialize(
  dependencies: FeatureDependencies,
  pusher: Pusher,
  { payload, projectId }: JobClaim,
  io: JobIo,
): Promise<void> {
  const id = String(payload['id']);
  const { row, view, versions } = await begin(dependencies, id, io);
  if (row.state === 'succeeded') return;
  const folder = join(dependencies.folder, randomUUID());
  await mkdir(folder, { recursive: true });
  try {
    await withTables(dependencies, projectId, versions, async (tables) => {
      const query = latestPlan(view, {
        start: row.start_time === null ? undefined : Number(row.start_time),
        end: Number(row.end_time),
      });
      const engine = await dependencies.query();
      const path = join(folder, 'latest.ndjson');
      await engine.run(
        { tables, query, output: { type: 'ndjson', path }, owner: projectId },
        {
          signal: io.signal,
          progress: ({ phase, share }) => io.progress({ phase, ...(share !== undefined && { share }) }),
        },
      );
      let entities = Number(row.entities);
      let written = Number(row.written);
      for await (const lines of readJsonLines<readonly Cell[]>([path], {
        batch: BATCH,
        skip: entities,
        signal: io.signal,
      })) {
        written += await pusher.write(projectId, view, rowsOf(view, lines));
        entities += lines.length;
        io.progress({ phase: 'writing', entities, written });
        await io.write(async (tx) => {
          await tx.sql.query(
            'update features.materialization set entities = $2, written = $3 where id = $1',
            [id, entities, written],
            'progress_materialization',
          );
        });
      }
      await finish(dependencies, { id, projectId, view, versions: [...versions.values()] }, io);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function begin(dependencies: FeatureDependencies, id: string, io: JobIo) {
  return await io.write(async (tx) => {
    const row = await readMaterialization(tx, id);
    const view = await loadView(tx, row.view_name);
    if (view.uid !== row.view) throw new JobFailed(`FeatureView "${row.view_name}" was deleted.`);
    const versions = await resolveSources(tx, dependencies, [{ view }], row.versions ?? {});
    await tx.sql.query(
      `update features.materialization set state = 'running', versions = $2, dataset = $3
       where id = $1 and state in ('pending', 'running')`,
      [
        id,
        JSON.stringify(Object.fromEntries([...versions].map(([reference, version]) => [reference, version.id]))),
        [...versions.values()].map(({ dataset, number }) => `${dataset}@${number}`).join(', '),
      ],
      'run_materialization',
    );
    return { row, view, versions };
  });
}

function rowsOf(view: CompiledView, lines: readonly (readonly Cell[])[]): ReadRows {
  const keys = view.keys.length;
  const columnOf = (index: number, type: Parameters<typeof readValue>[0]): Value[] =>
    lines.map((line) => readValue(type, line[index]));
  return {
    count: lines.length,
    keys: view.keys.map(({ type }, at) => columnOf(at, type)),
    eventTimes: lines.map((line) => Number(line[keys])),
    createdTimes: lines.map((line) => Number(line[keys + 1] ?? 0)),
    features: view.features.map(({ type }, at) => columnOf(keys + 2 + at, type)),
  };
}

interface Finished {
  readonly id: string;
  readonly projectId: string;
  readonly view: CompiledView;
  readonly versions: readonly SourceVersion[];
}

async function finish(
  dependencies: FeatureDependencies,
  { id, projectId, view, versions }: Finished,
  io: JobIo,
): Promise<void> {
  const entities = await (await dependencies.online()).count({ project: projectId, view: view.uid });
  await io.write(async (tx) => {
    const [row] = await tx.sql.query<Pick<MaterializationRow, 'start_time' | 'end_time' | 'entities' | 'written'>>(
      `update features.materialization set state = 'succeeded', finished_at = clock_timestamp()
       where id = $1 and state = 'running' returning start_time, end_time, entities, written`,
      [id],
      'finish_materialization',
    );
    if (row === undefined) return;
    await tx.sql.query(
      `insert into features.online_view as o (view, project_id, materialized_to, materialized_at, entities)
       values ($1, $2, $3, clock_timestamp(), $4)
       on conflict (view) do update set materialized_at = excluded.materialized_at,
         materialized_to = greatest(o.materialized_to, excluded.materialized_to),
         entities = excluded.entities`,
      [view.uid, projectId, row.end_time, entities],
      'note_online_view',
    );
    noteMaterialized(tx, view, versions, dependencies.clock.now());
    tx.emit({
      type: eventTypes.featuresMaterialized,
      projectId: projectId,
      subject: { kind: 'FeatureView', name: view.name, uid: view.uid },
      data: {
        id,
        view: view.name,
        ...(row.start_time !== null && { start: formatMoment(Number(row.start_time)) }),
        end: formatMoment(Number(row.end_time)),
        entities: Number(row.entities),
        written: Number(row.written),
      },
    });
  });
}
