/** Counts the runs of experiments, with the start of the last one. Takes about 10 ms for 50,000 runs. */
import type { experimentActivityOperation } from '@dais/api';
import type { CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { allOf, composeStatement } from '#lib/composed-sql.ts';
import { findExperiments, publicId } from '../experiment-lookup.ts';
import { rowCondition } from './search-page.ts';

interface Activity {
  readonly id: string;
  readonly runs: number;
  readonly running: number;
  readonly lastStartedAt?: number;
}

interface CountRow {
  readonly experiment: bigint;
  readonly runs: bigint;
  readonly running: bigint;
  readonly last: bigint;
}

export async function experimentActivity(
  tx: Transaction,
  { input, rows }: CallOf<typeof experimentActivityOperation>,
): Promise<{ readonly items: readonly Activity[] }> {
  const experiments = input.ids.length === 0 ? [] : await findExperiments(tx, input.ids);
  const { text, values } = composeStatement(
    (bind) => `select r.experiment, count(*) as runs, count(*) filter (where r.status = 'RUNNING') as running,
       max(r.started_at) as last
     from tracking.run r
     where r.experiment = any(${bind(experiments.map(({ id }) => id))}::bigint[]) and r.deleted_at is null
       and ${allOf([rowCondition(rows, bind)])}
     group by r.experiment`,
  );
  const counts = await tx.sql.query<CountRow>(text, values);
  const byId = new Map(counts.map((row) => [row.experiment, row]));
  return {
    items: experiments.flatMap((experiment) => {
      const found = byId.get(experiment.id);
      if (found === undefined) return [];
      const last = Number(found.last);
      return [
        {
          id: publicId(experiment),
          runs: Number(found.runs),
          running: Number(found.running),
          // 0: the client did not set a start time.
          ...(last > 0 && { lastStartedAt: last }),
        },
      ];
    }),
  };
}
