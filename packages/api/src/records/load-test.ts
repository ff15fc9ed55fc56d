import { z } from 'zod';

/** How an endpoint answers many requests at once. */

const milliseconds = z.number().nullable();

export const loadTestSchema = z.strictObject({
  endpoint: z.string().describe('Name of the Endpoint.'),
  state: z.enum(['running', 'done', 'stopped', 'failed']).describe('`stopped`: before its time, by whoever began it.'),
  message: z.string().describe('Error message.'),
  connections: z.int().describe('Requests at once.'),
  rate: z.number().optional().describe('Requests each second that were wanted; absent: as many as are answered.'),
  seconds: z.number().describe('How long it has lasted.'),
  requests: z.int().describe('Answered or failed.'),
  failed: z.int().describe('Not answered with 200.'),
  late: z.int().describe('Of a rate, those that began late because all connections waited for answers.'),
  requestsPerSecond: z.number().describe('Answered or failed, each second.'),
  p50Ms: milliseconds.describe('Median of the latency; null before the first answer.'),
  p90Ms: milliseconds.describe('90th percentile of the latency.'),
  p99Ms: milliseconds.describe('99th percentile of the latency.'),
  cpuMicrosPerRequest: z
    .number()
    .nullable()
    .describe(
      'CPU time of the gateway and the processes of its models for each request; null until it is done, or not known.',
    ),
  failure: z.string().optional().describe('What the first one that failed was answered.'),
});
export type LoadTest = z.infer<typeof loadTestSchema>;
