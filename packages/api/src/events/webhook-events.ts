import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const webhook = z.string().describe('Its name.');

/** The subject of each is the webhook. No webhook is told of them. */
export const webhookEvents = {
  webhookCreated: {
    type: 'webhook.created',
    v: 1,
    description: 'A webhook was made: what happens in the project is told to an address.',
    data: z.strictObject({
      webhook,
      host: z.string().describe('Host of the address.'),
      events: z.array(z.string()).describe('What it is told of.'),
    }),
  },
  webhookUpdated: {
    type: 'webhook.updated',
    v: 1,
    description: 'A webhook was changed.',
    data: z.strictObject({
      webhook,
      host: z.string().describe('Host of the address now.'),
      fields: z.array(z.string()).describe('What changed; never a value.'),
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
    description: 'A delivery to a webhook was given up.',
    outcome: 'failed',
    data: z.strictObject({
      webhook,
      deliveryId: z.string().describe('Stays the same over all attempts.'),
      event: z.string().describe('What it would have told.'),
      attempts: z.int().describe('How often it was tried.'),
      reason: z.string().describe('Why it was given up.'),
    }),
  },
} as const satisfies Record<string, EventType>;
