import { z } from 'zod';
import { latestMetricSchema, lifecycles } from '#records/tracking.ts';

/** A model as a run left it: artifacts below an address of its own, before anybody registers it. */

export const loggedModelStatuses = ['PENDING', 'READY', 'UPLOAD_FAILED'] as const;
export type LoggedModelStatus = (typeof loggedModelStatuses)[number];

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

const loggedModelMetricSchema = latestMetricSchema.extend({
  runId: z.string().describe('The run that measured it.'),
});

export const loggedModelSchema = z.strictObject({
  id: z.string().describe('`m-` and 32 hexadecimal digits.'),
  experimentId: z.string().describe('Id of the experiment.'),
  name: z.string().describe('Given or made up; not unique.'),
  type: z.string().optional().describe('What kind of model, in the words of the client.'),
  sourceRunId: z.string().optional().describe('The run that made it.'),
  status: z.enum(loggedModelStatuses).describe('`READY` once its artifacts are uploaded.'),
  statusMessage: z.string().optional().describe('What the client said of the status.'),
  artifactUri: z.string().describe('Artifact location.'),
  lifecycle: z.enum(lifecycles).describe('Deleted ones stay until garbage collection takes them.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  params: z.record(z.string(), z.string()).describe('Its parameters.'),
  tags: z.record(z.string(), z.string()).describe('Tags.'),
  metrics: z.array(loggedModelMetricSchema).describe('What runs measured of it, on which dataset.'),
});
export type LoggedModel = z.infer<typeof loggedModelSchema>;
