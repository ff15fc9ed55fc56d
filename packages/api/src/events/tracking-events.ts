import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const experiment = z.string().describe('Id of the experiment.');
const run = z.string().describe('ID of the run.');

/** Events of experiments, runs and logged models; logged values emit no events. */
export const trackingEvents = {
  experimentCreated: {
    type: 'experiment.created',
    v: 1,
    description: 'An experiment was created.',
    data: z.strictObject({ experiment }),
  },
  experimentRenamed: {
    type: 'experiment.renamed',
    v: 1,
    description: 'An experiment was renamed.',
    data: z.strictObject({ experiment, before: z.string().describe('Previous name.') }),
  },
  experimentDeleted: {
    type: 'experiment.deleted',
    v: 1,
    description: 'An experiment was deleted with its runs; it can be restored.',
    data: z.strictObject({ experiment, runs: z.int().describe('Number of deleted runs.') }),
  },
  experimentRestored: {
    type: 'experiment.restored',
    v: 1,
    description: 'An experiment was restored.',
    data: z.strictObject({ experiment, runs: z.int().describe('Number of restored runs.') }),
  },
  runCreated: {
    type: 'run.created',
    v: 1,
    description: 'A run started.',
    data: z.strictObject({ run, experiment }),
  },
  runFinished: {
    type: 'run.finished',
    v: 1,
    description: 'A run finished.',
    data: z.strictObject({ run, experiment }),
  },
  runFailed: {
    type: 'run.failed',
    v: 1,
    description: 'A run failed or was killed.',
    outcome: 'failed',
    data: z.strictObject({ run, experiment, status: z.enum(['FAILED', 'KILLED']).describe('Status of the run.') }),
  },
  runDeleted: {
    type: 'run.deleted',
    v: 1,
    description: 'A run was deleted; it can be restored.',
    data: z.strictObject({ run, experiment }),
  },
  runRestored: {
    type: 'run.restored',
    v: 1,
    description: 'A run was restored.',
    data: z.strictObject({ run, experiment }),
  },
  loggedModelDeleted: {
    type: 'logged.model.deleted',
    v: 1,
    description: 'A logged model was deleted.',
    data: z.strictObject({ model: z.string().describe('Id.'), experiment }),
  },
  tracesDeleted: {
    type: 'traces.deleted',
    v: 1,
    description: 'Traces of an experiment were permanently deleted.',
    data: z.strictObject({ experiment, traces: z.int().describe('Number of traces.') }),
  },
} as const satisfies Record<string, EventType>;
