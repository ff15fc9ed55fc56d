import { z } from 'zod';

/** Results of a load test of an endpoint. */

const milliseconds = z.number().nullable();

export const loadTestSchema = z.strictObject({
  endpoint: z.string().describe('Name of the Endpoint.'),
  state: z.enum(['running', 'succeeded', 'canceled', 'failed']),
  message: z.string().describe('Error message.'),
  connections: z.int().describe('Number of concurrent requests.'),
  rate: z.number().optional().describe('Target rate in requests/s; absent: as fast as possible.'),
  seconds: z.number().describe('Duration so far.'),
  requests: z.int().describe('Number of completed requests, including failed ones.'),
  failed: z.int().describe('Number of responses with a status other than 200.'),
  late: z.int().describe('With a target rate: requests that started late because all connections were busy.'),
  requestsPerSecond: z.number().describe('Completed requests per second.'),
  p50Ms: milliseconds.describe('Median latency; null before the first response.'),
  p90Ms: milliseconds.describe('90th percentile of latency.'),
  p99Ms: milliseconds.describe('99th percentile of latency.'),
  cpuMicrosPerRequest: z
    .number()
    .nullable()
    .describe('CPU time of the gateway and its model processes per request; null until the test ends, or if unknown.'),
  failure: z.string().optional().describe('Response of the first failed request.'),
});
export type LoadTest = z.infer<typeof loadTestSchema>;
