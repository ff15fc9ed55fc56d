import { DaisError, type Actor } from '@dais/api';
import type { ModelVersion, RegisteredModel } from '@dais/api/registry';
import type { Sql } from '#engines/database/contract.ts';

/** A model with a locked row: changes of it, its versions or aliases are sequential. */
export interface LockedModel {
  readonly id: bigint;
  readonly uid: string;
  readonly name: string;
  readonly type: 'model' | 'prompt';
  readonly spec_description: string | null;
  readonly created_at: bigint;
}

export function modelNotFound(name: string): DaisError {
  return new DaisError('not_found', `There is no Model "${name}".`);
}

export function versionNotFound(name: string, version: number): DaisError {
  return new DaisError('not_found', `Model "${name}" has no version ${version}.`);
}

/** @throws DaisError `not_found`. */
export async function lockModel(sql: Sql, projectId: string, name: string): Promise<LockedModel> {
  const [row] = await sql.query<LockedModel>(
    `select id, uid, name, type, spec_description, created_at from registry.model
     where project_id = $1 and name = $2 for no key update`,
    [projectId, name],
    'lock_model',
  );
  if (row === undefined) throw modelNotFound(name);
  return row;
}

/** Updates the timestamp of the model after a change of its versions or stages. */
export async function touchModel({ sql }: { readonly sql: Sql }, { id }: LockedModel, now: number): Promise<void> {
  await sql.query('update registry.model set updated_at = $2 where id = $1', [id, now], 'touch_model');
}

const VERSION_FIELDS = `v.version, v.created_at, v.updated_at, v.created_by, v.description, v.source, v.artifact_uri,
  v.run_id, v.logged_model_id, v.run_link, v.stage,
  (select coalesce(json_object_agg(t.key, t.value), '{}') from registry.version_tag t
   where t.model = v.model and t.version = v.version) as tags,
  (select coalesce(json_agg(a.alias order by a.alias), '[]') from registry.alias a
   where a.model = v.model and a.version = v.version) as aliases`;

interface VersionFields {
  readonly version: number;
  readonly created_at: bigint | number;
  readonly updated_at: bigint | number;
  readonly created_by: Actor;
  readonly description: string;
  readonly source: string;
  readonly artifact_uri: string;
  readonly run_id: string | null;
  readonly logged_model_id: string | null;
  readonly run_link: string | null;
  readonly stage: ModelVersion['stage'];
  readonly tags: Record<string, string>;
  readonly aliases: string[];
}

interface VersionRow extends VersionFields {
  readonly model: string;
  readonly type: ModelVersion['type'];
}

function presentVersion(row: VersionFields, model: string, type: ModelVersion['type']): ModelVersion {
  return {
    model,
    type,
    version: row.version,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    createdBy: row.created_by,
    description: row.description,
    source: row.source,
    artifactUri: row.artifact_uri,
    ...(row.run_id !== null && { runId: row.run_id }),
    ...(row.logged_model_id !== null && { loggedModelId: row.logged_model_id }),
    ...(row.run_link !== null && { runLink: row.run_link }),
    stage: row.stage,
    tags: row.tags,
    aliases: row.aliases,
  };
}

/** @throws DaisError `not_found`, for the model or the version. */
export async function readVersion(sql: Sql, projectId: string, name: string, version: number): Promise<ModelVersion> {
  const [row] = await sql.query<VersionRow>(
    `select ${VERSION_FIELDS}, m.name as model, m.type from registry.version v join registry.model m on m.id = v.model
     where m.project_id = $1 and m.name = $2 and v.version = $3`,
    [projectId, name, version],
    'read_version',
  );
  if (row !== undefined) return presentVersion(row, row.model, row.type);
  await requireModel(sql, projectId, name);
  throw versionNotFound(name, version);
}

/** @throws DaisError `not_found`, for the model or the alias. */
export async function readByAlias(sql: Sql, projectId: string, name: string, alias: string): Promise<ModelVersion> {
  const [row] = await sql.query<VersionRow>(
    `select ${VERSION_FIELDS}, m.name as model, m.type
     from registry.model m join registry.alias l on l.model = m.id
     join registry.version v on v.model = m.id and v.version = l.version
     where m.project_id = $1 and m.name = $2 and l.alias = $3`,
    [projectId, name, alias],
    'read_by_alias',
  );
  if (row !== undefined) return presentVersion(row, row.model, row.type);
  await requireModel(sql, projectId, name);
  throw new DaisError('not_found', `Model "${name}" has no alias "${alias}".`);
}

/** @throws DaisError `not_found`, for the model, or if it has no version (in this stage). */
export async function readNewestVersion(
  sql: Sql,
  projectId: string,
  name: string,
  stage?: ModelVersion['stage'],
): Promise<ModelVersion> {
  const [row] = await sql.query<VersionRow>(
    `select ${VERSION_FIELDS}, m.name as model, m.type from registry.version v join registry.model m on m.id = v.model
     where m.project_id = $1 and m.name = $2 and ($3::text is null or v.stage = $3)
     order by v.version desc limit 1`,
    [projectId, name, stage ?? null],
    'read_newest_version',
  );
  if (row !== undefined) return presentVersion(row, row.model, row.type);
  await requireModel(sql, projectId, name);
  throw new DaisError(
    'not_found',
    `Model "${name}" has no versions${stage === undefined ? '' : ` in stage ${stage}`}.`,
  );
}

async function requireModel(sql: Sql, projectId: string, name: string): Promise<void> {
  const found = await sql.query(
    'select 1 from registry.model where project_id = $1 and name = $2',
    [projectId, name],
    'has_model',
  );
  if (found.length === 0) throw modelNotFound(name);
}

/** Ordered by key. */
export async function hydrateVersions(
  sql: Sql,
  keys: readonly { readonly model: bigint; readonly version: number }[],
): Promise<ModelVersion[]> {
  const rows = await sql.query<VersionRow>(
    `select ${VERSION_FIELDS}, m.name as model, m.type
     from unnest($1::bigint[], $2::int[]) with ordinality as k(model, version, at)
     join registry.version v on v.model = k.model and v.version = k.version
     join registry.model m on m.id = v.model order by k.at`,
    [keys.map((key) => key.model), keys.map((key) => key.version)],
    'hydrate_versions',
  );
  return rows.map((row) => presentVersion(row, row.model, row.type));
}

interface ModelRow {
  readonly name: string;
  readonly uid: string;
  readonly type: RegisteredModel['type'];
  readonly description: string | null;
  readonly created_at: bigint;
  readonly updated_at: bigint;
  readonly tags: Record<string, string>;
  readonly aliases: Record<string, number>;
  readonly latest: readonly VersionFields[];
}

const MODEL_FIELDS = `m.name, m.uid, m.type, coalesce(m.spec_description, m.description) as description, m.created_at, m.updated_at,
  (select coalesce(json_object_agg(t.key, t.value), '{}') from registry.model_tag t where t.model = m.id) as tags,
  (select coalesce(json_object_agg(a.alias, a.version), '{}') from registry.alias a where a.model = m.id) as aliases,
  (select coalesce(json_agg(l order by l.version), '[]') from (
     select distinct on (v.stage) ${VERSION_FIELDS} from registry.version v where v.model = m.id
     order by v.stage, v.version desc) l) as latest`;

function presentModel(row: ModelRow): RegisteredModel {
  return {
    name: row.name,
    uid: row.uid,
    type: row.type,
    description: row.description ?? '',
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    tags: row.tags,
    aliases: row.aliases,
    latestVersions: row.latest.map((version) => presentVersion(version, row.name, row.type)),
  };
}

/** @throws DaisError `not_found`. */
export async function readModel(sql: Sql, projectId: string, name: string): Promise<RegisteredModel> {
  const [row] = await sql.query<ModelRow>(
    `select ${MODEL_FIELDS} from registry.model m where m.project_id = $1 and m.name = $2`,
    [projectId, name],
    'read_model',
  );
  if (row === undefined) throw modelNotFound(name);
  return presentModel(row);
}

/** Ordered by id. */
export async function hydrateModels(sql: Sql, ids: readonly bigint[]): Promise<RegisteredModel[]> {
  const rows = await sql.query<ModelRow>(
    `select ${MODEL_FIELDS} from unnest($1::bigint[]) with ordinality as k(id, at)
     join registry.model m on m.id = k.id order by k.at`,
    [ids],
    'hydrate_models',
  );
  return rows.map(presentModel);
}
