import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const comment = z.string().describe('Id of the comment.');
const version = z.int().optional().describe('Version number, if the subject is a model.');
const mentions = z.array(z.string()).describe('Mentioned users.');

/** The subject of each is the run, or the Model resource. The event omits the text, because its author can edit and delete it. */
export const commentEvents = {
  commentCreated: {
    type: 'comment.created',
    v: 1,
    description: 'A comment on a run or model version was created.',
    personal: true,
    data: z.strictObject({ comment, version, mentions }),
  },
  commentEdited: {
    type: 'comment.edited',
    v: 1,
    description: 'A comment was edited by its author.',
    personal: true,
    data: z.strictObject({ comment, version, mentions }),
  },
  commentDeleted: {
    type: 'comment.deleted',
    v: 1,
    description: 'A comment was deleted by its author or an administrator.',
    personal: true,
    data: z.strictObject({ comment, version, author: z.string().describe('Author.') }),
  },
} as const satisfies Record<string, EventType>;
