import { z } from 'zod';
import { modelKind } from '#kinds/model.ts';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { modelName, versionNumber } from '#operations/model-address.ts';
import { pageInput } from '#operations/resources.ts';
import { COMMENT_LENGTH, commentSchema, mentionSchema, UNREAD_COUNTED } from '#records/comment.ts';

/** Readers of the subject can read its comments; principals with more than read access can comment. */
const SPEAKERS = ['operator', 'editor', 'approver'] as const;

const ofRuns = '/api/v1/comments/runs/:run' as const;
const ofVersions = '/api/v1/comments/models/:name/versions/:version' as const;

const run = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]{0,255}$/)
  .describe('Id of the run.');
const aboutRun = { run };
const aboutVersion = { name: modelName, version: versionNumber };
const id = z.uuid().describe('Id of the comment.');
const text = z
  .string()
  .min(1)
  .max(COMMENT_LENGTH)
  .describe('Text in Markdown. `@user` mentions an existing user; in backticks it is plain text.');

const page = z.strictObject({ items: z.array(commentSchema), nextCursor: z.string().optional() });
const nothing = z.strictObject({});

const toRun = () => ({ kind: 'Run' });
const toModel = ({ name }: { readonly name: string }) => ({ kind: modelKind.kind, name });

const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({
  method,
  path,
  status: 200,
  ...more,
});
const listing = { query: ['limit', 'cursor'] };

export const listRunCommentsOperation = defineOperation({
  name: 'comment.listOfRun',
  action: 'run:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the comments on a run, oldest first.',
  input: z.strictObject({ ...aboutRun, ...pageInput }),
  output: page,
  target: toRun,
  http: http('GET', ofRuns, listing),
});

export const createRunCommentOperation = defineOperation({
  name: 'comment.createOfRun',
  action: 'run:comment',
  mode: 'write',
  scope: 'project',
  summary: 'Creates a comment on a run.',
  input: z.strictObject({ ...aboutRun, text }),
  output: commentSchema,
  target: toRun,
  roles: SPEAKERS,
  http: http('POST', ofRuns, { status: 201 }),
});

export const updateRunCommentOperation = defineOperation({
  name: 'comment.updateOfRun',
  action: 'run:comment',
  mode: 'write',
  scope: 'project',
  summary: 'Edits a comment of the caller.',
  input: z.strictObject({ ...aboutRun, id, text }),
  output: commentSchema,
  target: toRun,
  roles: SPEAKERS,
  http: http('POST', `${ofRuns}/:id`),
});

export const deleteRunCommentOperation = defineOperation({
  name: 'comment.deleteOfRun',
  action: 'run:comment',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a comment of the caller. Idempotent.',
  input: z.strictObject({ ...aboutRun, id }),
  output: nothing,
  target: toRun,
  roles: SPEAKERS,
  http: http('DELETE', `${ofRuns}/:id`),
});

export const removeRunCommentOperation = defineOperation({
  name: 'comment.removeOfRun',
  action: 'run:moderate',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a comment of another user on a run (moderation). Idempotent.',
  input: z.strictObject({ ...aboutRun, id }),
  output: nothing,
  target: toRun,
  roles: [],
  http: http('POST', `${ofRuns}/:id/remove`),
});

export const listVersionCommentsOperation = defineOperation({
  name: 'comment.listOfVersion',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the comments on a model version, oldest first.',
  input: z.strictObject({ ...aboutVersion, ...pageInput }),
  output: page,
  target: toModel,
  http: http('GET', ofVersions, listing),
});

export const createVersionCommentOperation = defineOperation({
  name: 'comment.createOfVersion',
  action: 'model:comment',
  mode: 'write',
  scope: 'project',
  summary: 'Creates a comment on a model version.',
  input: z.strictObject({ ...aboutVersion, text }),
  output: commentSchema,
  target: toModel,
  roles: SPEAKERS,
  http: http('POST', ofVersions, { status: 201 }),
});

export const updateVersionCommentOperation = defineOperation({
  name: 'comment.updateOfVersion',
  action: 'model:comment',
  mode: 'write',
  scope: 'project',
  summary: 'Edits a comment of the caller.',
  input: z.strictObject({ ...aboutVersion, id, text }),
  output: commentSchema,
  target: toModel,
  roles: SPEAKERS,
  http: http('POST', `${ofVersions}/:id`),
});

export const deleteVersionCommentOperation = defineOperation({
  name: 'comment.deleteOfVersion',
  action: 'model:comment',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a comment of the caller. Idempotent.',
  input: z.strictObject({ ...aboutVersion, id }),
  output: nothing,
  target: toModel,
  roles: SPEAKERS,
  http: http('DELETE', `${ofVersions}/:id`),
});

export const removeVersionCommentOperation = defineOperation({
  name: 'comment.removeOfVersion',
  action: 'model:moderate',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a comment of another user on a model version (moderation). Idempotent.',
  input: z.strictObject({ ...aboutVersion, id }),
  output: nothing,
  target: toModel,
  roles: [],
  http: http('POST', `${ofVersions}/:id/remove`),
});

const toMention = () => ({ kind: 'Mention' });
const ofMentions = '/api/v1/comments/mentions' as const;

export const listMentionsOperation = defineOperation({
  name: 'mention.list',
  action: 'mention:read',
  mode: 'read',
  scope: 'project',
  summary:
    'Lists comments that mention the caller, newest first. Comments on objects that the caller may not read are omitted.',
  input: z.strictObject({
    ...pageInput,
    unread: z.boolean().optional().describe('Only unread mentions.'),
  }),
  output: z.strictObject({
    items: z.array(mentionSchema),
    unread: z.int().describe(`How many were not marked as read, as far as ${UNREAD_COUNTED}.`),
    nextCursor: z.string().optional(),
  }),
  target: toMention,
  self: true,
  http: http('GET', ofMentions, { query: ['limit', 'cursor', 'unread'] }),
});

export const readMentionsOperation = defineOperation({
  name: 'mention.markRead',
  action: 'mention:markRead',
  mode: 'write',
  scope: 'project',
  summary: 'Marks mentions of the caller as read.',
  input: z.strictObject({ upTo: id.optional().describe('Newest mention to mark as read. Default: all.') }),
  output: nothing,
  target: toMention,
  self: true,
  http: http('POST', `${ofMentions}/read`),
});

export const commentOperations: readonly Operation[] = [
  listRunCommentsOperation,
  createRunCommentOperation,
  updateRunCommentOperation,
  deleteRunCommentOperation,
  removeRunCommentOperation,
  listVersionCommentsOperation,
  createVersionCommentOperation,
  updateVersionCommentOperation,
  deleteVersionCommentOperation,
  removeVersionCommentOperation,
  listMentionsOperation,
  readMentionsOperation,
];
