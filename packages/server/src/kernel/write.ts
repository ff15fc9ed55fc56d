import { API_VERSION, DaisError, eventTypes, type FieldChange } from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import { decide, type Decision, type Desired } from '#kernel/decide.ts';
import { refuseWhileHeld, writeReferences } from '#kernel/references.ts';
import { enqueueResources, wakeResources } from '#kernel/reconcile-queue.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { lockResources, presentResource, type ResourceRow } from '#kernel/store.ts';
import { foreignKeyRace, WriteRace } from '#lib/write-race.ts';
import { checkResourceQuota, deleteTenant, writeTenant, type Tenant } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';

export interface WriteOptions {
  readonly allow: 'create' | 'update' | 'both';
  readonly takeOver: boolean;
  /** Part of the revision and the event: `create`, `update`, `apply`, `rollback`. */
  readonly operation: string;
  /** Decide only; write nothing. */
  readonly dryRun: boolean;
}

/** One resource on its way through admission. */
export interface DecidedWrite {
  readonly desired: Desired;
  readonly definition: KindDefinition;
  readonly before: ResourceRow | undefined;
  readonly uid: string;
  readonly decision: Decision;
  /** What is stored: the authored spec without write-only values. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, unknown>> | undefined;
  readonly notes: readonly string[];
}

/** `error` instead of a decision, so that all errors of one apply are reported together. */
export type Outcome = { readonly write: DecidedWrite } | { readonly desired: Desired; readonly error: DaisError };

/** Locks (or, when planning, reads) what is there, runs the kinds' admission and decides about each. */
export async function decideWrites(
  tx: Transaction,
  kinds: KindRegistry,
  tenant: Tenant,
  requested: readonly Desired[],
  options: WriteOptions,
): Promise<Outcome[]> {
  await tx.enter(tenant.id);
  const rows = await lockResources(tx.sql, tenant.id, requested, !options.dryRun);
  const byKey = new Map(rows.map((row) => [JSON.stringify([row.kind, row.name]), row]));
  const outcomes: Outcome[] = [];
  for (const desired of requested) {
    const before = byKey.get(JSON.stringify([desired.kind, desired.name]));
    try {
      outcomes.push({ write: await decideOne(tx, kinds.get(desired.kind), tenant, desired, before, options) });
    } catch (error) {
      if (!(error instanceof DaisError)) throw error;
      outcomes.push({ desired, error });
    }
  }
  return outcomes;
}

async function decideOne(
  tx: Transaction,
  definition: KindDefinition,
  tenant: Tenant,
  desired: Desired,
  before: ResourceRow | undefined,
  options: WriteOptions,
): Promise<DecidedWrite> {
  const uid = before?.uid ?? uuidv7();
  // Decides once before the kind's admission, so that a rejected change never reaches it.
  const stripped = withoutFields(desired.spec, definition.spec.writeOnly ?? []);
  const rules = { allow: options.allow, takeOver: options.takeOver, immutable: definition.spec.immutable ?? [] };
  decide(before, { ...desired, spec: stripped }, { ...rules, hiddenChanges: [] });
  const admitted = await definition.admit?.(tx, {
    action: before === undefined ? 'create' : 'update',
    uid,
    projectId: tenant.id,
    name: desired.name,
    before: before === undefined ? undefined : presentResource(before, tenant.name),
    spec: desired.spec,
    rollback: options.operation === 'rollback',
    dryRun: options.dryRun,
  });
  const spec = admitted?.spec ?? stripped;
  const decision = decide(before, { ...desired, spec }, { ...rules, hiddenChanges: admitted?.changedPaths ?? [] });
  const notes = decision.action === 'unchanged' ? [] : (admitted?.notes ?? []);
  return { desired, definition, before, uid, decision, spec, status: admitted?.status, notes };
}

function withoutFields(spec: Readonly<Record<string, unknown>>, fields: readonly string[]) {
  return fields.length === 0
    ? spec
    : Object.fromEntries(Object.entries(spec).filter(([field]) => !fields.includes(field)));
}

export interface WrittenVersion {
  readonly uid: string;
  readonly generation: bigint;
  readonly version: bigint;
}

/** Writes decided changes with a fixed number of statements, however many there are. */
export async function performWrites(
  tx: Transaction,
  kinds: KindRegistry,
  tenant: Tenant,
  writes: readonly DecidedWrite[],
  operation: string,
): Promise<ReadonlyMap<string, WrittenVersion>> {
  const created = writes.filter((write) => write.decision.action === 'create');
  const updated = writes.filter((write) => write.decision.action === 'update');
  const adopted = writes.filter((write) => write.decision.action === 'unchanged' && write.decision.ownerChanged);
  await tx.enter(tenant.id);
  const versions = [
    ...(await insertRows(tx, tenant, created)),
    ...(await updateRows(tx, updated)),
    ...(await adoptRows(tx, adopted)),
  ];
  const changed = [...created, ...updated];
  const written = new Map(versions.map((row) => [row.uid, row]));
  if (changed.length > 0) {
    await insertRevisions(tx, tenant, changed, written, operation);
    for (const write of changed) {
      const limits = write.definition.tenant?.(write.spec);
      if (limits !== undefined) await writeTenant(tx, { id: write.uid, name: write.desired.name }, limits);
    }
    await writeReferences(
      tx,
      kinds,
      tenant.id,
      changed.map(({ uid, desired, spec }) => ({ uid, kind: desired.kind, name: desired.name, spec })),
    );
    const controlled = changed.filter((write) => write.definition.controller !== undefined);
    if (controlled.length > 0) {
      await enqueueResources(
        tx.sql,
        tenant.id,
        controlled.map(({ uid, desired }) => ({ uid, kind: desired.kind })),
      );
    }
  }
  // At the end, because deletions of the same transaction make room.
  if (created.length > 0) tx.checkAtEnd(`quota ${tenant.id}`, () => checkResourceQuota(tx, tenant));
  for (const write of changed) emitWrite(tx, tenant, write, written.get(write.uid), operation);
  return written;
}

async function insertRows(tx: Transaction, tenant: Tenant, writes: readonly DecidedWrite[]): Promise<WrittenVersion[]> {
  if (writes.length === 0) return [];
  const insert = tx.sql.query<WrittenVersion>(
    `insert into kernel.resource
       (uid, project_id, kind, name, api_version, origin, owner, generation, labels, annotations, spec, status, source, finalizers)
     select uid, $2, kind, name, $3, origin, owner, 1, labels, annotations, spec, coalesce(status, '{}'), source,
       coalesce(finalizers, '{}')
     from json_to_recordset($1::json) as r(uid uuid, kind text, name text, origin text, owner text, labels jsonb,
       annotations jsonb, spec json, status jsonb, source jsonb, finalizers text[])
     on conflict (project_id, kind, name) do nothing
     returning uid, generation, version`,
    [JSON.stringify(writes.map(rowOf)), tenant.id, API_VERSION],
    'insert_resources',
  );
  const rows = await foreignKeyRace(insert, () => new DaisError('not_found', `There is no project "${tenant.name}".`));
  if (rows.length < writes.length) throw new WriteRace('a resource of the same name was created concurrently');
  return rows;
}

async function updateRows(tx: Transaction, writes: readonly DecidedWrite[]): Promise<WrittenVersion[]> {
  if (writes.length === 0) return [];
  return await tx.sql.query<WrittenVersion>(
    `update kernel.resource t
     set labels = r.labels, annotations = r.annotations, spec = r.spec, api_version = $2, origin = r.origin,
       owner = coalesce(r.owner, t.owner), status = t.status || coalesce(r.status, '{}'), source = r.source,
       generation = t.generation + 1, version = nextval('kernel.version'), updated_at = now()
     from json_to_recordset($1::json) as r(uid uuid, origin text, owner text, labels jsonb, annotations jsonb, spec json,
       status jsonb, source jsonb)
     where t.uid = r.uid returning t.uid, t.generation, t.version`,
    [JSON.stringify(writes.map(rowOf)), API_VERSION],
    'update_resources',
  );
}

function rowOf(write: DecidedWrite): Record<string, unknown> {
  const { desired, definition } = write;
  return {
    uid: write.uid,
    kind: desired.kind,
    name: desired.name,
    origin: desired.origin,
    owner: desired.owner,
    labels: desired.labels,
    annotations: desired.annotations,
    spec: write.spec,
    status: write.status,
    source: desired.source,
    ...(definition.controller?.finalizer !== undefined && { finalizers: [definition.controller.finalizer] }),
  };
}

/** The same content under another set of manifests or another tool: no revision, no event. */
async function adoptRows(tx: Transaction, writes: readonly DecidedWrite[]): Promise<WrittenVersion[]> {
  if (writes.length === 0) return [];
  return await tx.sql.query<WrittenVersion>(
    `update kernel.resource t set owner = coalesce(r.owner, t.owner), origin = r.origin, version = nextval('kernel.version')
     from json_to_recordset($1::json) as r(uid uuid, owner text, origin text) where t.uid = r.uid
     returning t.uid, t.generation, t.version`,
    [JSON.stringify(writes.map(({ uid, desired }) => ({ uid, owner: desired.owner, origin: desired.origin })))],
  );
}

async function insertRevisions(
  tx: Transaction,
  tenant: Tenant,
  writes: readonly DecidedWrite[],
  written: ReadonlyMap<string, WrittenVersion>,
  operation: string,
): Promise<void> {
  const rows = writes.map((write) => ({ ...rowOf(write), generation: String(written.get(write.uid)?.generation) }));
  await tx.sql.query(
    `insert into kernel.revision
       (uid, generation, project_id, kind, name, api_version, labels, annotations, spec, operation, actor, source)
     select uid, generation, $2, kind, name, $3, labels, annotations, spec, $4, $5, source
     from json_to_recordset($1::json) as r(uid uuid, generation bigint, kind text, name text, labels jsonb,
       annotations jsonb, spec json, source jsonb)`,
    [
      JSON.stringify(rows),
      tenant.id,
      API_VERSION,
      operation,
      JSON.stringify({ type: tx.by.principal.type, id: tx.by.principal.id }),
    ],
    'insert_revisions',
  );
}

function emitWrite(
  tx: Transaction,
  tenant: Tenant,
  write: DecidedWrite,
  version: WrittenVersion | undefined,
  operation: string,
): void {
  const generation = Number(version?.generation ?? 1n);
  const subject = { kind: write.desired.kind, name: write.desired.name, uid: write.uid };
  if (write.decision.action === 'create') {
    tx.emit({ type: eventTypes.resourceCreated, projectId: tenant.id, subject, data: { generation, operation } });
  } else {
    const fields = write.decision.fields.map((field: FieldChange) => field.path).slice(0, 100);
    tx.emit({
      type: eventTypes.resourceUpdated,
      projectId: tenant.id,
      subject,
      data: { generation, operation, fields },
    });
  }
}

/**
 * Deletes locked rows of one tenant: immediately, or by a deletion request if a controller must clean up first. Returns
 * the rows that wait. @throws DaisError `still_referenced`.
 */
export async function deleteResources(
  tx: Transaction,
  kinds: KindRegistry,
  tenant: Tenant,
  rows: readonly ResourceRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.enter(tenant.id);
  // From here on no new reference to them is possible.
  await tx.sql.query(
    'select 1 from kernel.resource where uid = any($1::uuid[]) order by kind, name for update',
    [rows.map((row) => row.uid)],
    'lock_deleted',
  );
  await refuseWhileHeld(tx, rows);
  const now = rows.filter((row) => row.finalizers.length === 0);
  const later = rows.filter((row) => row.finalizers.length > 0 && row.deletion_at === null);
  if (later.length > 0) await requestDeletion(tx, later);
  for (const row of rows) {
    const admit = kinds.find(row.kind)?.admit;
    if (row.deletion_at !== null) continue;
    await admit?.(tx, {
      action: 'delete',
      uid: row.uid,
      projectId: tenant.id,
      name: row.name,
      before: presentResource(row, tenant.name),
      spec: undefined,
      rollback: false,
      dryRun: false,
    });
  }
  await removeResources(tx, kinds, tenant, now);
}

async function requestDeletion(tx: Transaction, rows: readonly ResourceRow[]): Promise<void> {
  const uids = rows.map((row) => row.uid);
  await tx.sql.query(
    `update kernel.resource set deletion_at = now(), version = nextval('kernel.version'), updated_at = now()
     where uid = any($1::uuid[])`,
    [uids],
  );
  await wakeResources(tx.sql, uids);
  for (const row of rows) {
    tx.emit({
      type: eventTypes.resourceDeleting,
      projectId: row.project_id,
      subject: { kind: row.kind, name: row.name, uid: row.uid },
      data: { generation: Number(row.generation), finalizers: [...row.finalizers] },
    });
  }
}

/** Deletes rows permanently. Their revisions stay until retention deletes them. */
export async function removeResources(
  tx: Transaction,
  kinds: KindRegistry,
  tenant: Tenant,
  rows: readonly ResourceRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const uids = rows.map((row) => row.uid);
  for (const row of rows) {
    if (kinds.find(row.kind)?.tenant !== undefined) await deleteTenant(tx, { id: row.uid, name: row.name });
  }
  await tx.enter(tenant.id);
  // References first: the order of foreign key checks within one statement is not defined.
  await tx.sql.query('delete from kernel.reference where from_uid = any($1::uuid[])', [uids]);
  await foreignKeyRace(tx.sql.query('delete from kernel.resource where uid = any($1::uuid[])', [uids]));
  for (const row of rows) {
    tx.emit({
      type: eventTypes.resourceDeleted,
      projectId: row.project_id,
      subject: { kind: row.kind, name: row.name, uid: row.uid },
      data: { object: presentResource(row, tenant.name) },
    });
  }
}
