/** Reads the manifest of a dataset with its defaults. */
import { datasetSpec, DaisError, type DatasetSpec, type EventType } from '@dais/api';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { DatasetRow } from './dataset-rows.ts';

export async function readDatasetSpec(tx: Transaction, name: string): Promise<DatasetSpec> {
  const row = await readResource(tx.sql, tx.projectId, 'Dataset', name);
  if (row === undefined) throw new DaisError('not_found', `There is no dataset ${name}.`);
  return datasetSpec.parse(row.spec);
}

export function emitAboutDataset(
  tx: Transaction,
  { uid, name, project_id: projectId }: Pick<DatasetRow, 'uid' | 'name' | 'project_id'>,
  type: EventType,
  data: Readonly<Record<string, unknown>>,
): void {
  tx.emit({ type, projectId, subject: { kind: 'Dataset', name, uid }, data });
}
