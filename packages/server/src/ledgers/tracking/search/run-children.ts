/** How many runs are part of others: clients say it in a tag. */
import type { Transaction } from '#kernel/transaction.ts';
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
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const conditions = [
    `x.experiment = any(${bind(experiments.map(({ id }) => id))}::int8[])`,
    `x.key = ${bind(options.originTags.parent)}::text`,
    // An index has the hash of the value.
    'x.hash = hashtext(p.id) and x.value = p.id',
    viewCondition(view),
    rowCondition(rows, bind),
  ].filter((one) => one !== undefined);
  const found = await tx.sql.query<{ id: string; runs: number }>(
    `select p.id, c.runs from unnest(${bind(parents.map(({ id }) => id))}::text[]) p (id), lateral (
       select count(*)::int as runs from (
         select from tracking.tag x join tracking.run r on r.num = x.run
         where ${conditions.join(' and ')} limit ${MOST}
       ) counted
     ) c where c.runs > 0`,
    values,
  );
  return new Map(found.map(({ id, runs }) => [id, runs]));
}
