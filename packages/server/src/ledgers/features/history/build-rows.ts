import { DaisError } from '@dais/api';
import { type FeatureBuild } from '@dais/api/data';
import { cutPage } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { readPosition } from '../materialize/materialization-rows.ts';
import type { HistoryRequest } from './read-history.ts';

export interface BuildRequest extends HistoryRequest {
  /** The name of a version, as `flights@7`. */
  readonly entities?: string | undefined;
  readonly eventTime?: string | undefined;
  readonly to: string;
}

/** The input of a build, fixed when it is requested. */
export interface BuildVersions {
  /** By reference, such as `weather@latest`. */
  readonly sources: Readonly<Record<string, string>>;
  readonly entities: string | undefined;
  /** Names of versions, as `weather@3`. */
  readonly names: readonly string[];
  readonly entitiesName: string | undefined;
  readonly features: readonly string[];
}

export interface BuildRow {
  readonly id: string;
  readonly state: FeatureBuild['state'];
  readonly request: BuildRequest;
  readonly dataset: string;
  readonly versions: BuildVersions;
  readonly version_id: string | null;
  readonly version: number | null;
  readonly rows: bigint | null;
  readonly query: string | null;
  readonly error: string | null;
  readonly actor_type: 'user' | 'service' | 'system';
  readonly actor_id: string;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

const COLUMNS =
  'id, state, request, dataset, versions, version_id, version, rows, query, error, actor_type, actor_id, created_at, finished_at';

export function presentBuild(row: BuildRow): FeatureBuild {
  const { request, versions } = row;
  return {
    id: row.id,
    ...(request.service !== undefined && { service: request.service }),
    features: [...versions.features],
    ...(versions.entitiesName !== undefined && { entities: versions.entitiesName }),
    dataset: row.dataset,
    ...(row.version !== null && { version: row.version }),
    ...(row.version_id !== null && { versionId: row.version_id }),
    sources: [...versions.names],
    state: row.state,
    ...(row.rows !== null && { rows: Number(row.rows) }),
    ...(row.query !== null && { query: row.query }),
    ...(row.error !== null && { error: row.error }),
    createdBy: `${row.actor_type}:${row.actor_id}`,
    createdAt: row.created_at.toISOString(),
    ...(row.finished_at !== null && { finishedAt: row.finished_at.toISOString() }),
  };
}

export async function readBuild({ sql, projectId }: Transaction, id: string): Promise<BuildRow> {
  const [row] = await sql.query<BuildRow>(
    `select ${COLUMNS} from features.build where project_id = $1 and id = $2`,
    [projectId, id],
    'read_build',
  );
  if (row === undefined) throw new DaisError('not_found', `There is no build ${id}.`);
  return row;
}

export async function listBuilds(
  { sql, projectId }: Transaction,
  input: { readonly limit: number; readonly cursor?: string | undefined },
) {
  const filter = ['builds'];
  const rows = await sql.query<BuildRow>(
    `select ${COLUMNS} from features.build where project_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
    [projectId, readPosition(filter, input.cursor), input.limit + 1],
    'list_builds',
  );
  const { page, next } = cutPage(rows, input.limit, filter, ({ id }) => id);
  return { items: page.map(presentBuild), ...next };
}
