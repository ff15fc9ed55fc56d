import { z } from 'zod';
import { latestMetricSchema, lifecycles } from '#records/tracking.ts';

/** A logged model of a run: artifacts with their own location, registered or not. */

export const loggedModelStatuses = ['PENDING', 'READY', 'UPLOAD_FAILED'] as const;
export type LoggedModelStatus = (typeof loggedModelStatuses)[number];

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

const loggedModelMetricSchema = latestMetricSchema.extend({
  runId: z.string().describe('Id of the run that logged it.'),
});

export const loggedModelSchema = z.strictObject({
  id: z.string().describe('`m-` and 32 hexadecimal digits.'),
  experimentId: z.string().describe('Id of the experiment.'),
  name: z.string().describe('Name, given or generated. It need not be unique.'),
  type: z.string().optional().describe('Model type, as the client sent it.'),
  sourceRunId: z.string().optional().describe('Id of the run that created it.'),
  status: z.enum(loggedModelStatuses).describe('`READY` after the artifacts are uploaded.'),
  statusMessage: z.string().optional().describe('Status message from the client.'),
  artifactUri: z.string().describe('Artifact location.'),
  lifecycle: z.enum(lifecycles).describe('`deleted` objects remain until garbage collection.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  params: z.record(z.string(), z.string()).describe('Parameters.'),
  tags: z.record(z.string(), z.string()).describe('Tags.'),
  metrics: z.array(loggedModelMetricSchema).describe('Metrics that runs logged for it, with their dataset.'),
});
export type LoggedModel = z.infer<typeof loggedModelSchema>;
