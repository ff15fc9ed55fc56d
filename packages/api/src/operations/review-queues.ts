import { z } from 'zod';
import { traceId } from '#operations/assessment-input.ts';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { reviewItemSchema, reviewQueueSchema, reviewQueueTypes, reviewStatuses } from '#records/review-queue.ts';

const queues = '/api/v1/tracking/reviewqueues' as const;
const ofQueue = () => ({ kind: 'ReviewQueue' });
/** Reviewers change the status of items. */
const REVIEWERS = ['operator', 'editor'] as const;

const id = z
  .string()
  .regex(/^rq-[a-z0-9-]{1,60}$/)
  .describe('Id of the review queue.');
const experimentId = z
  .string()
  .regex(/^\d{1,18}$/)
  .describe('Id of the experiment.');
const name = z.string().min(1).max(250).describe('Name, unique in the experiment. Case is ignored.');
const user = z.string().min(1).max(250);
const users = z.array(user).max(10).describe('Reviewers, at most 10.');
const labelSchemaIds = z
  .array(z.string().regex(/^ls-[a-z0-9-]{1,60}$/))
  .max(100)
  .describe('Ids of the questions.');
const traceIds = z.array(traceId).min(1).max(1000).describe('Ids of traces.');
const page = {
  limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
  cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
};
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });

export const createReviewQueueOperation = defineOperation({
  name: 'reviewQueue.create',
  action: 'reviewQueue:create',
  mode: 'write',
  scope: 'project',
  summary: 'Creates a review queue of an experiment.',
  input: z.strictObject({
    id: id.optional().describe('Id. Default: generated.'),
    experimentId,
    name,
    type: z.enum(reviewQueueTypes).default('custom').describe('`user`: the queue of one reviewer, who is its name.'),
    users: users.default([]),
    labelSchemaIds: labelSchemaIds.default([]),
  }),
  output: reviewQueueSchema,
  target: ofQueue,
  roles: REVIEWERS,
  http: http('POST', queues, { status: 201 }),
});

export const readReviewQueueOperation = defineOperation({
  name: 'reviewQueue.get',
  action: 'reviewQueue:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a review queue.',
  input: z.strictObject({ id }),
  output: reviewQueueSchema,
  target: ofQueue,
  http: http('GET', `${queues}/:id`),
});

export const listReviewQueuesOperation = defineOperation({
  name: 'reviewQueue.list',
  action: 'reviewQueue:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the review queues of an experiment, newest first.',
  input: z.strictObject({
    experimentId,
    name: name.optional().describe('Only the review queue with this name.'),
    user: user.optional().describe('Only review queues of this reviewer.'),
    traceId: traceId.optional().describe('Only review queues with this trace.'),
    ...page,
  }),
  output: z.strictObject({ items: z.array(reviewQueueSchema), nextCursor: z.string().optional() }),
  target: ofQueue,
  http: http('GET', queues, { query: ['experimentId', 'name', 'user', 'traceId', 'limit', 'cursor'] }),
});

export const updateReviewQueueOperation = defineOperation({
  name: 'reviewQueue.update',
  action: 'reviewQueue:update',
  mode: 'write',
  scope: 'project',
  summary: 'Updates a review queue. Its questions do not change while it has traces.',
  input: z.strictObject({
    id,
    name: name.optional(),
    users: users.optional(),
    labelSchemaIds: labelSchemaIds.optional(),
    owner: z.string().min(1).max(250).optional().describe('Owner.'),
  }),
  output: reviewQueueSchema,
  target: ofQueue,
  roles: ['editor'],
  http: http('POST', `${queues}/:id`),
});

export const deleteReviewQueueOperation = defineOperation({
  name: 'reviewQueue.delete',
  action: 'reviewQueue:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a review queue. Traces and assessments stay. Idempotent.',
  input: z.strictObject({ id }),
  output: z.strictObject({}),
  target: ofQueue,
  roles: ['editor'],
  http: http('DELETE', `${queues}/:id`),
});

export const addReviewItemsOperation = defineOperation({
  name: 'reviewQueue.addItems',
  action: 'reviewQueue:review',
  mode: 'write',
  scope: 'project',
  summary: 'Adds traces to a review queue. Traces that are in it keep their status.',
  input: z.strictObject({ id, traceIds }),
  output: z.strictObject({ items: z.array(reviewItemSchema) }),
  target: ofQueue,
  roles: REVIEWERS,
  http: http('POST', `${queues}/:id/items`),
});

export const removeReviewItemsOperation = defineOperation({
  name: 'reviewQueue.removeItems',
  action: 'reviewQueue:review',
  mode: 'write',
  scope: 'project',
  summary: 'Removes traces from a review queue. Idempotent.',
  input: z.strictObject({ id, traceIds }),
  output: z.strictObject({}),
  target: ofQueue,
  roles: REVIEWERS,
  http: http('POST', `${queues}/:id/items/remove`),
});

export const listReviewItemsOperation = defineOperation({
  name: 'reviewQueue.items',
  action: 'reviewQueue:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the traces of a review queue, newest first.',
  input: z.strictObject({
    id,
    status: z.enum(reviewStatuses).optional().describe('Only traces with this status.'),
    ...page,
  }),
  output: z.strictObject({ items: z.array(reviewItemSchema), nextCursor: z.string().optional() }),
  target: ofQueue,
  http: http('GET', `${queues}/:id/items`, { query: ['status', 'limit', 'cursor'] }),
});

export const reviewTraceOperation = defineOperation({
  name: 'reviewQueue.review',
  action: 'reviewQueue:review',
  mode: 'write',
  scope: 'project',
  summary: 'Completes, declines or reopens the review of a trace.',
  input: z.strictObject({
    id,
    traceId,
    status: z.enum(reviewStatuses).describe('Status of the review.'),
    completedBy: user.optional().describe('Reviewer. Required, except to reopen the review.'),
  }),
  output: reviewItemSchema,
  target: ofQueue,
  roles: REVIEWERS,
  http: http('POST', `${queues}/:id/items/:traceId`),
});

export const reviewQueueOperations: readonly Operation[] = [
  createReviewQueueOperation,
  readReviewQueueOperation,
  listReviewQueuesOperation,
  updateReviewQueueOperation,
  deleteReviewQueueOperation,
  addReviewItemsOperation,
  removeReviewItemsOperation,
  listReviewItemsOperation,
  reviewTraceOperation,
];
