/** For tests: minimal runs for metrics, and a simple model of logged points. */
import { randomUUID } from 'node:crypto';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { trackingSlice } from '../../tracking-slice.ts';
import { compactionHandler } from '../compaction.ts';
import type { MetricRun } from '../logged-points.ts';
import { comparePoints, pointAt, type Point, type PointOrder, type Points } from '../points.ts';

export interface MetricWorld {
  readonly test: TestDatabase;
  newRun(): Promise<MetricRun & { readonly id: string }>;
  write<T>(run: MetricRun, work: (tx: Transaction) => Promise<T>): Promise<T>;
  read<T>(run: MetricRun, work: (tx: Transaction) => Promise<T>): Promise<T>;
  seriesOf(run: MetricRun, key: string): Promise<bigint>;
  end(run: MetricRun): Promise<void>;
  /** Runs the job as its runner does, without a lease. */
  compact(run: MetricRun): Promise<void>;
}

export async function startMetricWorld(): Promise<MetricWorld> {
  const test = await startTestDatabase([kernelSlice, trackingSlice]);
  const projectId = randomUUID();
  await test.asAdmin(`insert into kernel.tenant (id, name) values ('${projectId}', 'metrics')`);
  const [experiment] = await test.asAdmin(
    `insert into tracking.experiment (project_id, name, created_at, updated_at) values ('${projectId}', 'e', 0, 0)
     returning id::int`,
  );
  const run = async <T>(mode: 'read' | 'write', project: string, work: (tx: Transaction) => Promise<T>) =>
    await transact(test.database, { mode, projectId: project }, work);
  const world: MetricWorld = {
    test,
    newRun: async () => {
      const id = randomUUID().replaceAll('-', '');
      const [row] = await test.asAdmin(
        `insert into tracking.run (project_id, id, experiment, name, user_name, status, started_at)
         values ('${projectId}', '${id}', ${String(experiment?.['id'])}, 'r', 'u', 'RUNNING', 0) returning num::int`,
      );
      return { num: BigInt(Number(row?.['num'])), projectId, experiment: BigInt(Number(experiment?.['id'])), id };
    },
    write: (of, work) => run('write', of.projectId, work),
    read: (of, work) => run('read', of.projectId, work),
    seriesOf: async (of, key) => {
      const [row] = await run('read', of.projectId, ({ sql }) =>
        sql.query<{ series: bigint }>('select series from tracking.metric where run = $1 and key = $2', [of.num, key]),
      );
      if (row === undefined) throw new Error(`no metric ${key}`);
      return row.series;
    },
    end: async (of) => {
      await run('write', of.projectId, ({ sql }) =>
        sql.query(`update tracking.run set status = 'FINISHED' where num = $1`, [of.num]),
      );
    },
    compact: async (of) => {
      const claim = {
        id: randomUUID(),
        queue: '',
        projectId: of.projectId,
        payload: { run: String(of.num) },
        attempt: 1,
        maxAttempts: 1,
        epoch: 1n,
        cancelRequested: false,
      };
      await compactionHandler().run(claim, {
        signal: new AbortController().signal,
        progress: () => {},
        read: (work) => world.read(of, work),
        write: (work) => world.write(of, work),
      });
    },
  };
  return world;
}

export function list(points: Points): Point[] {
  return [...points.steps.keys()].map((index) => pointAt(points, index));
}

/** Returns a text that is equal for equal points. */
export function named({ step, timestamp, value }: Point): string {
  return `${step} ${timestamp} ${value}`;
}

/** A set of points. */
export class ModelSeries {
  readonly #points = new Map<string, Point>();

  add(points: readonly Point[]): void {
    for (const point of points) this.#points.set(named(point), point);
  }

  sorted(order: PointOrder): Point[] {
    return [...this.#points.values()].sort((a, b) => comparePoints(a, b, order));
  }
}
