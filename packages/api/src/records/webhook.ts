import { z } from 'zod';

/** Who is told of what happens in a project, and what became of each telling. */

export const webhookStatuses = ['active', 'disabled'] as const;
export type WebhookStatus = (typeof webhookStatuses)[number];

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const webhookSchema = z.strictObject({
  id: z.string().describe('Id.'),
  name: z.string().describe('Display name.'),
  description: z.string().describe('May be empty.'),
  url: z.string().describe('Where it is sent to.'),
  format: z.string().describe('In whose words: `dais`, or those of a client that made it.'),
  events: z.array(z.string()).describe('Subscribed events.'),
  status: z
    .enum(webhookStatuses)
    .describe('`disabled`: nothing is sent, and what happens meanwhile is not sent later.'),
  signed: z.boolean().describe('There is a secret, and each request is signed with it.'),
  waiting: z.int().describe('Deliveries that have not arrived yet and are tried again.'),
  dropped: z.int().describe('Events that were not sent, because too many deliveries waited.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
});
export type Webhook = z.infer<typeof webhookSchema>;

export const deliveryStates = ['pending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

export const webhookDeliverySchema = z.strictObject({
  id: z.string().describe('Stays the same over all attempts; the receiver gets it in a header.'),
  event: z.string().describe('Event type.'),
  state: z.enum(deliveryStates).describe('`failed`: it is not tried again.'),
  attempts: z.int().describe('Number of attempts.'),
  responseStatus: z.int().optional().describe('HTTP status of the latest answer.'),
  failure: z.string().optional().describe('Why the latest attempt failed.'),
  createdAt: milliseconds,
  attemptedAt: milliseconds.optional(),
});
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;

export const webhookTestSchema = z.strictObject({
  success: z.boolean().describe('It was answered with a status below 400.'),
  responseStatus: z.int().optional().describe('HTTP status of the answer.'),
  responseBody: z.string().optional().describe('At most the first 64 KiB of the answer.'),
  error: z.string().optional().describe('Why there was no answer.'),
});
export type WebhookTest = z.infer<typeof webhookTestSchema>;
