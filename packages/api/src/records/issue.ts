import { z } from 'zod';

/** Issues that people and programs find in traces. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const issueStatuses = ['pending', 'rejected', 'resolved'] as const;
/** In order, from the lowest. */
export const issueSeverities = ['not_an_issue', 'low', 'medium', 'high'] as const;

export const issueSchema = z.strictObject({
  id: z.string().describe('`iss-` and 32 hexadecimal digits, unless the client chose the id.'),
  experimentId: z.string().describe('Id of the experiment.'),
  name: z.string().describe('Short name.'),
  description: z.string().describe('Description.'),
  status: z.enum(issueStatuses).describe('Status.'),
  severity: z.enum(issueSeverities).optional().describe('Severity.'),
  rootCauses: z.array(z.string()).describe('Root causes.'),
  categories: z.array(z.string()).describe('Categories.'),
  sourceRunId: z.string().optional().describe('Id of the run that found the issue.'),
  metadata: z.record(z.string(), z.string()).describe('Metadata of the client.'),
  traces: z
    .int()
    .optional()
    .describe('Number of traces with an assessment of the issue. Only searches that request it contain it.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  seenAt: milliseconds.describe('Time of the latest observation in milliseconds since 1970-01-01 UTC.'),
  createdBy: z.string().optional().describe('Value as the client sent it.'),
  updatedBy: z.string().optional().describe('Value as the client sent it.'),
});
export type Issue = z.infer<typeof issueSchema>;
