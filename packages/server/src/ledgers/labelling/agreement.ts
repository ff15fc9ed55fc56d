/** Agreement of annotators. */
import type { Agreement, readAgreementOperation } from '@dais/api/data';
import { DaisError } from '@dais/api';
import type { CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { agreementOf, type Rating } from './agreement-of.ts';
import { requireSet } from './set-rows.ts';

/** Maximum number of annotations per computation, which limits the latency for others. */
const MOST_RATINGS = 200_000;

/** Computes the agreement. @throws DaisError `not_found`, `quota_exceeded`. */
export async function readAgreement(
  tx: Transaction,
  { input, tenant }: CallOf<typeof readAgreementOperation>,
): Promise<Agreement> {
  const row = await requireSet(tx.sql, tenant.id, input.set);
  const ratings = await tx.sql.query<Rating>(
    `select task, annotator, label from labelling.annotation
     where label_set = $1 and not replaced and not cancelled and not ground_truth and cardinality(label) > 0
       and ($2::int is null or guideline = $2) order by task, id limit $3`,
    [row.id, input.guideline === undefined ? null : Number(input.guideline), MOST_RATINGS + 1],
    'label_ratings',
  );
  if (ratings.length > MOST_RATINGS) {
    throw new DaisError(
      'quota_exceeded',
      `Agreement is computed for at most ${MOST_RATINGS} annotations. Set \`guideline\` to select fewer.`,
    );
  }
  return agreementOf(ratings, row.level);
}
