/** What a model consists of, for facts about what is upstream. */
import type { FactSubject } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import type { Starts } from '#ledgers/lineage/index.ts';
import { versionKeyOf } from './lineage-nodes.ts';

/** The version that is put forward, else the newest. A model without versions was made from nothing. */
export async function modelStarts(tx: Transaction, { name, uid, version }: FactSubject): Promise<Starts> {
  if (uid === undefined || version === null) return { keys: [] };
  if (version !== undefined) {
    const key = await versionKeyOf(tx, name, Number(version));
    return key === undefined
      ? { keys: [], unknown: `There is no version ${version} of model ${name}.` }
      : { keys: [key] };
  }
  const [row] = await tx.sql.query<{ version: number }>(
    `select v.version from registry.version v join registry.model m on m.id = v.model
     where m.project_id = $1 and m.uid = $2 order by v.version desc limit 1`,
    [tx.projectId, uid],
    'newest_version_of_model',
  );
  const key = row === undefined ? undefined : await versionKeyOf(tx, name, row.version);
  return { keys: key === undefined ? [] : [key] };
}
