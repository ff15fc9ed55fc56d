import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const set = z.string().describe('Name of the label set.');
const task = z.int().describe('Number of the task.');
const annotation = z.uuid().describe('Id of the annotation.');
const reason = z.string().describe('Why, as they said.');

/** The subject of each is the Dataset resource that the set is of. */
export const labelEvents = {
  labelSetCreated: {
    type: 'labels.set.created',
    v: 1,
    description: 'A set of labels was begun.',
    data: z.strictObject({ set }),
  },
  labelSetDeleted: {
    type: 'labels.set.deleted',
    v: 1,
    description: 'A set of labels was deleted, with its labels.',
    data: z.strictObject({ set, tasks: z.int().describe('How many tasks it had.') }),
  },
  labelGuidelineCreated: {
    type: 'labels.guideline.created',
    v: 1,
    description: 'Annotators are told something else from now on.',
    data: z.strictObject({ set, guideline: z.int().describe('Number of its version.') }),
  },
  labelsImported: {
    type: 'labels.imported',
    v: 1,
    description: 'Tasks and annotations came in.',
    data: z.strictObject({
      set,
      tasks: z.int().describe('New tasks.'),
      annotations: z.int().describe('New annotations.'),
      replaced: z.int().describe('Annotations of which a newer version came.'),
      guideline: z.int().describe('The version of the guideline that they were made under.'),
    }),
  },
  labelReviewed: {
    type: 'labels.reviewed',
    v: 1,
    description: 'Somebody accepted or rejected an annotation.',
    data: z.strictObject({ set, task, annotation, verdict: z.string().describe('`accepted` or `rejected`.'), reason }),
  },
  labelAdjudicated: {
    type: 'labels.adjudicated',
    v: 1,
    description: 'Somebody settled a task whose labels differed.',
    data: z.strictObject({ set, task, annotation, reason }),
  },
  labelsAccepted: {
    type: 'labels.accepted',
    v: 1,
    description: 'Somebody accepted the labels on which annotators agree.',
    data: z.strictObject({
      set,
      tasks: z.int().describe('How many tasks.'),
      atLeast: z.int().describe('How many had to agree.'),
      reason,
    }),
  },
  labelsPublished: {
    type: 'labels.published',
    v: 1,
    description: 'Accepted labels became a dataset version.',
    data: z.strictObject({
      set,
      dataset: z.string().describe('Name of the dataset that got it.'),
      version: z.int().describe('Its number.'),
      labels: z.int().describe('How many labels.'),
    }),
  },
} as const satisfies Record<string, EventType>;
