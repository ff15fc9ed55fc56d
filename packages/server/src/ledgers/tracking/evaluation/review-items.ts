/** Operations on the traces of review queues. */
import { DaisError } from '@dais/api';
import {
  addReviewItemsOperation,
  listReviewItemsOperation,
  removeReviewItemsOperation,
  reviewTraceOperation,
  type ReviewItem,
} from '@dais/api/tracking';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Bind } from '#lib/composed-sql.ts';
import type { SortKey } from '#lib/keyset.ts';
import { publicId } from '../experiments/experiment-lookup.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { findRows, foreignCursor } from '../search/search-page.ts';
import { requireQueue, reviewerOf } from './review-queue-rows.ts';

interface ReviewItemRow {
  readonly trace_id: string;
  readonly status: ReviewItem['status'];
  readonly completed_by: string | null;
  readonly completed_at: bigint | null;
  readonly created_at: bigint;
  readonly updated_at: bigint;
}

const COLUMNS = 't.id as trace_id, r.status, r.completed_by, r.completed_at, r.created_at, r.updated_at';
const FROM = 'tracking.review_item r join tracking.trace t on t.num = r.trace';
const MOST_ITEMS = 100_000;

export function reviewItemEntries({ clock }: Pick<TrackingDependencies, 'clock'>): readonly OperationEntry[] {
  return [
    entry(addReviewItemsOperation, async (tx, { input }) => await addItems(tx, input, clock.now())),
    entry(removeReviewItemsOperation, async (tx, { input: { id, traceIds } }) => {
      const queue = await requireQueue(tx, id);
      await tx.sql.query(
        `delete from tracking.review_item where queue = $1 and trace in (
           select num from tracking.trace where project_id = $2 and id = any($3))`,
        [queue.num, tx.projectId, traceIds],
        'remove_review_items',
      );
      return {};
    }),
    entry(listReviewItemsOperation, async (tx, { input }) => await listItems(tx, input)),
    entry(reviewTraceOperation, async (tx, { input }) => await setStatus(tx, input, clock.now())),
  ];
}

async function addItems(
  tx: Transaction,
  { id, traceIds }: CallOf<typeof addReviewItemsOperation>['input'],
  now: number,
): Promise<{ items: ReviewItem[] }> {
  const queue = await requireQueue(tx, id, 'for update of r');
  const ids = [...new Set(traceIds)];
  const traces = await tx.sql.query<{ id: string; num: bigint }>(
    'select id, num from tracking.trace where project_id = $1 and experiment = $2 and id = any($3) order by id for key share',
    [tx.projectId, queue.experiment, ids],
    'traces_to_review',
  );
  const nums = new Map(traces.map((trace) => [trace.id, trace.num]));
  const missing = ids.filter((one) => !nums.has(one));
  if (missing.length > 0) {
    throw new DaisError(
      'not_found',
      `Experiment ${publicId({ id: queue.experiment, is_default: queue.is_default })} has no trace ${missing.slice(0, 5).join(', ')}.`,
    );
  }
  await tx.sql.query(
    `insert into tracking.review_item (queue, trace, project_id, status, created_at, updated_at)
     select $1, num, $2, 'pending', $3, $3 from unnest($4::bigint[]) u (num) on conflict do nothing`,
    [queue.num, tx.projectId, now, [...nums.values()]],
    'add_review_items',
  );
  const [count] = await tx.sql.query<{ n: number }>(
    'select count(*)::int as n from tracking.review_item where queue = $1',
    [queue.num],
    'count_review_items',
  );
  if ((count?.n ?? 0) > MOST_ITEMS) {
    throw new DaisError('too_large', `A review queue can have at most ${MOST_ITEMS} traces. Remove some first.`);
  }
  const rows = await tx.sql.query<ReviewItemRow>(
    `select ${COLUMNS} from ${FROM} where r.queue = $1 and t.id = any($2) order by t.id`,
    [queue.num, ids],
    'review_items_by_trace',
  );
  const byTrace = new Map(rows.map((row) => [row.trace_id, row]));
  return { items: ids.flatMap((one) => present(id, byTrace.get(one))) };
}

const KEYS: readonly SortKey[] = [
  { sql: 'r.created_at', type: 'bigint', ascending: false },
  { sql: 't.id', type: 'text', ascending: true },
];

async function listItems(tx: Transaction, input: CallOf<typeof listReviewItemsOperation>['input']) {
  const { id, status, limit, cursor } = input;
  const binding = ['review items', tx.projectId, id, status];
  const position = decodePageCursor(binding, cursor);
  const queue = await requireQueue(tx, id);
  const query = {
    columns: COLUMNS,
    keys: KEYS,
    of: (bind: Bind) => ({
      from: FROM,
      where: [`r.queue = ${bind(queue.num)}::int8`, status !== undefined && `r.status = ${bind(status)}::text`],
    }),
  };
  const found = await findRows<ReviewItemRow>(tx, query, position, limit + 1);
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, (row) => row.position);
  return { items: page.flatMap((row) => present(id, row)), ...next };
}

/** A repeated status keeps the first reviewer. */
async function setStatus(
  tx: Transaction,
  { id, traceId, status, completedBy }: CallOf<typeof reviewTraceOperation>['input'],
  now: number,
): Promise<ReviewItem> {
  if ((status === 'pending') !== (completedBy === undefined)) {
    const text =
      status === 'pending'
        ? 'A reopened review has no reviewer. Omit completedBy.'
        : `completedBy is required for the status ${status}. Name the reviewer.`;
    throw new DaisError('invalid_request', text);
  }
  const reviewer = completedBy === undefined ? null : reviewerOf(completedBy);
  const queue = await requireQueue(tx, id);
  await tx.sql.query(
    `update tracking.review_item r set status = $3, completed_by = $4, completed_at = $5, updated_at = greatest(r.updated_at, $6)
     from tracking.trace t where t.num = r.trace and r.queue = $1 and t.id = $2 and r.status <> $3`,
    [queue.num, traceId, status, reviewer, reviewer === null ? null : now, now],
    'set_review_status',
  );
  const [row] = await tx.sql.query<ReviewItemRow>(
    `select ${COLUMNS} from ${FROM} where r.queue = $1 and t.id = $2`,
    [queue.num, traceId],
    'review_item',
  );
  const [item] = present(id, row);
  if (item !== undefined) return item;
  throw new DaisError('not_found', `Trace "${traceId}" is not in review queue "${id}".`);
}

function present(queueId: string, row: ReviewItemRow | undefined): ReviewItem[] {
  if (row === undefined) return [];
  return [
    {
      queueId,
      traceId: row.trace_id,
      status: row.status,
      ...(row.completed_by !== null && { completedBy: row.completed_by }),
      ...(row.completed_at !== null && { completedAt: Number(row.completed_at) }),
      createdAt: Number(row.created_at),
      updatedAt: Number(row.updated_at),
    },
  ];
}
