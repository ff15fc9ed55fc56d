import {
  addReviewItemsOperation,
  createReviewQueueOperation,
  deleteReviewQueueOperation,
  listReviewItemsOperation,
  listReviewQueuesOperation,
  readReviewQueueOperation,
  removeReviewItemsOperation,
  reviewTraceOperation,
  updateReviewQueueOperation,
  type ReviewItem,
  type ReviewQueue,
} from '@dais/api/tracking';
import { route, type CallOperation, type Refusals, type Route } from '../route.ts';
import { list } from '../wire/encode.ts';
import { experimentNumber } from '../wire/limits.ts';
import { bool, enumeration, int32, int64, nested, repeated, required, string } from '../wire/message.ts';
import { invalid, missing, MlflowError } from '../wire/mlflow-error.ts';
import { inactive, noExperiment } from './experiment-routes.ts';
import { traceName } from './trace-routes.ts';

const PATH = '/mlflow/review-queues';
const ITEMS = `${PATH}/items` as const;

const queueType = enumeration(['USER', 'CUSTOM']);
const itemType = enumeration(['TRACE']);
const reviewStatus = enumeration(['PENDING', 'COMPLETE', 'DECLINED']);
const queue = {
  queue_id: string,
  experiment_id: string,
  name: string,
  queue_type: queueType,
  created_by: string,
  creation_time_ms: int64,
  last_update_time_ms: int64,
  users: repeated(string),
  schema_ids: repeated(string),
};
const item = {
  queue_id: string,
  item_type: itemType,
  item_id: string,
  status: reviewStatus,
  completed_by: string,
  completed_time_ms: int64,
  creation_time_ms: int64,
  last_update_time_ms: int64,
};
const answered = { review_queue: nested(queue) };
const byId = { queue_id: required(string) };
const named = { experiment_id: required(string), name: required(string) };

export const reviewQueueRoutes: readonly Route[] = [
  route({
    method: 'POST',
    version: 3,
    path: `${PATH}/create`,
    operation: createReviewQueueOperation,
    request: {
      ...named,
      queue_type: required(queueType),
      // The caller is the owner, whatever the request contains.
      created_by: string,
      users: repeated(string),
      schema_ids: repeated(string),
    },
    response: answered,
    answer: async ({ experiment_id: given, name, queue_type: type, users = [], schema_ids: schemas = [] }, call) => {
      const experimentId = experimentNumber(given);
      const made = await call(
        createReviewQueueOperation,
        { experimentId, name, type: native(type), users: [...users], labelSchemaIds: [...schemas] },
        { ...noExperiment(experimentId), ...noPart, ...inactive(experimentId), ...takenName(name) },
      );
      return { review_queue: queueMessage(made) };
    },
  }),
  route({
    method: 'POST',
    version: 3,
    path: `${PATH}/get-or-create-user`,
    operation: createReviewQueueOperation,
    request: { experiment_id: required(string), user: required(string), created_by: string },
    response: answered,
    answer: async ({ experiment_id: given, user }, call) => ({
      review_queue: queueMessage(await queueOfUser(experimentNumber(given), user, call)),
    }),
  }),
  route({
    method: 'GET',
    version: 3,
    path: `${PATH}/get`,
    operation: readReviewQueueOperation,
    request: byId,
    response: answered,
    answer: async ({ queue_id: id }, call) => ({
      review_queue: queueMessage(await call(readReviewQueueOperation, { id: queueName(id) }, noQueue(id))),
    }),
  }),
  route({
    method: 'GET',
    version: 3,
    path: `${PATH}/get-by-name`,
    operation: listReviewQueuesOperation,
    request: named,
    response: answered,
    answer: async ({ experiment_id: given, name }, call) => {
      const experimentId = experimentNumber(given);
      const found = await findByName(experimentId, name, call);
      if (found !== undefined) return { review_queue: queueMessage(found) };
      throw missing(`Review queue with name '${name}' not found for experiment '${experimentId}'.`);
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: `${PATH}/list`,
    operation: listReviewQueuesOperation,
    request: { experiment_id: required(string), user: string, max_results: int32, page_token: string, item_id: string },
    response: { review_queues: repeated(nested(queue)), next_page_token: string },
    answer: async ({ experiment_id: given, user = '', item_id: trace = '', ...page }, call) => {
      const experimentId = experimentNumber(given);
      const found = await call(
        listReviewQueuesOperation,
        {
          experimentId,
          ...(user !== '' && { user }),
          ...(trace !== '' && { traceId: traceName(trace) }),
          ...pageOf(page),
        },
        { ...noExperiment(experimentId), ...inactive(experimentId) },
      );
      return { review_queues: list(found.items.map(queueMessage)), next_page_token: found.nextCursor ?? '' };
    },
  }),
  route({
    method: 'POST',
    version: 3,
    path: `${PATH}/update`,
    operation: updateReviewQueueOperation,
    request: {
      ...byId,
      update_users: bool,
      users: repeated(string),
      update_schema_ids: bool,
      schema_ids: repeated(string),
      name: string,
      new_owner: string,
    },
    response: answered,
    answer: async ({ queue_id: id, users = [], schema_ids: schemas = [], name, new_owner: owner, ...flags }, call) => {
      const changed = await call(
        updateReviewQueueOperation,
        {
          id: queueName(id),
          ...(flags.update_users === true && { users: [...users] }),
          ...(flags.update_schema_ids === true && { labelSchemaIds: [...schemas] }),
          ...(name !== undefined && { name }),
          ...(owner !== undefined && { owner }),
        },
        { ...noPart, ...takenName(name ?? '') },
      );
      return { review_queue: queueMessage(changed) };
    },
  }),
  route({
    method: 'POST',
    version: 3,
    path: `${PATH}/delete`,
    operation: deleteReviewQueueOperation,
    request: byId,
    answer: async ({ queue_id: id }, call) => {
      // A queue that does not exist is deleted.
      if (QUEUE_ID.test(id)) await call(deleteReviewQueueOperation, { id });
      return {};
    },
  }),
  route({
    method: 'POST',
    version: 3,
    path: `${ITEMS}/add`,
    operation: addReviewItemsOperation,
    request: { ...byId, item_type: itemType, item_ids: required(repeated(string)) },
    response: { items: repeated(nested(item)) },
    answer: async ({ queue_id: id, item_ids: traces }, call) => {
      const input = { id: queueName(id), traceIds: traces.map((trace) => traceName(trace.trim())) };
      const { items } = await call(addReviewItemsOperation, input, noPart);
      return { items: list(items.map(itemMessage)) };
    },
  }),
  route({
    method: 'POST',
    version: 3,
    path: `${ITEMS}/remove`,
    operation: removeReviewItemsOperation,
    request: { ...byId, item_ids: required(repeated(string)) },
    answer: async ({ queue_id: id, item_ids: traces }, call) =>
      await call(
        removeReviewItemsOperation,
        { id: queueName(id), traceIds: traces.map((trace) => traceName(trace.trim())) },
        noQueue(id),
      ),
  }),
  route({
    method: 'GET',
    version: 3,
    path: `${ITEMS}/list`,
    operation: listReviewItemsOperation,
    request: { ...byId, status: reviewStatus, max_results: int32, page_token: string },
    response: { items: repeated(nested(item)), next_page_token: string },
    answer: async ({ queue_id: id, status, ...page }, call) => {
      const found = await call(
        listReviewItemsOperation,
        { id: queueName(id), ...(status !== undefined && { status: native(status) }), ...pageOf(page) },
        noQueue(id),
      );
      return { items: list(found.items.map(itemMessage)), next_page_token: found.nextCursor ?? '' };
    },
  }),
  route({
    method: 'POST',
    version: 3,
    path: `${ITEMS}/set-status`,
    operation: reviewTraceOperation,
    request: { ...byId, item_id: required(string), status: required(reviewStatus), completed_by: string },
    response: { item: nested(item) },
    answer: async ({ queue_id: id, item_id: trace, status, completed_by: user }, call) => {
      const changed = await call(
        reviewTraceOperation,
        {
          id: queueName(id),
          traceId: traceName(trace.trim()),
          status: native(status),
          ...(user !== undefined && { completedBy: user }),
        },
        noPart,
      );
      return { item: itemMessage(changed) };
    },
  }),
];

const QUEUE_ID = /^rq-[a-z0-9-]{1,60}$/;

/** @throws MlflowError for an id that no review queue can have. */
function queueName(id: string): string {
  if (QUEUE_ID.test(id)) return id;
  throw missing(`Review queue with id '${id.slice(0, 200)}' not found.`);
}

function noQueue(id: string): Refusals {
  return { not_found: () => missing(`Review queue with id '${id}' not found.`) };
}

/** The message names the missing object: the queue, a question, or a trace. */
const noPart: Refusals = { not_found: ({ message }) => missing(message) };

function takenName(name: string): Refusals {
  const text = `Review queue with name '${name}' already exists (names are case-insensitive).`;
  return { already_exists: () => new MlflowError('RESOURCE_ALREADY_EXISTS', text) };
}

const native = <Name extends string>(name: Name) => name.toLowerCase() as Lowercase<Name>;

function pageOf({ max_results: limit = 100, page_token: cursor = '' }: { max_results?: number; page_token?: string }) {
  if (limit < 1) throw invalid('max_results must be between 1 and 50000.');
  return { limit: Math.min(limit, 1000), ...(cursor !== '' && { cursor }) };
}

async function findByName(experimentId: string, name: string, call: CallOperation): Promise<ReviewQueue | undefined> {
  if (name.length > 250) return undefined;
  const refusals = { ...noExperiment(experimentId), ...inactive(experimentId) };
  return (await call(listReviewQueuesOperation, { experimentId, name }, refusals)).items[0];
}

/** Several clients can ask at the same time. */
async function queueOfUser(experimentId: string, user: string, call: CallOperation): Promise<ReviewQueue> {
  const refusals = { ...noExperiment(experimentId), ...inactive(experimentId), already_exists: () => new Taken() };
  const found = await findByName(experimentId, user, call);
  if (found !== undefined) return requireUserQueue(found);
  try {
    return await call(createReviewQueueOperation, { experimentId, name: user, type: 'user' }, refusals);
  } catch (error) {
    if (!(error instanceof Taken)) throw error;
    const other = await findByName(experimentId, user, call);
    if (other === undefined)
      throw new MlflowError(
        'RESOURCE_CONFLICT',
        'The review queue was deleted in the meantime. Send the request again.',
      );
    return requireUserQueue(other);
  }
}

class Taken extends Error {}

function requireUserQueue(found: ReviewQueue): ReviewQueue {
  if (found.type === 'user') return found;
  const text = `A non-user queue named '${found.name}' already exists; cannot get-or-create a user queue with that name.`;
  throw new MlflowError('RESOURCE_ALREADY_EXISTS', text);
}

function queueMessage(one: ReviewQueue) {
  return {
    queue_id: one.id,
    experiment_id: one.experimentId,
    name: one.name,
    queue_type: one.type.toUpperCase(),
    created_by: one.owner,
    creation_time_ms: one.createdAt,
    last_update_time_ms: one.updatedAt,
    users: list(one.users),
    schema_ids: list(one.labelSchemaIds),
  };
}

function itemMessage(one: ReviewItem) {
  return {
    queue_id: one.queueId,
    item_type: 'TRACE',
    item_id: one.traceId,
    status: one.status.toUpperCase(),
    completed_by: one.completedBy,
    completed_time_ms: one.completedAt,
    creation_time_ms: one.createdAt,
    last_update_time_ms: one.updatedAt,
  };
}
