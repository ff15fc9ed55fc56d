import { z } from 'zod';

/** Lists of traces that people review. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const reviewStatuses = ['pending', 'complete', 'declined'] as const;
export const reviewQueueTypes = ['user', 'custom'] as const;

export const reviewQueueSchema = z.strictObject({
  id: z.string().describe('`rq-` and 32 hexadecimal digits, unless the client chose the id.'),
  experimentId: z.string().describe('Id of the experiment.'),
  name: z.string().describe('Name, unique in the experiment. Case is ignored.'),
  type: z.enum(reviewQueueTypes).describe('`user`: the queue of one reviewer, who is its name.'),
  users: z.array(z.string()).describe('Reviewers, in lower case.'),
  labelSchemaIds: z.array(z.string()).describe('Ids of the questions. A queue of a user has all of the experiment.'),
  owner: z.string().optional().describe('Owner.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
});
export type ReviewQueue = z.infer<typeof reviewQueueSchema>;

export const reviewItemSchema = z.strictObject({
  queueId: z.string().describe('Id of the review queue.'),
  traceId: z.string().describe('Id of the trace.'),
  status: z.enum(reviewStatuses).describe('Status of the review.'),
  completedBy: z.string().optional().describe('Reviewer that completed or declined the review.'),
  completedAt: milliseconds.optional().describe('Time of the completion in milliseconds since 1970-01-01 UTC.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
});
export type ReviewItem = z.infer<typeof reviewItemSchema>;
