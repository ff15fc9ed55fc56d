/** Fires schedules on events. Each event creates at most one fire, because its sequence number identifies the fire. */
import type { SequencedEvent } from '#kernel/events.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { notifyWorkers } from '../executions-events.ts';
import type { Json } from '../machine/plan.ts';
import { MOST_WAITING } from './fires.ts';

const CAUSES = ['execution.finished', 'model.alias.set', 'dataset.version.ready', 'dataset.version.released'];
/** A dataset version counts when it becomes usable: at creation, after its checks, or when it is released. */
const FIRST_STATE = 'dataset.version.created';

export const triggers: Subscriber = {
  name: 'schedule-triggers',
  types: [...CAUSES, FIRST_STATE],
  async handle(tx, events) {
    const relevant = events.filter(({ type, data }) => type !== FIRST_STATE || data['state'] === 'ready');
    if (relevant.length === 0) return;
    await tx.enter('all');
    const anyTrigger = await tx.sql.query(
      `select 1 from executions.schedule where kind = 'event' and enabled limit 1`,
      [],
      'list_triggers',
    );
    if (anyTrigger.length === 0) return;
    for (const event of relevant) await addFire(tx, event);
  },
};

const subjectName = ({ type }: SequencedEvent) => (type === 'model.alias.set' ? 'model' : 'dataset');

async function addFire(tx: Transaction, event: SequencedEvent): Promise<void> {
  const { seq, at, projectId, subject, data } = event;
  await tx.enter(projectId);
  const cause =
    event.type === 'execution.finished'
      ? await pipelineEvent(tx, event)
      : { [subjectName(event)]: subject?.name ?? '', ...data };
  if (cause === undefined) return;
  const rows = await tx.sql.query<{ schedule: string }>(
    `insert into executions.fire (schedule, project_id, cause, fire_time, data, state, error)
     select s.id, s.project_id, $2, $3, $4::jsonb, case when w.n < $5 then 'pending' else 'skipped' end,
       case when w.n < $5 then null else 'the schedule had too many waiting fires' end
     from executions.schedule s
     cross join lateral (select count(*) as n from executions.fire f where f.schedule = s.id and f.state = 'pending') w
     where s.project_id = $1 and s.kind = 'event' and s.enabled
       and (s.starts_at is null or s.starts_at <= $3) and (s.ends_at is null or s.ends_at >= $3)
       and case s.trigger->>'type'
         when 'pipeline' then s.trigger->>'pipeline' = $4::jsonb->>'pipeline'
           and s.trigger->>'state' in ('any', $4::jsonb->>'state')
         when 'model' then s.trigger->>'model' = $4::jsonb->>'model' and s.trigger->>'alias' = $4::jsonb->>'alias'
         when 'dataset' then s.trigger->>'dataset' = $4::jsonb->>'dataset'
         else false end
     on conflict do nothing returning schedule`,
    [projectId, `event/${seq}`, at, JSON.stringify(cause), MOST_WAITING],
    'trigger_fires',
  );
  if (rows.length === 0) return;
  await tx.sql.query(
    'update executions.schedule set next_check_at = clock_timestamp() where id = any($1)',
    [rows.map(({ schedule }) => schedule)],
    'triggered',
  );
  notifyWorkers(tx);
}

/** Undefined: the run has no pipeline, or the pipeline was deleted. */
async function pipelineEvent({ sql }: Transaction, { subject, data }: SequencedEvent): Promise<Json | undefined> {
  const [row] = await sql.query<{ name: string }>(
    'select p.name from executions.run r join executions.pipeline p on p.uid = r.pipeline where r.id = $1',
    [subject?.uid ?? null],
    'pipeline_of_run',
  );
  return row === undefined ? undefined : { pipeline: row.name, run: subject?.uid ?? '', state: String(data['state']) };
}
