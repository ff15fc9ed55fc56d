/** Determines the sensitive columns of a dataset from its manifest and its findings. Pure. */
import type { MaskMethod } from '@dais/api';
import type { ColumnMask } from '@dais/api/data';
import { stateAt, type FindingRow } from './finding-rows.ts';

export interface DeclaredColumn {
  readonly column: string;
  readonly category: string;
  readonly mask?: MaskMethod;
}

/**
 * Returns masks by column: from the manifest, else from findings that are not waived. After a waiver of one finding, the column
 * remains masked if it has another finding.
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
    // A configured mask takes precedence over the default of another finding.
    if (known !== undefined && row.mask === null) continue;
    const method = row.mask ?? 'redact';
    masks.set(row.column, { column: row.column, method, category: row.entity, source: 'finding' });
  }
  for (const { column, category, mask = 'redact' } of declared) {
    masks.set(column, { column, method: mask, category, source: 'declared' });
  }
  return [...masks.values()].toSorted((a, b) => (a.column < b.column ? -1 : 1));
}

/** Counts open findings; a column in the manifest counts as resolved. */
export function openFindings(
  declared: readonly DeclaredColumn[],
  findings: readonly FindingRow[],
  now: number,
): number {
  const named = new Set(declared.map(({ column }) => column));
  return findings.filter((row) => stateAt(row, now) === 'open' && !named.has(row.column)).length;
}
