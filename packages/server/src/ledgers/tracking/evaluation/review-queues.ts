/** Operations on review queues: lists of traces of an experiment that people review. */
import { DaisError } from '@dais/api';
import {
  createReviewQueueOperation,
  deleteReviewQueueOperation,
  listReviewQueuesOperation,
  readReviewQueueOperation,
  updateReviewQueueOperation,
  type ReviewQueue,
} from '@dais/api/tracking';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Bind } from '#lib/composed-sql.ts';
import type { SortKey } from '#lib/keyset.ts';
import {
  activeExperiment,
  experimentDeleted,
  publicId,
  requireExperiment,
  type ExperimentRow,
} from '../experiments/experiment-lookup.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { findRows, foreignCursor, rowCondition } from '../search/search-page.ts';
import { reviewItemEntries } from './review-items.ts';
import { FROM_QUEUES, QUEUE_COLUMNS, requireQueue, reviewerOf, type ReviewQueueRow } from './review-queue-rows.ts';

/** The queue of the only user of a server without accounts has this name in clients. */
const RESERVED = 'default';

export function reviewQueueEntries(dependencies: TrackingDependencies): readonly OperationEntry[] {
  const { clock, random } = dependencies;
  return [
    entry(createReviewQueueOperation, async (tx, { input, context }) => {
      const now = clock.now();
      const experiment = await activeExperiment(tx, input.experimentId, now);
      const { name, users, labelSchemaIds } = requireValid(input);
      await requireSchemas(tx, experiment, labelSchemaIds);
      const id = input.id ?? `rq-${random(16).toString('hex')}`;
      const rows = await tx.sql.query(
        `insert into tracking.review_queue
           (project_id, id, experiment, name, type, users, label_schemas, owner, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) on conflict do nothing returning 1`,
        [
          tx.projectId,
          id,
          experiment.id,
          name,
          input.type,
          users,
          labelSchemaIds,
          input.type === 'user' ? name : context.principal.id,
          now,
        ],
        'insert_review_queue',
      );
      if (rows.length === 0) throw taken(name);
      return present(await requireQueue(tx, id));
    }),
    entry(readReviewQueueOperation, async (tx, { input }) => present(await requireQueue(tx, input.id))),
    entry(listReviewQueuesOperation, async (tx, call) => await listQueues(tx, call)),
    entry(updateReviewQueueOperation, async (tx, { input }) => await updateQueue(tx, input, clock.now())),
    entry(deleteReviewQueueOperation, async (tx, { input }) => {
      await tx.sql.query(
        'delete from tracking.review_queue where project_id = $1 and id = $2',
        [tx.projectId, input.id],
        'delete_review_queue',
      );
      return {};
    }),
    ...reviewItemEntries(dependencies),
  ];
}

type Created = CallOf<typeof createReviewQueueOperation>['input'];

function requireValid({ name: given, type, users, labelSchemaIds }: Created) {
  const reviewers = [...new Set(users.map(reviewerOf))];
  if (type === 'custom') {
    return { name: requireName(given), users: reviewers, labelSchemaIds: [...new Set(labelSchemaIds)] };
  }
  const name = reviewerOf(given);
  if (reviewers.some((user) => user !== name) || labelSchemaIds.length > 0) {
    const text =
      'The queue of a user has that user only, and all questions of the experiment. Omit users and labelSchemaIds.';
    throw new DaisError('invalid_request', text);
  }
  return { name, users: [name], labelSchemaIds: [] };
}

function requireName(given: string): string {
  const name = given.trim();
  if (name === '') throw new DaisError('invalid_request', 'The name of the review queue is empty.');
  if (name.toLowerCase() !== RESERVED) return name;
  throw new DaisError('invalid_request', `The name "${name}" is reserved. Choose another name.`);
}

async function requireSchemas(
  { sql }: Transaction,
  experiment: Pick<ExperimentRow, 'id' | 'is_default'>,
  ids: readonly string[],
) {
  const stored = ids.filter((id) => id !== `ls-default-${publicId(experiment)}`);
  if (stored.length === 0) return;
  const rows = await sql.query<{ id: string }>(
    'select id from tracking.label_schema where experiment = $1 and id = any($2) order by id for share',
    [experiment.id, stored],
    'label_schemas_of_queue',
  );
  const found = new Set(rows.map(({ id }) => id));
  const missing = stored.find((id) => !found.has(id));
  if (missing !== undefined) {
    throw new DaisError('not_found', `Experiment ${publicId(experiment)} has no label schema "${missing}".`);
  }
}

async function updateQueue(
  tx: Transaction,
  input: CallOf<typeof updateReviewQueueOperation>['input'],
  now: number,
): Promise<ReviewQueue> {
  const { id, owner, labelSchemaIds } = input;
  const before = await requireQueue(tx, id, 'for update of r');
  if (before.type === 'user') {
    throw new DaisError('invalid_request', 'The queue of a user cannot be changed. Create another review queue.');
  }
  const name = input.name === undefined ? before.name : requireName(input.name);
  if (name.toLowerCase() !== before.name.toLowerCase()) await requireFreeName(tx, before, name);
  if (labelSchemaIds !== undefined) {
    await requireEmpty(tx, before);
    await requireSchemas(tx, { id: before.experiment, is_default: before.is_default }, labelSchemaIds);
  }
  await tx.sql.query(
    `update tracking.review_queue set name = $2, users = coalesce($3::text[], users),
       label_schemas = coalesce($4::text[], label_schemas), owner = coalesce($5, owner), updated_at = greatest(updated_at, $6)
     where num = $1`,
    [
      before.num,
      name,
      input.users === undefined ? null : [...new Set(input.users.map(reviewerOf))],
      labelSchemaIds === undefined ? null : [...new Set(labelSchemaIds)],
      owner?.trim() ?? null,
      now,
    ],
    'update_review_queue',
  );
  return present(await requireQueue(tx, id));
}

async function requireFreeName({ sql }: Transaction, { experiment }: ReviewQueueRow, name: string): Promise<void> {
  const rows = await sql.query(
    'select 1 from tracking.review_queue where experiment = $1 and lower(name) = lower($2)',
    [experiment, name],
    'review_queue_named',
  );
  if (rows.length > 0) throw taken(name);
}

/** Reviewers must not lose questions that they have answered. */
async function requireEmpty({ sql }: Transaction, { num }: ReviewQueueRow): Promise<void> {
  const rows = await sql.query('select 1 from tracking.review_item where queue = $1 limit 1', [num], 'review_item_of');
  if (rows.length === 0) return;
  throw new DaisError(
    'invalid_request',
    'The questions of a review queue do not change while it has traces. Remove the traces first.',
  );
}

const KEYS: readonly SortKey[] = [
  { sql: 'r.created_at', type: 'bigint', ascending: false },
  { sql: 'r.id', type: 'text', ascending: true },
];

async function listQueues(tx: Transaction, { input, rows }: CallOf<typeof listReviewQueuesOperation>) {
  const { limit, cursor, ...of } = input;
  const binding = ['review queues', tx.projectId, of];
  const position = decodePageCursor(binding, cursor);
  const experiment = await requireExperiment(tx, of.experimentId);
  if (experiment.deleted_at !== null) throw experimentDeleted(of.experimentId);
  const query = {
    columns: QUEUE_COLUMNS,
    keys: KEYS,
    of: (bind: Bind) => ({
      from: FROM_QUEUES,
      where: [
        `r.experiment = ${bind(experiment.id)}::int8`,
        of.name !== undefined && `lower(r.name) = lower(${bind(of.name.trim())}::text)`,
        of.user !== undefined && `${bind(reviewerOf(of.user))}::text = any(r.users)`,
        of.traceId !== undefined &&
          `exists (select from tracking.review_item i join tracking.trace t on t.num = i.trace
             where i.queue = r.num and t.id = ${bind(of.traceId)}::text)`,
        rowCondition(rows, bind),
      ],
    }),
  };
  const found = await findRows<ReviewQueueRow>(tx, query, position, limit + 1);
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, (row) => row.position);
  return { items: page.map(present), ...next };
}

function taken(name: string): DaisError {
  return new DaisError(
    'already_exists',
    `Review queue "${name}" already exists. Case is ignored. Choose another name.`,
  );
}

function present(row: ReviewQueueRow): ReviewQueue {
  return {
    id: row.id,
    experimentId: publicId({ id: row.experiment, is_default: row.is_default }),
    name: row.name,
    type: row.type,
    users: row.users.toSorted(),
    labelSchemaIds: row.label_schemas.toSorted(),
    ...(row.owner !== null && { owner: row.owner }),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}
