/** Lists the mentions of the calling user. */
import { DaisError, type OperationTarget } from '@dais/api';
import {
  UNREAD_COUNTED,
  type listMentionsOperation,
  type Mention,
  type readMentionsOperation,
} from '@dais/api/tracking';
import type { Call, CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { COLUMNS, present, UUID, type CommentRow } from './comments.ts';
import type { CommentLocation, CommentSubjects } from './subjects.ts';

interface MentionPage {
  readonly items: readonly Mention[];
  readonly unread: number;
  readonly nextCursor?: string;
}

type MentionRow = CommentRow & { readonly subject: string; readonly read: boolean };

/** Lists mentions, newest first. Pages may be shorter, because unreadable ones are omitted. @throws DaisError `invalid_cursor`. */
export async function listMentions(
  tx: Transaction,
  call: CallOf<typeof listMentionsOperation>,
  subjects: CommentSubjects,
): Promise<MentionPage> {
  const { input, tenant } = call;
  const user = userOf(call);
  if (user === undefined) return { items: [], unread: 0 };
  const { limit, cursor, unread = false } = input;
  const filter = [tenant.id, 'mentions', user, unread];
  const before = decodePageCursor(filter, cursor);
  if (before !== undefined && !UUID.test(before)) {
    throw new DaisError('invalid_cursor', 'The cursor belongs to another list. Start again without a cursor.');
  }
  const columns = COLUMNS.split(', ').map((column) => `c.${column}`);
  const rows = await tx.sql.query<MentionRow>(
    `select ${columns.join(', ')}, c.subject, m.read
     from comments.mention m join comments.comment c on c.id = m.comment
     where m.project_id = $1 and m.user_name = $2 and ($3::uuid is null or m.comment < $3) and not (m.read and $4)
     order by m.comment desc limit $5`,
    [tenant.id, user, before ?? null, unread, limit + 1],
    'list_mentions',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ id }) => id);
  const locations = await subjects.places(tx, [...new Set(page.map(({ subject }) => subject))]);
  const readable = await readableLocations(call, locations);
  const items = page.flatMap((row): Mention[] => {
    const about = readable.get(row.subject);
    return about === undefined ? [] : [{ comment: present(row), about, read: row.read }];
  });
  return { items, unread: await countUnread(tx, user), ...next };
}

export async function markMentionsRead(
  tx: Transaction,
  call: CallOf<typeof readMentionsOperation>,
): Promise<Record<string, never>> {
  const user = userOf(call);
  if (user === undefined) return {};
  await tx.sql.query(
    `update comments.mention set read = true
     where project_id = $1 and user_name = $2 and not read and ($3::uuid is null or comment <= $3)`,
    [tx.projectId, user, call.input.upTo ?? null],
    'read_mentions',
  );
  return {};
}

/** Only users can be mentioned, so other principals have no inbox. */
function userOf({ context }: Pick<Call, 'context'>): string | undefined {
  const { type, id } = context.principal;
  return type === 'user' ? id : undefined;
}

async function countUnread(tx: Transaction, user: string): Promise<number> {
  const [row] = await tx.sql.query<{ unread: number }>(
    `select count(*)::int as unread from (
       select from comments.mention where project_id = $1 and user_name = $2 and not read limit ${UNREAD_COUNTED}
     ) counted`,
    [tx.projectId, user],
    'count_unread_mentions',
  );
  return row?.unread ?? 0;
}

/** Checks current permissions, which may have changed since the mention. Each kind and model is checked once. */
async function readableLocations(
  { authorize, tenant }: Pick<Call, 'authorize' | 'tenant'>,
  locations: ReadonlyMap<string, CommentLocation>,
): Promise<ReadonlyMap<string, CommentLocation>> {
  const decided = new Map<string, boolean>();
  const may = async (action: string, target: OperationTarget): Promise<boolean> => {
    const key = `${action} ${target.name ?? ''}`;
    const known = decided.get(key) ?? (await isPermitted(async () => await authorize(target, tenant, action)));
    decided.set(key, known);
    return known;
  };
  const readable = new Map<string, CommentLocation>();
  for (const [key, location] of locations) {
    const { kind, name } = location;
    // oxlint-disable-next-line no-await-in-loop -- later checks of a kind reuse the first result
    const visible = await (kind === 'Run' ? may('run:read', { kind }) : may('model:read', { kind, name }));
    if (visible) readable.set(key, location);
  }
  return readable;
}

async function isPermitted(ask: () => Promise<void>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof DaisError && (error.code === 'forbidden' || error.code === 'not_found')) return false;
    throw error;
  }
}
