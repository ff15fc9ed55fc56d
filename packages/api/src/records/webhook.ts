import { z } from 'zod';

/** Webhooks of a project, and their deliveries. */

export const webhookStatuses = ['active', 'disabled'] as const;
export type WebhookStatus = (typeof webhookStatuses)[number];

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const webhookSchema = z.strictObject({
  id: z.string().describe('Id.'),
  name: z.string().describe('Display name.'),
  description: z.string().describe('Text; can be empty.'),
  url: z.string().describe('Where it is sent to.'),
  format: z.string().describe('Payload format: `dais`, or the format of the client that created the webhook.'),
  events: z.array(z.string()).describe('Subscribed events.'),
  status: z.enum(webhookStatuses).describe('`disabled`: events are neither sent nor stored for later.'),
  signed: z.boolean().describe('Whether a secret signs each request.'),
  waiting: z.int().describe('Number of pending deliveries, including retries.'),
  dropped: z.int().describe('Number of events that were not sent because too many deliveries were pending.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
});
export type Webhook = z.infer<typeof webhookSchema>;

export const deliveryStates = ['pending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

export const webhookDeliverySchema = z.strictObject({
  id: z.string().describe('Id, equal for all attempts and sent in a header.'),
  event: z.string().describe('Event type.'),
  state: z.enum(deliveryStates).describe('`failed`: no more retries.'),
  attempts: z.int().describe('Number of attempts.'),
  responseStatus: z.int().optional().describe('HTTP status of the latest response.'),
  failure: z.string().optional().describe('Error of the latest attempt.'),
  createdAt: milliseconds,
  attemptedAt: milliseconds.optional(),
});
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;

export const webhookTestSchema = z.strictObject({
  success: z.boolean().describe('Whether the response had a status below 400.'),
  responseStatus: z.int().optional().describe('HTTP status of the response.'),
  responseBody: z.string().optional().describe('Response body, at most 64 KiB.'),
  error: z.string().optional().describe('Reason why there was no response.'),
});
export type WebhookTest = z.infer<typeof webhookTestSchema>;
