/** Reads rows of review queues. */
import { DaisError } from '@dais/api';
import type { ReviewQueue } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';

export interface ReviewQueueRow {
  readonly num: bigint;
  readonly id: string;
  readonly experiment: bigint;
  readonly is_default: boolean;
  readonly name: string;
  readonly type: ReviewQueue['type'];
  readonly users: string[];
  readonly label_schemas: string[];
  readonly owner: string | null;
  readonly created_at: bigint;
  readonly updated_at: bigint;
}

export const QUEUE_COLUMNS = `r.num, r.id, r.experiment, e.is_default, r.name, r.type, r.users, r.label_schemas, r.owner, r.created_at,
  r.updated_at`;
export const FROM_QUEUES =
  'tracking.review_queue r join tracking.experiment e on e.id = r.experiment and e.deleted_at is null';
/** Returns a queue, optionally locked until the transaction ends. @throws DaisError `not_found`. */
export async function requireQueue(
  { sql, projectId }: Transaction,
  id: string,
  lock: '' | 'for update of r' = '',
): Promise<ReviewQueueRow> {
  const [row] = await sql.query<ReviewQueueRow>(
    `select ${QUEUE_COLUMNS} from ${FROM_QUEUES} where r.project_id = $1 and r.id = $2 ${lock}`,
    [projectId, id],
    lock === '' ? 'review_queue' : 'locked_review_queue',
  );
  if (row === undefined) throw new DaisError('not_found', `Review queue "${id}" does not exist.`);
  return row;
}

/** Reviewers are compared without case. */
export function reviewerOf(text: string): string {
  const user = text.trim().toLowerCase();
  if (user === '') throw new DaisError('invalid_request', 'A reviewer has an empty name.');
  return user;
}
