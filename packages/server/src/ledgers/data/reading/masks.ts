/** Masks of columns for a reader. */
import type { ColumnMask } from '@dais/api/data';
import type { Expression } from '#engines/query/contract.ts';
import type { Principal } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { VersionHooks } from '../data-dependencies.ts';
import { readDatasetSpec } from '../dataset-rows.ts';

export interface MaskedColumn {
  readonly column: string;
  /** The replacement of a value; `null` removes it. */
  readonly mask: Expression;
}

export interface Reader {
  readonly principal: Principal;
  readonly may?: (action: string) => Promise<boolean>;
}

/** Returns the columns of a dataset that are masked for this reader. */
export async function maskedColumns(
  tx: Transaction,
  hooks: VersionHooks,
  dataset: string,
  reader: Reader,
): Promise<readonly MaskedColumn[]> {
  if (hooks.masked !== undefined) return await hooks.masked(tx, dataset, reader.principal, reader.may);
  const { sensitive = [] } = await readDatasetSpec(tx, dataset);
  return sensitive.map(({ column }) => ({ column, mask: { type: 'literal', value: null } }));
}

/** An entry of the `sensitive` list of a manifest. */
export interface SensitiveColumn {
  readonly column: string;
  readonly category: string;
  readonly mask: ColumnMask['method'];
}

/** Converts the masks of a dataset to the `sensitive` list of one that is derived from it. */
export function marksOf(masks: readonly ColumnMask[]): readonly SensitiveColumn[] {
  return masks.map(({ column, category, method }) => ({ column, category: category.toLowerCase(), mask: method }));
}
