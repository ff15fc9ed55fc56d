import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const source = z.string().describe('Source server.');
const experiment = z.string().describe('Id of the experiment in Dais.');

/** Imports from other servers, one event for each write. */
export const importEvents = {
  experimentImported: {
    type: 'experiment.imported',
    v: 1,
    description: 'An experiment was imported.',
    data: z.strictObject({ experiment, source }),
  },
  runImported: {
    type: 'run.imported',
    v: 1,
    description: 'A run was imported or updated from its source.',
    data: z.strictObject({ run: z.string().describe('Id of the run.'), experiment, source }),
  },
  loggedModelImported: {
    type: 'logged.model.imported',
    v: 1,
    description: 'A logged model was imported.',
    data: z.strictObject({ model: z.string().describe('Id.'), experiment, source }),
  },
  garbageCollected: {
    type: 'garbage.collected',
    v: 1,
    description: 'Deleted objects were permanently removed.',
    data: z.strictObject({
      runs: z.array(z.string()).describe('Ids of the runs.'),
      loggedModels: z.array(z.string()).describe('Ids of the logged models.'),
      experiments: z.array(z.string()).describe('Numbers of the experiments.'),
      traces: z.int().describe('Number of traces.'),
      files: z.int().describe('Number of artifacts.'),
    }),
  },
  modelImported: {
    type: 'model.imported',
    v: 1,
    description: 'The metadata of a registered model was imported.',
    data: z.strictObject({}),
  },
  modelVersionImported: {
    type: 'model.version.imported',
    v: 1,
    description: 'A model version was imported.',
    data: z.strictObject({ version: z.int().describe('Number of the version.') }),
  },
} as const satisfies Record<string, EventType>;
