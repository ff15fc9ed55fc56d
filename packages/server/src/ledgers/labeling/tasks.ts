/** Reads tasks with their annotations, also in the format of Label Studio. */
import { DaisError } from '@dais/api';
import type {
  Annotation,
  exportLabelsOperation,
  LabelStudioTask,
  LabelTask,
  listAnnotationVersionsOperation,
  listLabelTasksOperation,
} from '@dais/api/data';
import type { Call, CallOf } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { writeTask } from './label-studio.ts';
import type { LabelsDependencies } from './labels-dependencies.ts';
import { requireSet, type LabelSetRow } from './set-rows.ts';
import { annotationsOf, listTaskRows, presentAnnotation, presentTask, versionsOf } from './task-rows.ts';

/** Returns the fields of tasks that are masked for the caller, from masked columns of the dataset. */
export async function hiddenFields(
  tx: Transaction,
  call: Pick<Call, 'authorize' | 'tenant'>,
  { dataset_name: name }: Pick<LabelSetRow, 'dataset_name'>,
  dependencies: Pick<LabelsDependencies, 'masks'>,
): Promise<ReadonlySet<string>> {
  const masks = await dependencies.masks(tx, name);
  if (masks.length === 0 || (await may(call, name, 'dataset:unmask'))) return new Set();
  return new Set(masks.map(({ column }) => column));
}

async function may(
  { authorize, tenant }: Pick<Call, 'authorize' | 'tenant'>,
  name: string,
  action: string,
): Promise<boolean> {
  try {
    await authorize({ kind: 'Dataset', name }, tenant, action);
    return true;
  } catch (error) {
    if (error instanceof DaisError && (error.code === 'forbidden' || error.code === 'not_found')) return false;
    throw error;
  }
}

export async function listTasks(
  tx: Transaction,
  call: CallOf<typeof listLabelTasksOperation>,
  dependencies: LabelsDependencies,
): Promise<{ items: readonly LabelTask[]; nextCursor?: string }> {
  const { set, state, disagreed, limit, cursor } = call.input;
  const row = await requireSet(tx.sql, call.tenant.id, set);
  const hidden = await hiddenFields(tx, call, row, dependencies);
  const filter = [String(row.id), 'tasks', state ?? '', disagreed ?? ''];
  const after = decodeNumberCursor(filter, cursor);
  const query = { after, limit: limit + 1, state, ...(disagreed !== undefined && { disagreed: true }) };
  const rows = await listTaskRows(tx.sql, row.id, query);
  const { page, next } = cutPage(rows, limit, filter, ({ number }) => String(number));
  const annotations = await annotationsOf(
    tx.sql,
    row.id,
    page.map(({ number }) => number),
  );
  return { items: page.map((task) => presentTask(task, annotations, hidden)), ...next };
}

export async function exportLabels(
  tx: Transaction,
  call: CallOf<typeof exportLabelsOperation>,
  dependencies: LabelsDependencies,
): Promise<{ items: readonly LabelStudioTask[]; nextCursor?: string }> {
  const { set, limit, cursor } = call.input;
  const row = await requireSet(tx.sql, call.tenant.id, set);
  const hidden = await hiddenFields(tx, call, row, dependencies);
  const filter = [String(row.id), 'export'];
  const rows = await listTaskRows(tx.sql, row.id, { after: decodeNumberCursor(filter, cursor), limit: limit + 1 });
  const { page, next } = cutPage(rows, limit, filter, ({ number }) => String(number));
  const annotations = await annotationsOf(
    tx.sql,
    row.id,
    page.map(({ number }) => number),
  );
  const items = page.map(({ number, body, predictions }) => {
    const own = annotations.filter(({ task }) => task === number).map((annotation) => annotation.body);
    return writeTask({ body, predictions, annotations: own }, hidden);
  });
  return { items, ...next };
}

export async function listVersions(
  tx: Transaction,
  { input: { set, annotation, limit, cursor }, tenant }: CallOf<typeof listAnnotationVersionsOperation>,
): Promise<{ items: readonly Annotation[]; nextCursor?: string }> {
  const { id } = await requireSet(tx.sql, tenant.id, set);
  const filter = [String(id), annotation];
  const before = decodeNumberCursor(filter, cursor);
  const rows = await versionsOf(tx.sql, id, annotation, { before, limit: limit + 1 });
  if (rows.length === 0 && before === undefined)
    throw new DaisError('not_found', `There is no annotation ${annotation} in ${set}.`);
  const { page, next } = cutPage(rows, limit, filter, ({ version }) => String(version));
  return { items: page.map(presentAnnotation), ...next };
}
