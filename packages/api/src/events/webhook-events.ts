import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const webhook = z.string().describe('Name.');

/** The subject of each is the webhook. Webhooks do not receive them. */
export const webhookEvents = {
  webhookCreated: {
    type: 'webhook.created',
    v: 1,
    description: 'A webhook was created.',
    data: z.strictObject({
      webhook,
      host: z.string().describe('Host of the URL.'),
      events: z.array(z.string()).describe('Subscribed events.'),
    }),
  },
  webhookUpdated: {
    type: 'webhook.updated',
    v: 1,
    description: 'A webhook was updated.',
    data: z.strictObject({
      webhook,
      host: z.string().describe('New host of the URL.'),
      fields: z.array(z.string()).describe('Changed fields, without values.'),
    }),
  },
  webhookDeleted: {
    type: 'webhook.deleted',
    v: 1,
    description: 'A webhook was deleted.',
    data: z.strictObject({ webhook }),
  },
  webhookFailed: {
    type: 'webhook.failed',
    v: 1,
    description: 'A webhook delivery failed permanently.',
    outcome: 'failed',
    data: z.strictObject({
      webhook,
      deliveryId: z.string().describe('Id, equal for all attempts.'),
      event: z.string().describe('Event type.'),
      attempts: z.int().describe('Number of attempts.'),
      reason: z.string().describe('Reason of the failure.'),
    }),
  },
} as const satisfies Record<string, EventType>;
