/** How many runs are part of others: clients say it in a tag. */
import type { Transaction } from '#kernel/transaction.ts';
import { allOf, composeStatement } from '#lib/composed-sql.ts';
import { rowCondition, viewCondition } from './search-page.ts';
import type { RunSearch } from './run-search.ts';

/** What people are told exactly; a run with more of them is looked at by a filter. */
const MOST = 1000;

/** Of the searched experiments, and in the same state: by id of the run that they are part of. */
export async function countChildren(
  tx: Transaction,
  { experiments, view, rows, options }: Pick<RunSearch, 'experiments' | 'view' | 'rows' | 'options'>,
  parents: readonly { readonly id: string }[],
): Promise<ReadonlyMap<string, number>> {
  if (parents.length === 0) return new Map();
  // An index has the hash of the value of a tag.
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
