/** The parts of a model, for facts about upstream objects; and the versions with an alias in production. */
import type { FactSubject } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import type { Starts } from '#ledgers/lineage/index.ts';
import { versionKeyOf } from './lineage-nodes.ts';

/** Returns the version of the production alias, or else the newest. A model without versions has no upstream. */
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

/** Ordered by name and alias, after `after`. Prompts have no lineage and are skipped. */
export async function listAliases(
  { sql, projectId }: Transaction,
  after: { readonly name: string; readonly alias: string } | undefined,
  limit: number,
) {
  const rows = await sql.query<{ name: string; uid: string; alias: string; version: number }>(
    `select m.name, m.uid, a.alias, a.version from registry.model m join registry.alias a on a.model = m.id
     where m.project_id = $1 and m.type <> 'prompt' and ($2::text is null or (m.name, a.alias) > ($2, $3))
     order by m.name, a.alias limit $4`,
    [projectId, after?.name ?? null, after?.alias ?? null, limit],
    'list_aliases',
  );
  return rows.map((row) => ({ ...row, kind: 'Model' as const, version: String(row.version) }));
}
