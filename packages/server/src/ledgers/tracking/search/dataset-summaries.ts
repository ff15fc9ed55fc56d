/** Lists the input datasets of the runs of experiments. */
import type { DatasetSummary, searchDatasetsOperation } from '@dais/api/tracking';
import type { CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { SortKey } from '#lib/keyset.ts';
import { allOf, type Bind } from '#lib/composed-sql.ts';
import { findExperiments, publicId } from '../experiments/experiment-lookup.ts';
import { findRows, foreignCursor, rowCondition } from './search-page.ts';

interface SummaryRow {
  readonly experiment: bigint;
  readonly name: string;
  readonly digest: string;
  readonly context: string | null;
}

const KEYS: readonly SortKey[] = [
  { sql: 's.experiment', type: 'bigint', ascending: true },
  { sql: 's.name', type: 'text', ascending: true },
  { sql: 's.digest', type: 'text', ascending: true },
  { sql: 's.context', type: 'text', ascending: true, missing: true },
];

export async function searchDatasetSummaries(tx: Transaction, { input, rows }: CallOf<typeof searchDatasetsOperation>) {
  const { experimentIds, limit, cursor } = input;
  const binding = ['datasets of experiments', tx.projectId, experimentIds];
  const position = decodePageCursor(binding, cursor);
  const experiments = await findExperiments(tx, experimentIds);
  if (experiments.length === 0) return { items: [] };
  const query = {
    columns: 's.experiment, s.name, s.digest, s.context',
    keys: KEYS,
    of: (bind: Bind) => {
      const ofExperiments = `r.id = any(${bind(experiments.map(({ id }) => id))}::int8[])`;
      return {
        from: `(select distinct d.experiment, d.name, d.digest, i.context from tracking.experiment r
          join tracking.dataset d on d.experiment = r.id join tracking.dataset_input i on i.dataset = d.id
          where ${allOf([ofExperiments, rowCondition(rows, bind)])}) s`,
        where: [],
      };
    },
  };
  const found = await findRows<SummaryRow>(tx, query, position, limit + 1);
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, (row) => row.position);
  const byId = new Map(experiments.map((row) => [row.id, publicId(row)]));
  const items = page.map(({ experiment, name, digest, context }): DatasetSummary => ({
    experimentId: byId.get(experiment) ?? String(experiment),
    name,
    digest,
    ...(context !== null && { context }),
  }));
  return { items, ...next };
}
