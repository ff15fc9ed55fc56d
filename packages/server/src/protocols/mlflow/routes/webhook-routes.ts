import {
  createWebhookOperation,
  deleteWebhookOperation,
  listWebhooksOperation,
  readWebhookOperation,
  testWebhookOperation,
  updateWebhookOperation,
  type Webhook,
} from '@dais/api/webhooks';
import { route, type CallOperation, type Refusals, type Route } from '../route.ts';
import { list, pageToken } from '../wire/encode.ts';
import { bool, enumeration, int32, int64, nested, repeated, required, string } from '../wire/message.ts';
import { invalid, missing } from '../wire/mlflow-error.ts';
import { EXAMPLES } from '#protocols/mlflow/webhooks/webhook-examples.ts';
import { WEBHOOK_FORMAT } from '#protocols/mlflow/webhooks/webhook-format.ts';

const ENTITIES = [
  'REGISTERED_MODEL',
  'MODEL_VERSION',
  'MODEL_VERSION_TAG',
  'MODEL_VERSION_ALIAS',
  'PROMPT',
  'PROMPT_VERSION',
  'PROMPT_TAG',
  'PROMPT_VERSION_TAG',
  'PROMPT_ALIAS',
  'BUDGET_POLICY',
] as const;
const ACTIONS = ['CREATED', 'UPDATED', 'DELETED', 'SET', 'EXCEEDED'] as const;
const event = { entity: enumeration(ENTITIES), action: enumeration(ACTIONS) };
const status = enumeration(['ACTIVE', 'DISABLED']);
const webhook = {
  webhook_id: string,
  name: string,
  description: string,
  url: string,
  events: repeated(nested(event)),
  status,
  creation_timestamp: int64,
  last_updated_timestamp: int64,
};
const answered = { webhook: nested(webhook) };
const byId = { webhook_id: required(string) };

interface Sent {
  readonly entity?: (typeof ENTITIES)[number];
  readonly action?: (typeof ACTIONS)[number];
}

const PATH = '/mlflow/webhooks';
const ONE = `${PATH}/:webhook_id` as const;
const MOST = 1000;

export const webhookRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: PATH,
    operation: createWebhookOperation,
    request: {
      name: required(string),
      url: required(string),
      events: required(repeated(nested(event))),
      description: string,
      secret: string,
      status,
    },
    response: answered,
    answer: async ({ name, url, events, description = '', secret = '', status: requested }, call) => {
      const made = await call(createWebhookOperation, {
        name: requireName(name),
        url: requireUrl(url),
        events: events.map(eventName),
        description,
        format: WEBHOOK_FORMAT,
        ...(secret !== '' && { secret }),
        ...(requested !== undefined && { status: nativeStatus(requested) }),
      });
      return { webhook: webhookMessage(made) };
    },
  }),
  route({
    method: 'GET',
    path: PATH,
    operation: listWebhooksOperation,
    request: { max_results: int32, page_token: string },
    response: { webhooks: repeated(nested(webhook)), next_page_token: string },
    answer: async ({ max_results: most = 0, page_token: cursor = '' }, call) => {
      const limit = most === 0 ? 100 : most;
      if (limit < 1 || limit > MOST) throw invalid('max_results must be between 1 and 1000.');
      // Clients cannot read events that they do not know: webhooks of other formats are not theirs.
      const input = { format: WEBHOOK_FORMAT, limit, ...(cursor !== '' && { cursor }) };
      const { items, nextCursor } = await call(listWebhooksOperation, input);
      return { webhooks: list(items.map(webhookMessage)), ...pageToken(nextCursor) };
    },
  }),
  route({
    method: 'GET',
    path: ONE,
    operation: readWebhookOperation,
    request: byId,
    response: answered,
    answer: async ({ webhook_id: id }, call) => ({ webhook: webhookMessage(await read(id, call)) }),
  }),
  route({
    method: 'PATCH',
    path: ONE,
    operation: updateWebhookOperation,
    request: {
      ...byId,
      name: string,
      description: string,
      url: string,
      events: repeated(nested(event)),
      secret: string,
      status,
    },
    response: answered,
    answer: async ({ webhook_id: id, events = [], description, secret, ...values }, call) => {
      await read(id, call);
      const { name = '', url = '', status: requested } = values;
      const changed = await call(
        updateWebhookOperation,
        {
          id,
          ...(name !== '' && { name: requireName(name) }),
          ...(url !== '' && { url: requireUrl(url) }),
          ...(events.length > 0 && { events: events.map(eventName) }),
          ...(description !== undefined && { description }),
          ...(secret !== undefined && { secret }),
          ...(requested !== undefined && { status: nativeStatus(requested) }),
        },
        unknown(id),
      );
      return { webhook: webhookMessage(changed) };
    },
  }),
  route({
    method: 'DELETE',
    path: ONE,
    operation: deleteWebhookOperation,
    request: byId,
    answer: async ({ webhook_id: id }, call) => {
      await read(id, call);
      return await call(deleteWebhookOperation, { id }, unknown(id));
    },
  }),
  route({
    method: 'POST',
    path: `${ONE}/test`,
    operation: testWebhookOperation,
    request: { ...byId, event: nested(event) },
    response: {
      result: nested({ success: bool, response_status: int32, response_body: string, error_message: string }),
    },
    answer: async ({ webhook_id: id, event: requested }, call) => {
      await read(id, call);
      const input = { id, ...(requested !== undefined && { event: eventName(requested) }) };
      const { success, responseStatus, responseBody, error } = await call(testWebhookOperation, input, unknown(id));
      const result = {
        success,
        response_status: responseStatus,
        response_body: responseBody,
        error_message: error === undefined ? undefined : `Failed to test webhook: ${error}`,
      };
      return { result };
    },
  }),
];

async function read(id: string, call: CallOperation): Promise<Webhook> {
  const found = await call(readWebhookOperation, { id: id.slice(0, 64) }, unknown(id));
  if (found.format !== WEBHOOK_FORMAT) throw noWebhook(id);
  return found;
}

const noWebhook = (id: string) => missing(`Webhook with ID ${id.slice(0, 200)} not found.`);
const unknown = (id: string): Refusals => ({ not_found: () => noWebhook(id) });

function webhookMessage(of: Webhook) {
  return {
    webhook_id: of.id,
    name: of.name,
    description: of.description === '' ? undefined : of.description,
    url: of.url,
    events: of.events.map((name) => {
      const [entity = '', action = ''] = name.split('.');
      return { entity: entity.toUpperCase(), action: action.toUpperCase() };
    }),
    status: of.status.toUpperCase(),
    creation_timestamp: of.createdAt,
    last_updated_timestamp: of.updatedAt,
  };
}

/** @throws MlflowError with the actions that there are. */
function eventName({ entity = 'REGISTERED_MODEL', action = 'CREATED' }: Sent): string {
  const name = `${entity.toLowerCase()}.${action.toLowerCase()}`;
  if (name in EXAMPLES) return name;
  // A client that gets a success would wait for events that never occur.
  if (name === 'budget_policy.exceeded') {
    throw invalid('Dais has no budget policies. Remove budget_policy.exceeded from the events.');
  }
  const valid = Object.keys(EXAMPLES)
    .filter((one) => one.startsWith(`${entity.toLowerCase()}.`))
    .map((one) => `'${one.slice(one.indexOf('.') + 1)}'`);
  throw invalid(
    `Invalid action '${action.toLowerCase()}' for entity '${entity.toLowerCase()}'. Valid actions are: [${valid.toSorted().join(', ')}]`,
  );
}

function nativeStatus(requested: 'ACTIVE' | 'DISABLED') {
  return requested === 'ACTIVE' ? 'active' : 'disabled';
}

function requireName(name: string): string {
  if (/^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/i.test(name)) return name;
  throw invalid(
    `Webhook name '${name.slice(0, 200)}' is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).`,
  );
}

function requireUrl(url: string): string {
  if (url.trim() === '') throw invalid(`Webhook URL cannot be empty or just whitespace: '${url}'`);
  const shown = url.slice(0, 200);
  if (!URL.canParse(url)) throw invalid(`Invalid webhook URL '${shown}'.`);
  const { protocol } = new URL(url);
  // The operation decides whether http is permitted.
  if (protocol === 'https:' || protocol === 'http:') return url;
  throw invalid(`Invalid webhook URL scheme: '${protocol.slice(0, -1)}'. Allowed schemes are: https.`);
}
