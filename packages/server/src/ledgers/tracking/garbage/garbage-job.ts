import { collectGarbageOperation } from '@dais/api';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { decodePageCursor, encodePageCursor } from '#kernel/page-cursor.ts';
import type { Clock } from '#lib/clock.ts';
import {
  collectGarbage,
  countGarbage,
  GARBAGE_START,
  type GarbageDependencies,
  type GarbagePosition,
} from './collect-garbage.ts';

const DAY_MS = 86_400_000;

/** Returns the hourly job that removes objects deleted more than `days` ago. 0: they can always be restored. */
export function garbageJob(dependencies: GarbageDependencies, days: number, clock: Clock): JobHandler {
  return {
    queue: 'tracking garbage',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 10_000, capMs: 3_600_000 },
    every: { firstMs: 600_000, againMs: 3_600_000 },
    async run(_job, io) {
      const total = { runs: 0, loggedModels: 0, experiments: 0, traces: 0, files: 0 };
      if (days === 0) return total;
      const before = clock.now() - days * DAY_MS;
      const projects = await io.read(async (tx) => {
        await tx.enter('all');
        return await tx.sql.query<{ project_id: string }>(
          `select project_id from tracking.run where deleted_at < $1
           union select project_id from tracking.logged_model where deleted_at < $1
           union select project_id from tracking.experiment where deleted_at < $1`,
          [before],
          'garbage_projects',
        );
      });
      for (const { project_id: projectId } of projects) {
        for (let position: GarbagePosition | undefined = GARBAGE_START; position !== undefined;) {
          io.signal.throwIfAborted();
          const from: GarbagePosition = position;
          const { removed, next } = await io.write(async (tx) => {
            await tx.enter(projectId);
            return await collectGarbage(tx, dependencies, before, from);
          });
          for (const what of Object.keys(total) as (keyof typeof total)[]) total[what] += removed[what];
          io.progress(total);
          position = next;
        }
      }
      return total;
    },
  };
}

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** @param days default age in days of removed objects */
export function garbageEntries(
  dependencies: GarbageDependencies,
  days: number,
  clock: Clock,
): readonly OperationEntry[] {
  return [
    entry(collectGarbageOperation, async (tx, { input }) => {
      const hours = input.olderThanHours ?? days * DAY_HOURS;
      const before = clock.now() - hours * HOUR_MS;
      if (input.dryRun) return { removed: { ...(await countGarbage(tx, before)), files: 0 } };
      const of = ['garbage.collect', hours];
      const { removed, next } = await collectGarbage(tx, dependencies, before, decodePosition(of, input.cursor));
      return {
        removed,
        ...(next !== undefined && { nextCursor: encodePageCursor(of, `${next.run} ${next.model}`) }),
      };
    }),
  ];
}

/** @throws DaisError `invalid_cursor`. */
function decodePosition(of: readonly unknown[], cursor: string | undefined): GarbagePosition {
  const position = /^(?<run>\d{1,18}) (?<model>\d{1,18})$/.exec(decodePageCursor(of, cursor) ?? '')?.groups;
  if (position === undefined) return GARBAGE_START;
  return { run: BigInt(position['run'] ?? 0), model: BigInt(position['model'] ?? 0) };
}
