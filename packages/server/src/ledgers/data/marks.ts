import type { ColumnMask } from '@dais/api/data';

/** As a manifest marks a column that not everybody may see. */
export interface SensitiveColumn {
  readonly column: string;
  readonly category: string;
  readonly mask: ColumnMask['method'];
}

/** What is masked in one dataset, as marks of another that is made of it. */
export function marksOf(masks: readonly ColumnMask[]): readonly SensitiveColumn[] {
  return masks.map(({ column, category, method }) => ({ column, category: category.toLowerCase(), mask: method }));
}
