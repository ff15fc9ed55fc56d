/** Label sets and their guidelines. */
import { DaisError, eventTypes, type Actor, type EventType } from '@dais/api';
import {
  parseDatasetReference,
  type addGuidelineOperation,
  type createLabelSetOperation,
  type deleteLabelSetOperation,
  type Guideline,
  type LabelSet,
  type listGuidelinesOperation,
  type listLabelSetsOperation,
  type readLabelSetOperation,
} from '@dais/api/data';
import type { Call, CallOf } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor, decodePageCursor } from '#kernel/page-cursor.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { LabelsDependencies } from './labels-dependencies.ts';
import { listSetRows, lockSet, presentSet, requireSet, type LabelSetRow } from './set-rows.ts';

/** Maximum number of label sets per project. */
const MAX_SETS = 10_000;

export function actorOf({ context }: Pick<Call, 'context'>): Actor {
  const { type, id } = context.principal;
  return { type, id };
}

export function emitAboutSet(
  tx: Transaction,
  { dataset: uid, dataset_name: name }: Pick<LabelSetRow, 'dataset' | 'dataset_name'>,
  type: EventType,
  data: Readonly<Record<string, unknown>>,
): void {
  tx.emit({ type, projectId: tx.projectId, subject: { kind: 'Dataset', name, uid }, data });
}

/** Creates a label set. @throws DaisError `not_found` (no such dataset or version), `already_exists`. */
export async function createSet(
  tx: Transaction,
  call: CallOf<typeof createLabelSetOperation>,
  dependencies: LabelsDependencies,
): Promise<LabelSet> {
  const { input, tenant } = call;
  const reference = parseDatasetReference(input.dataset);
  if (reference === undefined)
    throw new DaisError('invalid_request', `${input.dataset} is not a reference to a dataset version.`);
  // A moving reference could later resolve to other rows than those that were labeled.
  const version = input.dataset.includes('@') ? await dependencies.resolveVersion(tx, input.dataset) : undefined;
  const resource = await readResource(tx.sql, tenant.id, 'Dataset', reference.dataset);
  if (resource === undefined) throw new DaisError('not_found', `There is no dataset ${reference.dataset}.`);
  const [{ sets } = { sets: 0 }] = await tx.sql.query<{ sets: number }>(
    'select count(*)::int as sets from labeling.label_set where project_id = $1',
    [tenant.id],
    'count_label_sets',
  );
  if (sets >= MAX_SETS) throw new DaisError('quota_exceeded', `A project has at most ${MAX_SETS} label sets.`);
  const [made] = await tx.sql.query<{ id: bigint }>(
    `insert into labeling.label_set (project_id, name, dataset, dataset_name, version, control, level, config, created_at, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning id`,
    [
      tenant.id,
      input.name,
      resource.uid,
      resource.name,
      version === undefined ? null : `${resource.name}@${version.number}`,
      input.control ?? null,
      input.level,
      input.config,
      dependencies.now(),
      JSON.stringify(actorOf(call)),
    ],
    'insert_label_set',
  );
  if (made === undefined) throw new DaisError('already_exists', `Label set ${input.name} already exists.`);
  emitAboutSet(tx, { dataset: resource.uid, dataset_name: resource.name }, eventTypes.labelSetCreated, {
    set: input.name,
  });
  return await readSet(tx, { input: { set: input.name }, tenant });
}

export async function readSet(
  tx: Transaction,
  { input, tenant }: Pick<CallOf<typeof readLabelSetOperation>, 'input' | 'tenant'>,
): Promise<LabelSet> {
  await requireSet(tx.sql, tenant.id, input.set);
  const [row] = await listSetRows(tx.sql, tenant.id, { limit: 1, name: input.set });
  if (row === undefined) throw new DaisError('not_found', `There is no label set ${input.set}.`);
  return presentSet(row);
}

export async function listSets(
  tx: Transaction,
  { input: { limit, cursor }, tenant }: CallOf<typeof listLabelSetsOperation>,
): Promise<{ items: readonly LabelSet[]; nextCursor?: string }> {
  const filter = [tenant.id, 'label sets'];
  const after = decodePageCursor(filter, cursor);
  const rows = await listSetRows(tx.sql, tenant.id, { after, limit: limit + 1 });
  const { page, next } = cutPage(rows, limit, filter, ({ name }) => name);
  return { items: page.map(presentSet), ...next };
}

export async function deleteSet(
  tx: Transaction,
  { input, tenant }: CallOf<typeof deleteLabelSetOperation>,
): Promise<Record<string, never>> {
  const row = await lockSet(tx.sql, tenant.id, input.set);
  await tx.sql.query('delete from labeling.label_set where id = $1', [row.id], 'delete_label_set');
  emitAboutSet(tx, row, eventTypes.labelSetDeleted, { set: row.name, tasks: row.last_task });
  return {};
}

export async function addGuideline(
  tx: Transaction,
  call: CallOf<typeof addGuidelineOperation>,
  now: number,
): Promise<Guideline> {
  const { input, tenant } = call;
  const row = await lockSet(tx.sql, tenant.id, input.set);
  const number = row.guideline + 1;
  const by = actorOf(call);
  await tx.sql.query(
    'insert into labeling.guideline (label_set, number, project_id, text, at, by) values ($1, $2, $3, $4, $5, $6)',
    [row.id, number, tenant.id, input.text, now, JSON.stringify(by)],
    'insert_guideline',
  );
  await tx.sql.query('update labeling.label_set set guideline = $2 where id = $1', [row.id, number], 'set_guideline');
  emitAboutSet(tx, row, eventTypes.labelGuidelineCreated, { set: row.name, guideline: number });
  return { number, text: input.text, at: now, by };
}

export async function listGuidelines(
  tx: Transaction,
  { input: { set, limit, cursor }, tenant }: CallOf<typeof listGuidelinesOperation>,
): Promise<{ items: readonly Guideline[]; nextCursor?: string }> {
  const { id } = await requireSet(tx.sql, tenant.id, set);
  const filter = [String(id), 'guidelines'];
  const before = decodeNumberCursor(filter, cursor);
  const rows = await tx.sql.query<{ number: number; text: string; at: bigint; by: Actor }>(
    `select number, text, at, by from labeling.guideline where label_set = $1 and ($2::bigint is null or number < $2)
     order by number desc limit $3`,
    [id, before ?? null, limit + 1],
    'list_guidelines',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ number }) => String(number));
  return { items: page.map((row) => ({ ...row, at: Number(row.at) })), ...next };
}
