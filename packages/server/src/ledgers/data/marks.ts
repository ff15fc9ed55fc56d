import type { ColumnMask } from '@dais/api/data';

/** Converts masks to the `sensitive` list of a manifest. */
export interface SensitiveColumn {
  readonly column: string;
  readonly category: string;
  readonly mask: ColumnMask['method'];
}

/** Returns the masks of a dataset for one that is derived from it. */
export function marksOf(masks: readonly ColumnMask[]): readonly SensitiveColumn[] {
  return masks.map(({ column, category, method }) => ({ column, category: category.toLowerCase(), mask: method }));
}
