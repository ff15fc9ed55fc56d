import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const comment = z.string().describe('Id of the comment.');
const version = z.int().optional().describe('Number of the version, where the subject is a model.');
const mentions = z.array(z.string()).describe('Users that it names.');

/** The subject of each is the run, or the Model resource. What was said is not told: it can be edited and taken back. */
export const commentEvents = {
  commentCreated: {
    type: 'comment.created',
    v: 1,
    description: 'Somebody said something of a run or of a version of a model.',
    personal: true,
    data: z.strictObject({ comment, version, mentions }),
  },
  commentEdited: {
    type: 'comment.edited',
    v: 1,
    description: 'Somebody changed what they had said.',
    personal: true,
    data: z.strictObject({ comment, version, mentions }),
  },
  commentDeleted: {
    type: 'comment.deleted',
    v: 1,
    description: 'A comment was taken back by its author, or away by an administrator.',
    personal: true,
    data: z.strictObject({ comment, version, author: z.string().describe('Who had said it.') }),
  },
} as const satisfies Record<string, EventType>;
