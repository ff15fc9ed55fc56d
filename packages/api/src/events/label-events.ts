import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const set = z.string().describe('Name of the label set.');
const task = z.int().describe('Number of the task.');
const annotation = z.uuid().describe('Id of the annotation.');
const reason = z.string().describe('Reason that the user entered.');

/** The subject of each is the Dataset resource of the set. */
export const labelEvents = {
  labelSetCreated: {
    type: 'labels.set.created',
    v: 1,
    description: 'A label set was created.',
    data: z.strictObject({ set }),
  },
  labelSetDeleted: {
    type: 'labels.set.deleted',
    v: 1,
    description: 'A label set was deleted with its labels.',
    data: z.strictObject({ set, tasks: z.int().describe('Number of tasks.') }),
  },
  labelGuidelineCreated: {
    type: 'labels.guideline.created',
    v: 1,
    description: 'A new guideline version was published.',
    data: z.strictObject({ set, guideline: z.int().describe('Version number.') }),
  },
  labelsImported: {
    type: 'labels.imported',
    v: 1,
    description: 'Tasks and annotations were imported.',
    data: z.strictObject({
      set,
      tasks: z.int().describe('Number of new tasks.'),
      annotations: z.int().describe('New annotations.'),
      replaced: z.int().describe('Annotations that were replaced by newer versions.'),
      guideline: z.int().describe('Guideline version of the annotations.'),
    }),
  },
  labelReviewed: {
    type: 'labels.reviewed',
    v: 1,
    description: 'An annotation was accepted or rejected.',
    data: z.strictObject({ set, task, annotation, decision: z.string().describe('`accepted` or `rejected`.'), reason }),
  },
  labelAdjudicated: {
    type: 'labels.adjudicated',
    v: 1,
    description: 'A disagreement on a task was resolved.',
    data: z.strictObject({ set, task, annotation, reason }),
  },
  labelsAccepted: {
    type: 'labels.accepted',
    v: 1,
    description: 'Agreed labels were accepted.',
    data: z.strictObject({
      set,
      tasks: z.int().describe('Number of tasks.'),
      atLeast: z.int().describe('Required number of agreeing annotators.'),
      reason,
    }),
  },
  labelsPublished: {
    type: 'labels.published',
    v: 1,
    description: 'Accepted labels were published as a dataset version.',
    data: z.strictObject({
      set,
      dataset: z.string().describe('Name of the dataset.'),
      version: z.int().describe('Version number.'),
      labels: z.int().describe('Number of labels.'),
    }),
  },
} as const satisfies Record<string, EventType>;
