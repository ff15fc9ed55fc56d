/** Reads Dataset resources and their manifests. */
import { DaisError, type EventType } from '@dais/api';
import { readByUid, readResource, type ResourceRow } from '#kernel/store.ts';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { DeclaredColumn } from './finding-columns.ts';

export async function requireDatasetResource(tx: Transaction, name: string): Promise<ResourceRow> {
  const row = await readResource(tx.sql, tx.projectId, 'Dataset', name);
  if (row === undefined) throw new DaisError('not_found', `There is no dataset ${name}.`);
  return row;
}

export function declaredIn({ spec }: Pick<ResourceRow, 'spec'>): readonly DeclaredColumn[] {
  return (spec['sensitive'] as readonly DeclaredColumn[] | undefined) ?? [];
}

/** Reads specs by uid, without deleted datasets. */
export async function declaredColumns(
  sql: Sql,
  uids: readonly string[],
): Promise<ReadonlyMap<string, readonly DeclaredColumn[]>> {
  const rows = await readByUid(sql, [...new Set(uids)]);
  return new Map(rows.map((row) => [row.uid, declaredIn(row)]));
}

export function emitAbout(
  tx: Transaction,
  { uid, name }: Pick<ResourceRow, 'uid' | 'name'>,
  type: EventType,
  data: Readonly<Record<string, unknown>>,
): void {
  tx.emit({ type, projectId: tx.projectId, subject: { kind: 'Dataset', name, uid }, data });
}
