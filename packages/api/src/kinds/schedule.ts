import { z } from 'zod';
import { baseStatus, nameSchema, reference, type KindSpec } from '#manifest.ts';
import { executionParameterSchema } from '#records/execution.ts';
import { overlaps, overlapText, startingSchema } from '#records/recurrence.ts';

export const scheduleSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('Description.'),
  pipeline: reference('Pipeline').describe('Name of the Pipeline to run.'),
  version: z.string().min(1).max(256).optional().describe('Version number, name or ID. Default: always the latest.'),
  parameters: z
    .record(z.string().min(1).max(256), executionParameterSchema)
    .optional()
    .describe('Parameter values. `${time}` and `${date}` in text are replaced by the scheduled time and date.'),
  when: startingSchema.describe('Trigger.'),
  startAt: z.iso.datetime({ offset: true }).optional().describe('Start of validity: `2026-12-01T00:00:00Z`.'),
  endAt: z.iso.datetime({ offset: true }).optional().describe('End of validity.'),
  catchUp: z.boolean().default(false).describe('Catch up on every missed start. Default: only the latest.'),
  overlap: z.enum(overlaps).default('wait').describe(overlapText),
  mostAtOnce: z.int().min(1).max(1000).default(1).describe('Maximum concurrent pipeline runs.'),
  suspended: z.boolean().default(false).describe('Suspends the schedule.'),
  priority: z.int().min(-1000).max(1000).default(0).describe('Priority of the pipeline runs. Higher values run first.'),
});
export type ScheduleSpec = z.output<typeof scheduleSpec>;

export const scheduleKind = {
  kind: 'Schedule',
  plural: 'schedules',
  scope: 'project',
  description: 'Starts pipeline runs automatically, by time or by event.',
  name: nameSchema,
  spec: scheduleSpec,
  status: z.strictObject({ ...baseStatus }),
  actions: [],
  columns: [
    { title: 'Pipeline', path: 'spec.pipeline' },
    { title: 'When', path: 'spec.when.type' },
    { title: 'Suspended', path: 'spec.suspended' },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Schedule
metadata:
  name: nightly
spec:
  description: Trains a new model every night
  pipeline: flight-delay
  when:
    type: cron
    cron: 30 2 * * *
    zone: Europe/Berlin
  parameters:
    rate: 0.05
`,
} as const satisfies KindSpec;
