/** Counts child runs, which clients mark by a tag. */
import type { Transaction } from '#kernel/transaction.ts';
import { allOf, composeStatement } from '#lib/composed-sql.ts';
import { rowCondition, viewCondition } from './search-page.ts';
import type { RunSearch } from './run-search.ts';

/** Limit of exact counts. */
const MOST = 1000;

/** Returns counts by parent run, within the searched experiments and with the same deletion state. */
export async function countChildren(
  tx: Transaction,
  { experiments, view, rows, options }: Pick<RunSearch, 'experiments' | 'view' | 'rows' | 'options'>,
  parents: readonly { readonly id: string }[],
): Promise<ReadonlyMap<string, number>> {
  if (parents.length === 0) return new Map();
  // The index contains the hash of the tag value.
  const { text, values } = composeStatement(
    (bind) => `select p.id, c.runs from unnest(${bind(parents.map(({ id }) => id))}::text[]) p (id), lateral (
       select count(*)::int as runs from (
         select from tracking.tag x join tracking.run r on r.num = x.run
         where x.experiment = any(${bind(experiments.map(({ id }) => id))}::int8[])
           and x.key = ${bind(options.originTags.parent)}::text and x.hash = hashtext(p.id) and x.value = p.id
           and ${allOf([viewCondition(view), rowCondition(rows, bind)])} limit ${MOST}
       ) counted
     ) c where c.runs > 0`,
  );
  const found = await tx.sql.query<{ id: string; runs: number }>(text, values);
  return new Map(found.map(({ id, runs }) => [id, runs]));
}
