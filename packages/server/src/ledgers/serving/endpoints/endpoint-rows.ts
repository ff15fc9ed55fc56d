/** The served state of each endpoint. */
import { DaisError } from '@dais/api';
import type { EndpointSpec } from '@dais/api/serving';
import type { Transaction } from '#kernel/transaction.ts';

/** PostgreSQL channel on which writers notify publishers. A hint only. */
export const SERVING_CHANNEL = 'dais_serving';

export interface EndpointRequest {
  /** `user:ada`. */
  readonly by: string;
  readonly cause: 'deploy' | 'alias';
  readonly canary?: number | undefined;
}

export interface EndpointRow {
  readonly uid: string;
  readonly project_id: string;
  readonly name: string;
  readonly spec: EndpointSpec;
  readonly revision: bigint;
  readonly stable: string | null;
  readonly previous: string | null;
  readonly rejected: string | null;
  readonly active: Readonly<Record<string, string>>;
  readonly pending: Readonly<Record<string, string>>;
  readonly request: EndpointRequest;
  readonly quarantined: QuarantinedModels;
  /** References with which the manifest named the models of `active`. */
  readonly model_references: Readonly<Record<string, string>>;
  readonly refused: RefusedVariants;
}

/** Variants and shadows, by name, whose alias refers to a model that a policy refuses. */
export type RefusedVariants = Readonly<Record<string, RefusedVariant>>;

export interface RefusedVariant {
  /** Id of the refused model. */
  readonly model: string;
  readonly label: string;
  readonly reason: string;
  /** Time of the last evaluation; milliseconds since the Unix epoch. */
  readonly at: number;
}

/** By the ids of the models. */
export type QuarantinedModels = Readonly<Record<string, QuarantinedModel>>;

export interface QuarantinedModel {
  readonly label: string;
  readonly reason: string;
  /** RFC 3339, UTC. */
  readonly at: string;
}

const COLUMNS =
  'uid, project_id, name, spec, revision, stable, previous, rejected, active, pending, request, quarantined, model_references, refused';

export async function findEndpoint({ sql }: Transaction, uid: string): Promise<EndpointRow | undefined> {
  const [row] = await sql.query<EndpointRow>(
    `select ${COLUMNS} from serving.endpoint where uid = $1`,
    [uid],
    'find_endpoint',
  );
  return row;
}

/** The same with a row lock, for changes. */
export async function findEndpointForUpdate({ sql }: Transaction, uid: string): Promise<EndpointRow | undefined> {
  const [row] = await sql.query<EndpointRow>(
    `select ${COLUMNS} from serving.endpoint where uid = $1 for no key update`,
    [uid],
    'find_endpoint_for_update',
  );
  return row;
}

/** @throws DaisError `not_found`. */
export async function readEndpoint({ sql, projectId }: Transaction, name: string): Promise<EndpointRow> {
  const [row] = await sql.query<EndpointRow>(
    `select ${COLUMNS} from serving.endpoint where project_id = $1 and name = $2`,
    [projectId, name],
    'read_endpoint',
  );
  if (row === undefined) throw noSuchEndpoint(name);
  return row;
}

export function noSuchEndpoint(name: string): DaisError {
  return new DaisError('not_found', `There is no Endpoint "${name}".`);
}

/** Returns those of the names that are endpoints of the project. */
export async function findEndpointNames(
  { sql, projectId }: Transaction,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ name: string }>(
    'select name from serving.endpoint where project_id = $1 and name = any($2::text[])',
    [projectId, [...new Set(names)]],
    'existing_endpoints',
  );
  return new Set(rows.map(({ name }) => name));
}

/** Returns names of endpoints of the project, ordered, at most `limit`. */
export async function listEndpointNames({ sql, projectId }: Transaction, limit: number): Promise<readonly string[]> {
  const rows = await sql.query<{ name: string }>(
    'select name from serving.endpoint where project_id = $1 order by name limit $2',
    [projectId, limit],
    'endpoint_names',
  );
  return rows.map(({ name }) => name);
}

/** The same with a row lock, for changes. @throws DaisError `not_found`. */
export async function lockEndpoint({ sql, projectId }: Transaction, name: string): Promise<EndpointRow> {
  const [row] = await sql.query<EndpointRow>(
    `select ${COLUMNS} from serving.endpoint where project_id = $1 and name = $2 for no key update`,
    [projectId, name],
    'lock_endpoint',
  );
  if (row === undefined) throw new DaisError('not_found', `There is no Endpoint "${name}".`);
  return row;
}

/** Endpoints of every project, for snapshots. The caller's transaction sees all. */
export async function allEndpoints({ sql }: Transaction): Promise<readonly EndpointRow[]> {
  return await sql.query<EndpointRow>(`select ${COLUMNS} from serving.endpoint order by uid`, [], 'all_endpoints');
}

export interface EndpointChange {
  readonly stable?: string | null;
  readonly previous?: string | null;
  readonly rejected?: string | null;
  readonly active?: Readonly<Record<string, string>>;
  readonly pending?: Readonly<Record<string, string>>;
  readonly request?: EndpointRequest;
  readonly quarantined?: QuarantinedModels;
  readonly model_references?: Readonly<Record<string, string>>;
  readonly refused?: RefusedVariants;
}

export async function changeEndpoint(tx: Transaction, uid: string, change: EndpointChange): Promise<void> {
  // Columns that the change does not contain keep their values.
  await tx.sql.query(
    `update serving.endpoint e set revision = e.revision + 1,
       (stable, previous, rejected, active, pending, request, quarantined, model_references, refused) = (
         select n.stable, n.previous, n.rejected, n.active, n.pending, n.request, n.quarantined, n.model_references, n.refused
         from jsonb_populate_record(e, $2::jsonb) n)
     where e.uid = $1`,
    [uid, JSON.stringify(change)],
    'change_endpoint',
  );
  notifyPublishers(tx);
}

/** Sent when the transaction commits. */
export function notifyPublishers({ sql }: Transaction): void {
  sql.defer(`select pg_notify('${SERVING_CHANNEL}', '')`, [], 'tell_gateways');
}
