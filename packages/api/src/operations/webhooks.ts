import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import {
  deliveryStates,
  webhookDeliverySchema,
  webhookSchema,
  webhookStatuses,
  webhookTestSchema,
} from '#records/webhook.ts';

const webhooks = '/api/v1/webhooks' as const;
/** A webhook sends events of the project to another system. */
const EDITORS = ['editor'] as const;
const ofWebhook = () => ({ kind: 'Webhook' });

const id = z.string().min(1).max(64).describe('Id of the webhook.');
const event = z.string().min(1).max(100);
const fields = {
  name: z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/)
    .describe('Name of 1 to 63 letters, digits, `.`, `_` and `-`; starts and ends with a letter or digit.'),
  description: z.string().max(5000),
  url: z.string().min(1).max(2048).describe('URL: https; http only for hosts in `outbound.allowHosts`.'),
  events: z.array(event).min(1).max(100).describe('Event types: `run.finished`, `model.alias.set`, …'),
  secret: z
    .string()
    .max(1024)
    .describe('Secret that signs each request. It is encrypted and never returned; empty: none.'),
  status: z.enum(webhookStatuses),
};
const page = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().optional() });
const paging = {
  limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
  cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
};
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });

export const createWebhookOperation = defineOperation({
  name: 'webhook.create',
  action: 'webhook:write',
  mode: 'write',
  scope: 'project',
  summary: 'Creates a webhook for events of the project.',
  input: z.strictObject({
    name: fields.name,
    description: fields.description.default(''),
    url: fields.url,
    format: z.string().min(1).max(63).default('dais').describe('Payload format.'),
    events: fields.events,
    secret: fields.secret.optional(),
    status: fields.status.default('active'),
  }),
  output: webhookSchema,
  target: ofWebhook,
  roles: EDITORS,
  http: http('POST', webhooks, { status: 201 }),
});

export const readWebhookOperation = defineOperation({
  name: 'webhook.get',
  action: 'webhook:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a webhook.',
  input: z.strictObject({ id }),
  output: webhookSchema,
  target: ofWebhook,
  http: http('GET', `${webhooks}/:id`),
});

export const listWebhooksOperation = defineOperation({
  name: 'webhook.list',
  action: 'webhook:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the webhooks of the project, newest first.',
  input: z.strictObject({ format: z.string().max(63).optional().describe('Only of this format.'), ...paging }),
  output: page(webhookSchema),
  target: ofWebhook,
  http: http('GET', webhooks, { query: ['format', 'limit', 'cursor'] }),
});

export const updateWebhookOperation = defineOperation({
  name: 'webhook.update',
  action: 'webhook:write',
  mode: 'write',
  scope: 'project',
  summary: 'Updates a webhook. Omitted fields do not change.',
  input: z.strictObject({
    id,
    name: fields.name.optional(),
    description: fields.description.optional(),
    url: fields.url.optional(),
    events: fields.events.optional(),
    secret: fields.secret.optional(),
    status: fields.status.optional(),
  }),
  output: webhookSchema,
  target: ofWebhook,
  roles: EDITORS,
  http: http('POST', `${webhooks}/:id`),
});

export const deleteWebhookOperation = defineOperation({
  name: 'webhook.delete',
  action: 'webhook:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a webhook with its deliveries. Pending deliveries are not sent.',
  input: z.strictObject({ id }),
  output: z.strictObject({}),
  target: ofWebhook,
  roles: EDITORS,
  http: http('DELETE', `${webhooks}/:id`),
});

export const testWebhookOperation = defineOperation({
  name: 'webhook.test',
  action: 'webhook:test',
  mode: 'write',
  scope: 'project',
  summary: 'Sends a test event and returns the response.',
  input: z.strictObject({ id, event: event.optional().describe('Default: its first subscribed event.') }),
  output: webhookTestSchema,
  target: ofWebhook,
  roles: EDITORS,
  http: http('POST', `${webhooks}/:id/test`),
});

export const listWebhookDeliveriesOperation = defineOperation({
  name: 'webhook.deliveries',
  action: 'webhook:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the deliveries of a webhook, newest first.',
  input: z.strictObject({ id, state: z.enum(deliveryStates).optional(), ...paging }),
  output: page(webhookDeliverySchema),
  target: ofWebhook,
  http: http('GET', `${webhooks}/:id/deliveries`, { query: ['state', 'limit', 'cursor'] }),
});

export const webhookOperations: readonly Operation[] = [
  createWebhookOperation,
  readWebhookOperation,
  listWebhooksOperation,
  updateWebhookOperation,
  deleteWebhookOperation,
  testWebhookOperation,
  listWebhookDeliveriesOperation,
];
