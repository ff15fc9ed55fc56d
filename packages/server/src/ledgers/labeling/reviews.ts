/** Reviews of annotations. Annotators cannot review their own. */
import { DaisError, eventTypes } from '@dais/api';
import type {
  acceptAgreedOperation,
  adjudicateOperation,
  Annotation,
  LabelTask,
  reviewAnnotationOperation,
} from '@dais/api/data';
import type { Call, CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { LabelsDependencies } from './labels-dependencies.ts';
import { lockSet, type LabelSetRow } from './set-rows.ts';
import { actorOf, emitAboutSet } from './sets.ts';
import {
  annotationsOf,
  listTaskRows,
  presentAnnotation,
  presentTask,
  versionsOf,
  type AnnotationRow,
} from './task-rows.ts';
import { settleTasks, DECISION } from './task-state.ts';
import { hiddenFields } from './tasks.ts';

type Decision = 'accepted' | 'rejected';

/** Records a review. @throws DaisError `forbidden` for own annotations, `invalid_state` if another label of the task is accepted */
export async function review(
  tx: Transaction,
  call: CallOf<typeof reviewAnnotationOperation>,
  now: number,
): Promise<Annotation> {
  const { input } = call;
  const { row, annotation } = await lockAnnotation(tx, call);
  requireNotOwn(call, annotation);
  if (input.decision === 'accepted') await requireNoOther(tx, row, annotation);
  await writeReviews(tx, call, [annotation], input.decision, now);
  await settleTasks(tx.sql, row.id, [annotation.task]);
  const data = { set: row.name, task: annotation.task, annotation: annotation.id };
  emitAboutSet(tx, row, eventTypes.labelReviewed, { ...data, decision: input.decision, reason: input.reason });
  return presentAnnotation((await lockAnnotation(tx, call)).annotation);
}

export async function adjudicate(
  tx: Transaction,
  call: CallOf<typeof adjudicateOperation>,
  dependencies: LabelsDependencies,
): Promise<LabelTask> {
  const { input } = call;
  const { row, annotation } = await lockAnnotation(tx, call);
  const all = await annotationsOf(tx.sql, row.id, [annotation.task]);
  // Annotators of a task cannot adjudicate it.
  for (const one of all) requireNotOwn(call, one);
  const now = dependencies.now();
  const others = all.filter(({ id, canceled }) => id !== annotation.id && !canceled);
  await writeReviews(tx, call, others, 'rejected', now);
  await writeReviews(tx, call, [annotation], 'accepted', now);
  await settleTasks(tx.sql, row.id, [annotation.task]);
  const data = { set: row.name, task: annotation.task, annotation: annotation.id, reason: input.reason };
  emitAboutSet(tx, row, eventTypes.labelAdjudicated, data);
  const [task] = await listTaskRows(tx.sql, row.id, { after: undefined, limit: 1, numbers: [annotation.task] });
  if (task === undefined) throw new Error('a task was deleted while its label set was locked');
  const hidden = await hiddenFields(tx, call, row, dependencies);
  return presentTask(task, await annotationsOf(tx.sql, row.id, [annotation.task]), hidden);
}

/** Accepts the oldest annotation of each task with unanimous annotations. */
export async function acceptAgreed(
  tx: Transaction,
  call: CallOf<typeof acceptAgreedOperation>,
  now: number,
): Promise<{ accepted: number; left: number }> {
  const { input, tenant } = call;
  const row = await lockSet(tx.sql, tenant.id, input.set);
  const by = actorOf(call);
  const accepted = await tx.sql.query<{ task: number | null }>(
    `with agreed as (
       select a.task, min(a.id::text)::uuid as id from labeling.annotation a
       join labeling.task t on t.label_set = a.label_set and t.number = a.task
       where a.label_set = $1 and not a.replaced and not a.canceled and t.state = 'labeled' and not t.disagreed
         and ${DECISION} is distinct from 'rejected' and cardinality(a.label) > 0
       group by a.task having count(distinct a.annotator) >= $2 and bool_and(a.annotator <> $3)
     )
     insert into labeling.review (annotation, version, project_id, decision, by, at, reason)
     select a.id, a.version, $4, 'accepted', $5, $6, $7 from agreed g join labeling.annotation a on a.id = g.id and not a.replaced
     returning (select a.task from labeling.annotation a where a.id = annotation and a.version = review.version) as task`,
    [row.id, input.atLeast, by.id, tenant.id, JSON.stringify(by), now, input.reason],
    'accept_agreed',
  );
  const tasks = accepted.flatMap(({ task }) => task ?? []);
  await settleTasks(tx.sql, row.id, tasks);
  const about = { set: row.name, tasks: tasks.length, atLeast: input.atLeast, reason: input.reason };
  if (tasks.length > 0) emitAboutSet(tx, row, eventTypes.labelsAccepted, about);
  const [{ left } = { left: 0 }] = await tx.sql.query<{ left: number }>(
    `select count(*)::int as left from labeling.task where label_set = $1 and state = 'labeled'`,
    [row.id],
    'tasks_left',
  );
  return { accepted: tasks.length, left };
}

async function lockAnnotation(
  tx: Transaction,
  { input, tenant }: CallOf<typeof adjudicateOperation | typeof reviewAnnotationOperation>,
): Promise<{ row: LabelSetRow; annotation: AnnotationRow }> {
  const row = await lockSet(tx.sql, tenant.id, input.set);
  const [annotation] = await versionsOf(tx.sql, row.id, input.annotation, { before: undefined, limit: 1 });
  if (annotation === undefined)
    throw new DaisError('not_found', `There is no annotation ${input.annotation} in ${input.set}.`);
  if (!annotation.canceled) return { row, annotation };
  throw new DaisError('invalid_state', `${annotation.annotator} skipped the task, so there is no label to review.`);
}

function requireNotOwn({ context }: Pick<Call, 'context'>, { annotator }: AnnotationRow): void {
  if (annotator !== context.principal.id) return;
  throw new DaisError('forbidden', 'You created this annotation. Another user must review it.');
}

/** Equal labels of one task can all be accepted. */
async function requireNoOther(tx: Transaction, row: LabelSetRow, { id, task, label }: AnnotationRow): Promise<void> {
  const others = await annotationsOf(tx.sql, row.id, [task]);
  const other = others.find((one) => one.id !== id && one.reviews.at(-1)?.decision === 'accepted');
  if (other === undefined || JSON.stringify(other.label) === JSON.stringify(label)) return;
  throw new DaisError(
    'invalid_state',
    `Task ${task} already has an accepted label (${other.label.join(', ')}). Adjudicate the task, or reject that label first.`,
  );
}

async function writeReviews(
  tx: Transaction,
  call: CallOf<typeof adjudicateOperation | typeof reviewAnnotationOperation>,
  annotations: readonly AnnotationRow[],
  decision: Decision,
  now: number,
): Promise<void> {
  await tx.sql.query(
    `insert into labeling.review (annotation, version, project_id, decision, by, at, reason)
     select id, version, $3, $4, $5, $6, $7 from unnest($1::uuid[], $2::int[]) as n (id, version)`,
    [
      annotations.map(({ id }) => id),
      annotations.map(({ version }) => version),
      tx.projectId,
      decision,
      JSON.stringify(actorOf(call)),
      now,
      call.input.reason,
    ],
    'insert_reviews',
  );
}
