/** Damaged objects with the names of what refers to them. */
import type { DamagedContent, DamagedContentOwner } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, NameOwners, OwnerName } from '#kernel/content/owner-names.ts';
import { listDamaged, type DamagedObject } from './content-damage.ts';

/** The transaction must see all projects. */
export async function listDamagedContent(
  sql: Sql,
  page: { readonly after: string; readonly limit: number },
  ledgers: readonly NameOwners[],
): Promise<DamagedContent[]> {
  return await nameDamaged(sql, await listDamaged(sql, page), ledgers);
}

async function nameDamaged(
  sql: Sql,
  objects: readonly DamagedObject[],
  ledgers: readonly NameOwners[],
): Promise<DamagedContent[]> {
  const references = objects.flatMap((object) => object.references);
  const names: OwnerName[] = [];
  for (const ledger of ledgers) names.push(...(await ledger(sql, references)));
  const projects = await projectNames(sql, references);
  return objects.map(({ locator, sha256, size, kind, foundAt, references: own }) => ({
    locator,
    sha256,
    size,
    kind,
    foundAt: foundAt.toISOString(),
    owners: own.flatMap((reference) => ownersOf(reference, names, projects)),
  }));
}

function ownersOf(
  { projectId, owner, name: file }: DamagedReference,
  names: readonly OwnerName[],
  projects: ReadonlyMap<string, string>,
): DamagedContentOwner[] {
  const project = projects.get(projectId) ?? projectId;
  const known = names.filter(
    (one) => one.projectId === projectId && one.owner === owner && (one.file === undefined || one.file === file),
  );
  const own = { project, kind: owner === projectId ? 'artifact' : 'record', name: owner === projectId ? file : owner };
  const owners = known.length === 0 || owner === projectId ? [own] : [];
  return [...owners, ...known.map(({ kind, name }) => ({ project, kind, name }))].map((one) => ({ ...one, file }));
}

async function projectNames(sql: Sql, references: readonly DamagedReference[]): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.query<{ id: string; name: string }>(
    'select id, name from kernel.tenant where id = any($1::uuid[])',
    [[...new Set(references.map(({ projectId }) => projectId))]],
    'content_projects',
  );
  return new Map(rows.map(({ id, name }) => [id, name]));
}
