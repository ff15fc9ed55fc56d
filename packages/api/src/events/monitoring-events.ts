import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const window = z.int().describe('Number of the window.');
const alert = z.uuid().describe('Id of the alert.');
const check = z.string().describe('Name of the check.');
const model = z.string().optional().describe('Name of the serving model.');
const version = z.string().optional().describe('Version number.');

/** The subject of each is the Monitor. */
export const monitoringEvents = {
  monitorReported: {
    type: 'monitor.reported',
    v: 1,
    description: 'A window of a monitor was evaluated.',
    data: z.strictObject({
      window,
      status: z.string().describe('`passing`, `failing` or `unknown`.'),
      rows: z.int().describe('Number of evaluated rows.'),
      failing: z.int().describe('Number of failing results.'),
    }),
  },
  monitorAlertRaised: {
    type: 'monitor.alert.raised',
    v: 1,
    description: 'A monitor raised an alert.',
    data: z.strictObject({ alert, check, window, severity: z.string(), title: z.string(), model, version }),
    outcome: 'failed',
  },
  monitorAlertResolved: {
    type: 'monitor.alert.resolved',
    v: 1,
    description: 'An alert was resolved.',
    data: z.strictObject({ alert, check, window }),
  },
  monitorAlertAcknowledged: {
    type: 'monitor.alert.acknowledged',
    v: 1,
    description: 'An alert was acknowledged.',
    data: z.strictObject({ alert, check, note: z.string() }),
  },
  monitorDecided: {
    type: 'monitor.decided',
    v: 1,
    description: 'A decision about starting a pipeline on an alert was made.',
    data: z.strictObject({
      decision: z.uuid().describe('Id of the decision.'),
      alert,
      check,
      pipeline: z.string().describe('Name of the Pipeline.'),
      outcome: z.string().describe('`started`, `declined` or `failed`.'),
      reason: z.string().describe('Why.'),
      run: z.string().optional().describe('ID of the pipeline run.'),
      model,
      version,
    }),
  },
} as const satisfies Record<string, EventType>;
