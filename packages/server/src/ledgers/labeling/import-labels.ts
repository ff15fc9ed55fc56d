/** Imports the export of a labeling tool. Idempotent. */
import { DaisError, eventTypes } from '@dais/api';
import type { ImportedLabels, importLabelsOperation } from '@dais/api/data';
import type { CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { readTask, type ReadAnnotation, type ReadTask } from './label-studio.ts';
import { lockSet, type LabelSetRow } from './set-rows.ts';
import { actorOf, emitAboutSet } from './sets.ts';
import { settleTasks } from './task-state.ts';

/** Maximum number of tasks of a label set. */
const MAX_TASKS = 1_000_000;

/** Imports tasks. @throws DaisError `not_found`, `invalid_request` with the task */
export async function importLabels(
  tx: Transaction,
  call: CallOf<typeof importLabelsOperation>,
  now: number,
): Promise<ImportedLabels> {
  const { input, tenant } = call;
  const row = await lockSet(tx.sql, tenant.id, input.set);
  const guideline = input.guideline ?? row.guideline;
  if (guideline > row.guideline) {
    throw new DaisError(
      'invalid_request',
      `Label set ${row.name} has ${row.guideline} guideline versions. Version ${guideline} does not exist.`,
    );
  }
  const tasks = input.tasks.map((task) =>
    readTask(task, { control: row.control ?? undefined, annotators: input.annotators }),
  );
  requireEachOnce(tasks);
  const { numbers, made } = await writeTasks(tx, row, tasks);
  const counts = await writeAnnotations(tx, row, tasks, numbers, { guideline, now, by: actorOf(call) });
  await settleTasks(tx.sql, row.id, [...numbers.values()]);
  const data = { tasks: made, annotations: counts.annotations, replaced: counts.replaced };
  if (made + counts.annotations > 0)
    emitAboutSet(tx, row, eventTypes.labelsImported, { set: row.name, ...data, guideline });
  return { ...data, unchanged: counts.unchanged };
}

function requireEachOnce(tasks: readonly ReadTask[]): void {
  const seen = new Set<string>();
  for (const { external, annotations } of tasks) {
    if (seen.has(external)) throw new DaisError('invalid_request', `Two tasks have the id ${external}.`);
    seen.add(external);
    const ids = new Set(annotations.map((annotation) => annotation.external));
    if (ids.size === annotations.length) continue;
    throw new DaisError('invalid_request', `Two annotations of task ${external} have the same id.`);
  }
}

async function writeTasks(
  tx: Transaction,
  row: LabelSetRow,
  tasks: readonly ReadTask[],
): Promise<{ numbers: ReadonlyMap<string, number>; made: number }> {
  const externals = tasks.map(({ external }) => external);
  const known = await tx.sql.query<{ external: string; number: number }>(
    'select external, number from labeling.task where label_set = $1 and external = any($2::text[])',
    [row.id, externals],
    'known_label_tasks',
  );
  const numbers = new Map(known.map(({ external, number }) => [external, number]));
  const unseen = tasks.filter(({ external }) => !numbers.has(external));
  if (row.last_task + unseen.length > MAX_TASKS) {
    throw new DaisError('quota_exceeded', `A label set has at most ${MAX_TASKS} tasks.`);
  }
  for (const [at, { external }] of unseen.entries()) numbers.set(external, row.last_task + at + 1);
  await tx.sql.query(
    `insert into labeling.task as t (label_set, number, project_id, external, body, predictions)
     select $1, number, $2, external, body, predictions
     from unnest($3::int[], $4::text[], $5::json[], $6::json[]) as n (number, external, body, predictions)
     on conflict (label_set, external) do update set predictions = excluded.predictions
       where t.predictions::text <> excluded.predictions::text and excluded.predictions::text <> '[]'`,
    [
      row.id,
      tx.projectId,
      externals.map((external) => numbers.get(external)),
      externals,
      tasks.map(({ body }) => JSON.stringify(body)),
      tasks.map(({ predictions }) => JSON.stringify(predictions)),
    ],
    'insert_label_tasks',
  );
  await tx.sql.query(
    'update labeling.label_set set last_task = last_task + $2 where id = $1',
    [row.id, unseen.length],
    'count_label_tasks',
  );
  return { numbers, made: unseen.length };
}

interface Brought {
  readonly guideline: number;
  readonly now: number;
  readonly by: { readonly type: string; readonly id: string };
}

interface KnownAnnotation {
  readonly id: string;
  readonly version: number;
  readonly task: number;
  readonly external: string;
  readonly position: number;
  readonly digest: string;
}

async function writeAnnotations(
  tx: Transaction,
  row: LabelSetRow,
  tasks: readonly ReadTask[],
  numbers: ReadonlyMap<string, number>,
  { guideline, now, by }: Brought,
): Promise<{ annotations: number; replaced: number; unchanged: number }> {
  const known = await tx.sql.query<KnownAnnotation>(
    `select id, version, task, external, position, digest from labeling.annotation
     where label_set = $1 and task = any($2::int[]) and not replaced`,
    [row.id, [...numbers.values()]],
    'known_annotations',
  );
  const before = new Map(known.map((one) => [`${one.task} ${one.external}`, one]));
  const arrived = tasks.flatMap(({ external, annotations }) => {
    const task = numbers.get(external) ?? 0;
    return annotations.map((annotation, place) => ({
      task,
      place,
      annotation,
      known: before.get(`${task} ${annotation.external}`),
    }));
  });
  const fresh = arrived.filter((one) => one.known?.digest !== one.annotation.digest);
  const replaced = fresh.flatMap((one) => one.known ?? []);
  await tx.sql.query(
    'update labeling.annotation set replaced = true where not replaced and id = any($1::uuid[])',
    [replaced.map(({ id }) => id)],
    'replace_annotations',
  );
  const value = (of: (annotation: ReadAnnotation) => unknown) => fresh.map(({ annotation }) => of(annotation));
  await tx.sql.query(
    `insert into labeling.annotation (id, version, label_set, task, project_id, external, position, annotator, guideline, label, canceled,
       ground_truth, seconds, labeled_at, imported_at, imported_by, body, digest)
     select id, version, $1, task, $2, external, position, annotator, $3, (select coalesce(array_agg(v order by o), '{}')
         from json_array_elements_text(label) with ordinality as l (v, o)), canceled, ground_truth, seconds, labeled_at, $4, $5,
       body, digest
     from unnest($6::uuid[], $7::int[], $8::int[], $9::text[], $10::text[], $11::json[], $12::boolean[], $13::boolean[],
       $14::float8[], $15::bigint[], $16::json[], $17::text[], $18::int[])
       as n (id, version, task, external, annotator, label, canceled, ground_truth, seconds, labeled_at, body, digest, position)`,
    [
      row.id,
      tx.projectId,
      guideline,
      now,
      JSON.stringify(by),
      fresh.map((one) => one.known?.id ?? uuidv7(now)),
      fresh.map((one) => (one.known?.version ?? 0) + 1),
      fresh.map((one) => one.task),
      value(({ external }) => external),
      value(({ annotator }) => annotator),
      value(({ label }) => JSON.stringify(label)),
      value(({ canceled }) => canceled),
      value(({ groundTruth }) => groundTruth),
      value(({ seconds }) => seconds ?? null),
      value(({ labeledAt }) => labeledAt ?? null),
      value(({ body }) => JSON.stringify(body)),
      value(({ digest }) => digest),
      fresh.map((one) => one.known?.position ?? one.place),
    ],
    'insert_annotations',
  );
  return { annotations: fresh.length, replaced: replaced.length, unchanged: arrived.length - fresh.length };
}
