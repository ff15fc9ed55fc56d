/** Masks of the columns of a dataset for a reader. */
import type { ColumnMask } from '@dais/api/data';
import type { Expression } from '#engines/query/model/query-tree.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { declaredIn, requireDatasetResource } from './datasets.ts';
import { masksOf } from './finding-columns.ts';
import { findingsOf } from './finding-rows.ts';
import { maskExpression, type MaskKey } from './mask-expressions.ts';
import type { PrivacyDependencies } from './privacy-dependencies.ts';
import type { KeyOwner } from './pseudonym-keys.ts';

export interface MaskedColumn {
  readonly column: string;
  /** The replacement. */
  readonly mask: Expression;
}

/** Returns the masks for users who may not unmask. @throws DaisError `not_found`. */
export async function columnMasks(tx: Transaction, dataset: string, now: number): Promise<readonly ColumnMask[]> {
  const resource = await requireDatasetResource(tx, dataset);
  return masksOf(declaredIn(resource), await findingsOf(tx.sql, resource.uid), now);
}

/**
 * Returns the masks for a caller. `may`: authorizes an action on the dataset; without it, all sensitive columns are masked.
 * @throws DaisError `not_found`, `key_missing`, `key_mismatch`, `keys_unavailable`.
 */
export async function maskedColumns(
  tx: Transaction,
  { keys, now }: Pick<PrivacyDependencies, 'keys' | 'now'>,
  dataset: string,
  may: ((action: string) => Promise<boolean>) | undefined,
): Promise<readonly MaskedColumn[]> {
  if (await may?.('dataset:unmask')) return [];
  const { uid, name } = await requireDatasetResource(tx, dataset);
  const masks = await columnMasks(tx, dataset, now());
  const project: KeyOwner = { projectId: tx.projectId };
  const keyOf = { pseudonym: project, hash: { ...project, dataset: { uid, name } } };
  const opened = new Map<string, MaskKey>();
  for (const method of ['pseudonym', 'hash'] as const) {
    if (masks.some((mask) => mask.method === method)) opened.set(method, await keys.current(tx.sql, keyOf[method]));
  }
  return masks.map((mask) => ({ column: mask.column, mask: maskExpression(mask, opened.get(mask.method)) }));
}
