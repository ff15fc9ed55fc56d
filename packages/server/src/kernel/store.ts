import type { Resource, Revision, Source } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { RowFilter } from '#kernel/principal.ts';
import { allOf, composeStatement } from '#lib/composed-sql.ts';

/** A row of kernel.resource. */
export interface ResourceRow {
  readonly uid: string;
  readonly project_id: string;
  readonly kind: string;
  readonly name: string;
  readonly api_version: string;
  readonly origin: string;
  readonly owner: string | null;
  readonly generation: bigint;
  readonly version: bigint;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly spec: Record<string, unknown>;
  readonly status: Record<string, unknown>;
  readonly source: Source | null;
  readonly finalizers: readonly string[];
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deletion_at: Date | null;
}

const COLUMNS =
  'uid, project_id, kind, name, api_version, origin, owner, generation, version, labels, annotations, spec, status, source, finalizers, created_at, updated_at, deletion_at';

/** The row for readers. `project` is the tenant's name; empty for the organization. */
export function presentResource(row: ResourceRow, project: string): Resource {
  return {
    apiVersion: row.api_version,
    kind: row.kind,
    metadata: {
      uid: row.uid,
      name: row.name,
      ...(project !== '' && { project }),
      labels: row.labels,
      annotations: row.annotations,
      origin: row.origin,
      ...(row.owner !== null && { owner: row.owner }),
      generation: Number(row.generation),
      resourceVersion: String(row.version),
      createdAt: row.created_at.toISOString(),
      updatedAt: row.updated_at.toISOString(),
      ...(row.deletion_at !== null && { deletionRequestedAt: row.deletion_at.toISOString() }),
      ...(row.finalizers.length > 0 && { finalizers: [...row.finalizers] }),
      ...(row.source !== null && { source: row.source }),
    },
    spec: row.spec,
    status: row.status,
  };
}

export async function readResource(
  sql: Sql,
  projectId: string,
  kind: string,
  name: string,
): Promise<ResourceRow | undefined> {
  const [row] = await sql.query<ResourceRow>(
    `select ${COLUMNS} from kernel.resource where project_id = $1 and kind = $2 and name = $3`,
    [projectId, kind, name],
    'read_resource',
  );
  return row;
}

/** Several of one kind; in no order. */
export async function readResources(
  sql: Sql,
  projectId: string,
  kind: string,
  names: readonly string[],
): Promise<ResourceRow[]> {
  return await sql.query<ResourceRow>(
    `select ${COLUMNS} from kernel.resource where project_id = $1 and kind = $2 and name = any($3::text[])`,
    [projectId, kind, names],
    'read_resources',
  );
}

/**
 * Returns the existing ones of the named resources. `lock` locks them until the transaction ends, in one order for all
 * callers, so that two applies of the same documents cannot deadlock; others may still reference them.
 */
export async function lockResources(
  sql: Sql,
  projectId: string,
  keys: readonly { readonly kind: string; readonly name: string }[],
  lock: boolean,
): Promise<ResourceRow[]> {
  return await sql.query<ResourceRow>(
    `select ${COLUMNS} from kernel.resource
     where project_id = $1 and (kind, name) in (select * from unnest($2::text[], $3::text[]))
     order by kind, name ${lock ? 'for no key update' : ''}`,
    [projectId, keys.map((key) => key.kind), keys.map((key) => key.name)],
    lock ? 'lock_resources' : 'look_resources',
  );
}

/** Returns the resources of a set of manifests in all visible tenants, for prune. */
export async function readOwned(sql: Sql, owner: string, origin: string): Promise<ResourceRow[]> {
  return await sql.query<ResourceRow>(
    `select ${COLUMNS} from kernel.resource where owner = $1 and origin = $2 order by project_id, kind, name`,
    [owner, origin],
    'read_owned',
  );
}

export async function readByUid(sql: Sql, uids: readonly string[]): Promise<ResourceRow[]> {
  return await sql.query<ResourceRow>(
    `select ${COLUMNS} from kernel.resource where uid = any($1::uuid[])`,
    [uids],
    'read_by_uid',
  );
}

export interface ListFilter {
  readonly projectId: string;
  readonly kind: string;
  /** Names after this one, bytewise. */
  readonly after: string;
  readonly limit: number;
  readonly origin?: string | undefined;
  readonly owner?: string | undefined;
  /** Labels that must have these values. */
  readonly equal: Readonly<Record<string, string>>;
  readonly notEqual: readonly { readonly key: string; readonly value: string }[];
  readonly present: readonly string[];
  readonly absent: readonly string[];
  /** What the caller may see of them. */
  readonly rows?: RowFilter | undefined;
}

export async function listResources(sql: Sql, filter: ListFilter): Promise<ResourceRow[]> {
  const { text, values } = composeStatement(
    (bind) => `select ${COLUMNS} from kernel.resource r
     where project_id = $1 and kind = $2 and name > $3
       and ($5::text is null or origin = $5) and ($6::text is null or owner = $6)
       and labels @> $7::jsonb
       and not exists (select 1 from unnest($8::text[], $9::text[]) n(k, v) where r.labels ->> n.k = n.v)
       and labels ?& $10::text[] and not labels ?| $11::text[] and ${allOf([filter.rows?.sql(bind)])}
     order by name limit $4`,
    [
      filter.projectId,
      filter.kind,
      filter.after,
      filter.limit,
      filter.origin ?? null,
      filter.owner ?? null,
      JSON.stringify(filter.equal),
      filter.notEqual.map((item) => item.key),
      filter.notEqual.map((item) => item.value),
      filter.present,
      filter.absent,
    ],
  );
  // The text differs for each set of policies, so it is not cached as a prepared statement.
  return await sql.query<ResourceRow>(text, values, filter.rows === undefined ? 'list_resources' : undefined);
}

export interface RevisionRow {
  readonly generation: bigint;
  readonly at: Date;
  readonly actor: Revision['actor'];
  readonly operation: string;
  readonly api_version: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly spec: Record<string, unknown>;
  readonly source: Source | null;
}

const REVISION_COLUMNS = 'generation, at, actor, operation, api_version, labels, annotations, spec, source';

export function presentRevision(row: RevisionRow): Revision {
  return {
    generation: Number(row.generation),
    at: row.at.toISOString(),
    actor: row.actor,
    operation: row.operation,
    apiVersion: row.api_version,
    labels: row.labels,
    annotations: row.annotations,
    spec: row.spec,
    ...(row.source !== null && { source: row.source }),
  };
}

/** Newest first, below `before`. */
export async function listRevisions(sql: Sql, uid: string, before: bigint, limit: number): Promise<RevisionRow[]> {
  return await sql.query<RevisionRow>(
    `select ${REVISION_COLUMNS} from kernel.revision where uid = $1 and generation < $2 order by generation desc limit $3`,
    [uid, before, limit],
    'list_revisions',
  );
}

export async function readRevision(sql: Sql, uid: string, generation: bigint): Promise<RevisionRow | undefined> {
  const [row] = await sql.query<RevisionRow>(
    `select ${REVISION_COLUMNS} from kernel.revision where uid = $1 and generation = $2`,
    [uid, generation],
    'read_revision',
  );
  return row;
}

/** Every resource of some kinds, in all tenants that the transaction sees. For kinds of which there are few. */
export async function readKinds(sql: Sql, kinds: readonly string[]): Promise<ResourceRow[]> {
  return await sql.query<ResourceRow>(
    `select ${COLUMNS} from kernel.resource where kind = any($1::text[]) and deletion_at is null
     order by project_id, kind, name`,
    [kinds],
    'read_kinds',
  );
}
