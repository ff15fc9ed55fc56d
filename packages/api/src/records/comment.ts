import { z } from 'zod';
import { actorSchema } from '#manifest.ts';

/** Comments on a run or a version of a model, which exist as long as their subject. */

/** Maximum length of a comment in characters. */
export const COMMENT_LENGTH = 10_000;

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const commentSchema = z.strictObject({
  id: z.string().describe('A UUID.'),
  author: actorSchema.describe('Author.'),
  text: z.string().describe('Text in Markdown.'),
  mentions: z.array(z.string()).describe('Users that it mentions as `@user`.'),
  links: z.array(z.string()).describe('Distinct URLs in the text, such as links to issues; at most 50.'),
  createdAt: milliseconds,
  editedAt: milliseconds.optional(),
});
export type Comment = z.infer<typeof commentSchema>;

/** Limit of the count of unread comments. */
export const UNREAD_COUNTED = 100;

export const mentionSchema = z.strictObject({
  comment: commentSchema.describe('Comment.'),
  about: z
    .strictObject({
      kind: z.enum(['Run', 'Model']).describe('Subject of the comment: a run or a model version.'),
      name: z.string().describe('Id of the run, or name of the model.'),
      version: z.int().optional().describe('Number of the version of the model.'),
      title: z.string().describe('Display name.'),
    })
    .describe('Subject of the comment.'),
  read: z.boolean().describe('Whether it is marked as read.'),
});
export type Mention = z.infer<typeof mentionSchema>;
