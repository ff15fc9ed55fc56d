import { DaisError, eventTypes, type Actor, type EventType } from '@dais/api';
import type {
  Comment,
  createRunCommentOperation,
  createVersionCommentOperation,
  deleteRunCommentOperation,
  deleteVersionCommentOperation,
  listRunCommentsOperation,
  listVersionCommentsOperation,
  removeRunCommentOperation,
  removeVersionCommentOperation,
  updateRunCommentOperation,
  updateVersionCommentOperation,
} from '@dais/api/tracking';
import type { Call, CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import { readResources } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { linksIn, mentionsIn } from './comment-text.ts';
import type { CommentSubject } from './subjects.ts';

/** Limit of comments on one object. It also limits the effect of faulty programs. */
const MOST = 2000;

export interface CommentRow {
  readonly id: string;
  readonly author: Actor;
  readonly body: string;
  readonly mentions: string[];
  readonly links: string[];
  readonly created_at: bigint;
  readonly edited_at: bigint | null;
}

export const COLUMNS = 'id, author, body, mentions, links, created_at, edited_at';

export function present(row: CommentRow): Comment {
  return {
    id: row.id,
    author: row.author,
    text: row.body,
    mentions: row.mentions,
    links: row.links,
    createdAt: Number(row.created_at),
    ...(row.edited_at !== null && { editedAt: Number(row.edited_at) }),
  };
}

type About = CommentSubject;

/** Lists comments, oldest first. @throws DaisError `invalid_cursor`. */
export async function listComments(
  tx: Transaction,
  { input, tenant }: CallOf<typeof listRunCommentsOperation | typeof listVersionCommentsOperation>,
  { key }: About,
): Promise<{ items: readonly Comment[]; nextCursor?: string }> {
  const filter = [tenant.id, key];
  const after = decodePageCursor(filter, input.cursor);
  if (after !== undefined && !UUID.test(after)) {
    throw new DaisError('invalid_cursor', 'The cursor belongs to another list. Start again without a cursor.');
  }
  const rows = await tx.sql.query<CommentRow>(
    `select ${COLUMNS} from comments.comment
     where project_id = $1 and subject = $2 and ($3::uuid is null or id > $3) order by id limit $4`,
    [tenant.id, key, after ?? null, input.limit + 1],
    'list_comments',
  );
  const { page, next } = cutPage(rows, input.limit, filter, ({ id }) => id);
  return { items: page.map(present), ...next };
}

export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws DaisError `invalid_request` for mentions of unknown users, `invalid_state` when there are too many comments. */
export async function createComment(
  tx: Transaction,
  { input, tenant, context }: CallOf<typeof createRunCommentOperation | typeof createVersionCommentOperation>,
  about: About,
  now: number,
): Promise<Comment> {
  const { mentions, links } = await parseText(tx, input.text);
  const [held] = await tx.sql.query<{ comments: number }>(
    'select count(*)::int as comments from comments.comment where project_id = $1 and subject = $2',
    [tenant.id, about.key],
    'count_comments',
  );
  if ((held?.comments ?? 0) >= MOST) {
    throw new DaisError(
      'invalid_state',
      `There are already ${MOST} comments, which is the limit. Delete old comments first.`,
    );
  }
  const { type, id } = context.principal;
  const [row] = await tx.sql.query<CommentRow>(
    `insert into comments.comment (id, project_id, subject, author, body, mentions, links, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${COLUMNS}`,
    [uuidv7(now), tenant.id, about.key, JSON.stringify({ type, id }), input.text, mentions, links, now],
    'insert_comment',
  );
  if (row === undefined) throw new Error('the insert returned no row');
  await writeMentions(tx, row.id, mentions);
  emitCommentEvent(tx, about, eventTypes.commentCreated, { comment: row.id, mentions });
  return present(row);
}

/** @throws DaisError `forbidden` for a comment of another author, `not_found`, `invalid_request`. */
export async function updateComment(
  tx: Transaction,
  call: CallOf<typeof updateRunCommentOperation | typeof updateVersionCommentOperation>,
  about: About,
  now: number,
): Promise<Comment> {
  const { input } = call;
  const { mentions, links } = await parseText(tx, input.text);
  const before = await lockComment(tx, about, input.id);
  if (before === undefined) throw noComment(input.id);
  requireOwn(before, call);
  if (before.body === input.text) return present(before);
  const [row] = await tx.sql.query<CommentRow>(
    `update comments.comment set body = $3, mentions = $4, links = $5, edited_at = $6
     where project_id = $1 and id = $2 returning ${COLUMNS}`,
    [tx.projectId, before.id, input.text, mentions, links, now],
    'update_comment',
  );
  if (row === undefined) throw noComment(input.id);
  await writeMentions(tx, row.id, mentions);
  emitCommentEvent(tx, about, eventTypes.commentEdited, { comment: row.id, mentions });
  return present(row);
}

/** Deletes a comment of the caller. A missing one is ignored. @throws DaisError `forbidden` for another author. */
export async function deleteComment(
  tx: Transaction,
  call: CallOf<typeof deleteRunCommentOperation | typeof deleteVersionCommentOperation>,
  about: About,
): Promise<Record<string, never>> {
  const row = await lockComment(tx, about, call.input.id);
  if (row === undefined) return {};
  requireOwn(row, call);
  await drop(tx, about, row);
  return {};
}

/** Deletes a comment of any author. A missing one is ignored. */
export async function removeComment(
  tx: Transaction,
  { input }: CallOf<typeof removeRunCommentOperation | typeof removeVersionCommentOperation>,
  about: About,
): Promise<Record<string, never>> {
  const row = await lockComment(tx, about, input.id);
  if (row !== undefined) await drop(tx, about, row);
  return {};
}

async function drop(tx: Transaction, about: About, { id, author }: CommentRow): Promise<void> {
  await tx.sql.query(
    'delete from comments.comment where project_id = $1 and id = $2',
    [tx.projectId, id],
    'drop_comment',
  );
  emitCommentEvent(tx, about, eventTypes.commentDeleted, { comment: id, author: author.id });
}

function requireOwn({ author }: CommentRow, { context }: Pick<Call, 'context'>): void {
  const { type, id } = context.principal;
  if (author.type === type && author.id === id) return;
  throw new DaisError('forbidden', `The comment was written by ${author.id}. Only its author can edit or delete it.`);
}

async function lockComment(tx: Transaction, { key }: About, id: string): Promise<CommentRow | undefined> {
  const [row] = await tx.sql.query<CommentRow>(
    `select ${COLUMNS} from comments.comment where project_id = $1 and subject = $2 and id = $3 for update`,
    [tx.projectId, key, id],
    'lock_comment',
  );
  return row;
}

function noComment(id: string): DaisError {
  return new DaisError('not_found', `There is no comment "${id}" on this object.`);
}

/** Parses mentions and links. @throws DaisError `invalid_request` that names unknown users, or for empty text. */
async function parseText(tx: Transaction, text: string) {
  if (text.trim() === '') {
    const issue = { path: 'text', message: 'is empty', expected: 'text' };
    throw new DaisError('invalid_request', 'The comment has no text.', { issues: [issue] });
  }
  const mentions = mentionsIn(text);
  const missing = mentions.length === 0 ? [] : await unknownUsers(tx, mentions);
  if (missing.length > 0) {
    const names = missing.map((name) => `@${name}`).join(', ');
    throw new DaisError(
      'invalid_request',
      `Unknown ${missing.length === 1 ? 'user' : 'users'}: ${names}. Put text that is not a mention in backticks.`,
      {
        issues: missing.map((name) => ({
          path: 'text',
          message: `mentions the unknown user "@${name}"`,
          expected: 'the name of a user',
        })),
      },
    );
  }
  return { mentions, links: linksIn(text) };
}

/** Users belong to the organization, so their rows are outside the project. */
async function unknownUsers(tx: Transaction, names: readonly string[]): Promise<readonly string[]> {
  const home = tx.projectId;
  await tx.enter(ORGANIZATION);
  const found = await readResources(tx.sql, ORGANIZATION, 'User', names);
  await tx.enter(home);
  const known = new Set(found.map(({ name }) => name));
  return names.filter((name) => !known.has(name));
}

function emitCommentEvent(
  tx: Transaction,
  { subject, data }: About,
  type: EventType,
  more: Readonly<Record<string, unknown>>,
): void {
  tx.emit({ type, projectId: tx.projectId, subject, data: { ...data, ...more } });
}

/** Deletes the comments on permanently deleted objects, in the same transaction. */
export async function dropComments(tx: Transaction, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.sql.query(
    'delete from comments.comment where project_id = $1 and subject = any($2::text[])',
    [tx.projectId, keys],
    'drop_comments',
  );
}

/** Updates the mentions of a comment. Remaining mentions keep their read mark, and others are deleted. */
async function writeMentions(tx: Transaction, comment: string, users: readonly string[]): Promise<void> {
  await tx.sql.query(
    'delete from comments.mention where project_id = $1 and comment = $2 and user_name <> all($3::text[])',
    [tx.projectId, comment, users],
    'drop_mentions',
  );
  if (users.length === 0) return;
  await tx.sql.query(
    `insert into comments.mention (project_id, user_name, comment) select $1, t.name, $2 from unnest($3::text[]) t (name)
     on conflict do nothing`,
    [tx.projectId, comment, users],
    'add_mentions',
  );
}
