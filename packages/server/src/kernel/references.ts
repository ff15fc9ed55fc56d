import { DaisError, findReferences, StillHeld, type Issue } from '@dais/api';
import type { PlacedHolder } from '#kernel/refusal.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import type { ResourceRow } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace, WriteRace } from '#lib/write-race.ts';

/** One resource whose references are to be stored. */
export interface Referrer {
  readonly uid: string;
  readonly kind: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface DeclaredReference {
  readonly from: Referrer;
  readonly kind: string;
  readonly name: string;
  readonly path: string;
  /** The tenant of the target: that of the referrer, or the organization for kinds of the organization. */
  readonly projectId: string;
}

export function declaredReferences(kinds: KindRegistry, projectId: string, from: Referrer): DeclaredReference[] {
  return findReferences(kinds.get(from.kind).spec.spec, from.spec).map((found) => ({
    from,
    kind: found.kind,
    name: found.name,
    path: `spec.${found.path}`,
    projectId: kinds.find(found.kind)?.spec.scope === 'org' ? ORGANIZATION : projectId,
  }));
}

export const targetKey = (target: { projectId: string; kind: string; name: string }): string =>
  JSON.stringify([target.projectId, target.kind, target.name]);

/** Uids of the targets that are there for the caller and are not being deleted; `targetOf` reads it. */
export async function findTargets({ sql, unseen }: Transaction, declared: readonly DeclaredReference[]) {
  if (declared.length === 0) return new Map<string, string>();
  const rows = await sql.query<Pick<ResourceRow, 'uid' | 'project_id' | 'kind' | 'name'>>(
    `select uid, project_id, kind, name from kernel.resource
     where deletion_at is null and (project_id, kind, name) in (select * from unnest($1::uuid[], $2::text[], $3::text[]))`,
    [declared.map((item) => item.projectId), declared.map((item) => item.kind), declared.map((item) => item.name)],
    'reference_targets',
  );
  const found = rows.map((row) => [targetKey({ ...row, projectId: row.project_id }), row.uid] as const);
  return new Map(found.filter(([key]) => !unseen.has(key)));
}

export function targetOf(found: ReadonlyMap<string, string>, reference: DeclaredReference): string | undefined {
  return found.get(targetKey(reference));
}

/** Returns an issue for each of `declared` without a target; `exists` reports targets that the same apply creates. */
export function missingTargets(
  declared: readonly DeclaredReference[],
  found: ReadonlyMap<string, string>,
  exists: (target: DeclaredReference) => boolean = () => false,
): { readonly from: Referrer; readonly issue: Issue }[] {
  return declared
    .filter((item) => !found.has(targetKey(item)) && !exists(item))
    .map((item) => ({
      from: item.from,
      issue: { path: item.path, message: `there is no ${item.kind} "${item.name}"` },
    }));
}

/**
 * Stores the references of resources that were just written. The foreign key locks each target against deletion until
 * this transaction ends. @throws DaisError `reference_not_found`.
 */
export async function writeReferences(
  tx: Transaction,
  kinds: KindRegistry,
  projectId: string,
  referrers: readonly Referrer[],
): Promise<void> {
  if (referrers.length === 0) return;
  const declared = referrers.flatMap((from) => declaredReferences(kinds, projectId, from));
  // Kinds of the organization are outside the tenant that row-level security shows.
  await tx.enter('all');
  const found = await findTargets(tx, declared);
  const missing = missingTargets(declared, found);
  if (missing.length > 0) throw referenceNotFound(tx, missing);
  await tx.sql.query(
    'delete from kernel.reference where from_uid = any($1::uuid[])',
    [referrers.map((from) => from.uid)],
    'clear_references',
  );
  if (declared.length > 0) {
    const insert = tx.sql.query(
      `insert into kernel.reference (from_uid, to_uid, path, project_id)
       select *, $4::uuid from unnest($1::uuid[], $2::uuid[], $3::text[])`,
      [
        declared.map((item) => item.from.uid),
        declared.map((item) => found.get(targetKey(item))),
        declared.map((item) => item.path),
        projectId,
      ],
      'insert_references',
    );
    await foreignKeyRace(insert);
    // The foreign key now protects the targets; a concurrent deletion request is detected here.
    const still = await findTargets(tx, declared);
    if (missingTargets(declared, still).length > 0) throw new WriteRace('a target is being deleted');
  }
  await tx.enter(projectId);
}

function referenceNotFound(tx: Transaction, missing: ReturnType<typeof missingTargets>): DaisError {
  const first = missing[0];
  return new DaisError('reference_not_found', `${first?.from.kind} "${first?.from.name}": ${first?.issue.message}.`, {
    issues: missing.map((item) => item.issue),
    cause: [...tx.unseen.values()][0],
  });
}

/** Planned changes of references, for a plan without writes. */
export interface PlannedReferences {
  /** Uids of resources whose stored references will be removed. */
  readonly dropped: readonly string[];
  readonly added: readonly PlacedHolder[];
}

/** @throws StillHeld by holders outside the set that is deleted. */
export async function refuseWhileHeld(
  tx: Transaction,
  targets: readonly { readonly uid: string; readonly kind: string; readonly name: string }[],
  planned: PlannedReferences = { dropped: [], added: [] },
): Promise<void> {
  const within = tx.projectId;
  await tx.enter('all');
  const uids = targets.map((target) => target.uid);
  const stored = await tx.sql.query<PlacedHolder>(
    `select f.to_uid, r.kind, r.name, r.project_id, f.path
     from kernel.reference f join kernel.resource r on r.uid = f.from_uid
     where f.to_uid = any($1::uuid[]) and not f.from_uid = any($2::uuid[]) order by r.kind, r.name limit 21`,
    [uids, [...uids, ...planned.dropped]],
    'reference_holders',
  );
  await tx.enter(within);
  const holders = [...stored, ...planned.added.filter(({ to_uid }) => uids.some((uid) => uid === to_uid))];
  const held = targets.find((target) => target.uid === holders[0]?.to_uid);
  if (held !== undefined) throw new StillHeld(`${held.kind} "${held.name}" is used by`, holders);
}
