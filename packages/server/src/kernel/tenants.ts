import { labelNameSchema, StillHeld } from '@dais/api/config';
import { DaisError, type ErrorDetails } from '@dais/api/errors';
import type { Sql } from '#engines/database/contract.ts';
import type { PlacedHolder } from '#kernel/refusal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';

/** `project_id` of rows of the organization. */
export const ORGANIZATION = '00000000-0000-0000-0000-000000000000';
/** The tenant of requests that name none; it always exists. */
export const DEFAULT_TENANT = 'default';

export interface Tenant {
  readonly id: string;
  readonly name: string;
}

/** Null or absent: no limit. */
export interface TenantLimits {
  readonly resources?: number | undefined;
  readonly blobBytes?: number | undefined;
}

/**
 * Maps names to ids, cached for a second: long enough to save a query for most requests, short enough to notice a
 * deleted and re-created project soon. This is safe because the `project_id` of every row is a foreign key to the
 * tenant: a write into a deleted tenant fails.
 */
export class TenantDirectory {
  readonly #byName = new Map<string, { tenant: Tenant; until: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  cached(name: string): Tenant | undefined {
    const hit = this.#byName.get(name);
    return hit !== undefined && hit.until > this.#now() ? hit.tenant : undefined;
  }

  /** @throws DaisError `not_found`. */
  async resolve(sql: Sql, name: string): Promise<Tenant> {
    const cached = this.cached(name);
    if (cached !== undefined) return cached;
    const row = await findTenant(sql, name);
    if (row === undefined) throw noSuchProject(name);
    if (this.#byName.size >= 10_000) this.#byName.clear();
    this.#byName.set(name, { tenant: row, until: this.#now() + 1000 });
    return row;
  }
}

/** Also for one that the caller must not know of. */
export function noSuchProject(name: string, details?: ErrorDetails): DaisError {
  return new DaisError('not_found', `There is no project "${name.slice(0, 80)}".`, details);
}

export async function findTenant(sql: Sql, name: string): Promise<Tenant | undefined> {
  // Names come from addresses and headers: one that no project can have is not for the database.
  if (!labelNameSchema.safeParse(name).success) return undefined;
  const [row] = await sql.query<Tenant>('select id, name from kernel.tenant where name = $1', [name], 'tenant_by_name');
  return row;
}

export async function tenantNames(sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await sql.query<Tenant>(
    'select id, name from kernel.tenant where id = any($1::uuid[])',
    [ids],
    'tenant_names',
  );
  return new Map(rows.map((row) => [row.id, row.name]));
}

/** Creates the tenant, or changes its limits. */
export async function writeTenant(tx: Transaction, tenant: Tenant, limits: TenantLimits): Promise<void> {
  await tx.sql.query(
    `insert into kernel.tenant (id, name, max_resources, max_blob_bytes) values ($1, $2, $3, $4)
     on conflict (id) do update set max_resources = $3, max_blob_bytes = $4`,
    [tenant.id, tenant.name, limits.resources ?? null, limits.blobBytes ?? null],
  );
}

/**
 * Checks the resource quota of the tenant after creations. The row lock serializes concurrent creations in one tenant
 * with a limit, so that together they cannot exceed it. `planned`: before any write; `more` resources will be created,
 * and `limits` can be new. @throws DaisError `quota_exceeded`.
 */
export async function checkResourceQuota(
  tx: Transaction,
  tenant: Tenant,
  planned?: { readonly more: number; readonly limits: TenantLimits | undefined },
): Promise<void> {
  await tx.enter(tenant.id);
  const stored = 'select max_resources as resources from kernel.tenant where id = $1';
  const [limits] =
    planned?.limits === undefined
      ? await tx.sql.query<{ resources: bigint | null }>(stored, [tenant.id], 'tenant_limit')
      : [planned.limits];
  if (limits?.resources === undefined || limits.resources === null) return;
  if (planned === undefined) {
    await tx.sql.query('select 1 from kernel.tenant where id = $1 for no key update', [tenant.id]);
  }
  const count = 'select count(*) as n from kernel.resource where project_id = $1';
  const [held] = await tx.sql.query<{ n: bigint }>(count, [tenant.id]);
  const after = Number(held?.n ?? 0n) + (planned?.more ?? 0);
  if (after <= limits.resources) return;
  const message = `The resource quota of project "${tenant.name}" is ${limits.resources}, but this change requires ${after}.`;
  throw new DaisError('quota_exceeded', message);
}

/** Bytes that the tenant may hold; null: no limit. */
export async function byteQuota({ sql }: Transaction, tenantId: string): Promise<number | null> {
  const text = 'select max_blob_bytes as bytes from kernel.tenant where id = $1';
  const [row] = await sql.query<{ bytes: bigint | null }>(text, [tenantId], 'tenant_byte_quota');
  return row?.bytes === undefined || row.bytes === null ? null : Number(row.bytes);
}

/** Fails while anything still belongs to the tenant. @throws DaisError `still_referenced`, `invalid_state`. */
export async function deleteTenant(tx: Transaction, tenant: Tenant): Promise<void> {
  await refuseUnlessEmpty(tx, tenant);
  // Rows of the past that only name the tenant: they carry no foreign key and stay until retention removes them.
  await tx.enter(ORGANIZATION);
  await foreignKeyRace(tx.sql.query('delete from kernel.tenant where id = $1', [tenant.id]));
}

/** Planned changes of a tenant, in addition to its stored state: uids that will be deleted, and new resources. */
export interface PlannedContents {
  readonly gone: readonly string[];
  readonly created: readonly { readonly kind: string; readonly name: string }[];
}

/** @throws as `deleteTenant` does. */
export async function refuseUnlessEmpty(
  tx: Transaction,
  tenant: Tenant,
  planned: PlannedContents = { gone: [], created: [] },
): Promise<void> {
  if (tenant.name === DEFAULT_TENANT) {
    throw new DaisError(
      'invalid_state',
      `Project "${DEFAULT_TENANT}" cannot be deleted: requests without a project use it.`,
    );
  }
  await tx.enter(tenant.id);
  const held = await tx.sql.query<PlacedHolder>(
    `select kind, name, project_id from kernel.resource where project_id = $1 and not uid = any($2::uuid[])
     order by kind, name limit 21`,
    [tenant.id, planned.gone],
  );
  const holders = [...held, ...planned.created.map((one) => ({ ...one, project_id: tenant.id }))];
  if (holders.length > 0) throw new StillHeld(`"${tenant.name}" still contains`, holders);
}
