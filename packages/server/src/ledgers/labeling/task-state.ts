import type { Sql } from '#engines/database/contract.ts';

/** The status of an annotation is its newest review; a new version of an annotation has no review. */
export const DECISION = `(select r.decision from labeling.review r where r.annotation = a.id and r.version = a.version
  order by r.seq desc limit 1)`;

/**
 * Derives the state of tasks from annotations and reviews: accepted with one accepted annotation, rejected without any
 * annotation that can be accepted.
 */
export async function settleTasks(sql: Sql, set: bigint, tasks: readonly number[]): Promise<void> {
  await sql.query(
    `update labeling.task t set state = n.state, disagreed = n.disagreed from (
       select k.task, case when coalesce(bool_or(v.decision = 'accepted'), false) then 'accepted'
           when count(v.id) filter (where not v.canceled) = 0 then 'open'
           when bool_and(coalesce(v.decision = 'rejected', false)) filter (where not v.canceled) then 'rejected'
           else 'labeled' end as state,
         count(distinct v.label) filter (where not v.canceled and cardinality(v.label) > 0) > 1 as disagreed
       from unnest($2::int[]) as k (task) left join lateral (
         select a.id, a.canceled, a.label, ${DECISION} as decision from labeling.annotation a
         where a.label_set = $1 and a.task = k.task and not a.replaced) v on true
       group by k.task) n
     where t.label_set = $1 and t.number = n.task and (t.state, t.disagreed) is distinct from (n.state, n.disagreed)`,
    [set, tasks],
    'settle_label_tasks',
  );
}
