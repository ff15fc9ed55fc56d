/** Which columns of a dataset are sensitive now, by its manifest and by what was found. Pure. */
import type { MaskMethod } from '@dais/api';
import type { ColumnMask } from '@dais/api/data';
import { stateAt, type FindingRow } from './finding-rows.ts';

export interface DeclaredColumn {
  readonly column: string;
  readonly category: string;
  readonly mask?: MaskMethod;
}

/**
 * What the manifest says counts first; then what was found and is not waived. Somebody who waives one finding of a column
 * leaves it masked for another. By column.
 */
export function masksOf(
  declared: readonly DeclaredColumn[],
  findings: readonly FindingRow[],
  now: number,
): readonly ColumnMask[] {
  const masks = new Map<string, ColumnMask>();
  for (const row of findings.toSorted((a, b) => b.confidence - a.confidence)) {
    const state = stateAt(row, now);
    if (state !== 'open' && state !== 'resolved') continue;
    const known = masks.get(row.column);
    // A person's choice of a mask counts more than the default of another finding.
    if (known !== undefined && row.mask === null) continue;
    const method = row.mask ?? 'redact';
    masks.set(row.column, { column: row.column, method, category: row.entity, because: 'finding' });
  }
  for (const { column, category, mask = 'redact' } of declared) {
    masks.set(column, { column, method: mask, category, because: 'declared' });
  }
  return [...masks.values()].toSorted((a, b) => (a.column < b.column ? -1 : 1));
}

/** How many findings nobody has said anything about: a column that the manifest names is dealt with. */
export function openFindings(
  declared: readonly DeclaredColumn[],
  findings: readonly FindingRow[],
  now: number,
): number {
  const named = new Set(declared.map(({ column }) => column));
  return findings.filter((row) => stateAt(row, now) === 'open' && !named.has(row.column)).length;
}
