/** Reads and writes rows of pipelines and their versions. The admission of a Pipeline resource writes its rows. */
import { createHash } from 'node:crypto';
import { DaisError, eventTypes, type EventType } from '@dais/api';
import type { PipelineVersion } from '@dais/api/executions';
import type { Sql } from '#engines/database/contract.ts';
import type { AdmittedChange } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import { uuidv7 } from '#lib/ids.ts';

/** Format of pipelines whose steps are in their manifest. */
export const STEPS_FORMAT = 'steps';
const LARGEST_DOCUMENT = 4 * 1024 * 1024;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface PipelineRow {
  readonly uid: string;
  readonly name: string;
}

export interface VersionRow {
  readonly id: string;
  readonly pipeline: string;
  readonly n: number;
  readonly name: string;
  readonly display_name: string | null;
  readonly description: string | null;
  readonly source_url: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly format: string;
  readonly digest: string;
  readonly actor_type: string;
  readonly actor_id: string;
  readonly created_at: Date;
}

export interface WholeVersionRow extends VersionRow {
  readonly document: string;
}

const VERSION_COLUMNS =
  'id, pipeline, n, name, display_name, description, source_url, tags, format, digest, actor_type, actor_id, created_at';

export interface NewVersion {
  readonly name?: string | undefined;
  readonly displayName?: string | undefined;
  readonly description?: string | undefined;
  readonly sourceUrl?: string | undefined;
  readonly tags?: Readonly<Record<string, string>>;
  readonly format: string;
  readonly document: unknown;
}

/**
 * Updates the rows of a Pipeline resource, in the transaction of the change. Only changed steps create a new version.
 */
export async function admitPipeline(tx: Transaction, change: AdmittedChange): Promise<void> {
  const { projectId, uid, name, spec, dryRun } = change;
  if (dryRun) return;
  if (spec === undefined) {
    await tx.sql.query(
      'delete from executions.pipeline where project_id = $1 and uid = $2',
      [projectId, uid],
      'drop_pipeline',
    );
    return;
  }
  const { description, ...document } = spec;
  await tx.sql.query(
    `insert into executions.pipeline as p (uid, project_id, name, description) values ($1, $2, $3, $4)
     on conflict (uid) do update set description = excluded.description, updated_at = clock_timestamp()
       where p.description is distinct from excluded.description`,
    [uid, projectId, name, description ?? null],
    'admit_pipeline',
  );
  if (document['steps'] === undefined) return;
  const newest = await newestVersion(tx.sql, uid);
  if (newest?.format === STEPS_FORMAT && newest.digest === digestOf(canonicalJson(document))) return;
  await addVersion(tx, { uid, name }, { format: STEPS_FORMAT, document });
}

/** @throws DaisError `already_exists`, `too_large` */
export async function addVersion(tx: Transaction, pipeline: PipelineRow, input: NewVersion): Promise<VersionRow> {
  const document = canonicalJson(input.document);
  if (Buffer.byteLength(document) > LARGEST_DOCUMENT) {
    throw new DaisError(
      'too_large',
      `The pipeline has more than ${LARGEST_DOCUMENT} bytes as JSON. Split it into several pipelines, or pass large values as files.`,
    );
  }
  // The lock serializes the numbering of versions.
  await tx.sql.query('select 1 from executions.pipeline where uid = $1 for update', [pipeline.uid], 'lock_pipeline');
  const { principal } = tx.by;
  const [row] = await tx.sql.query<VersionRow>(
    `insert into executions.pipeline_version (id, project_id, pipeline, n, name, display_name, description, source_url,
       tags, format, document, digest, actor_type, actor_id)
     select $1, $2, $3, n, coalesce($4, n::text), $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13
     from (select coalesce(max(n), 0) + 1 as n from executions.pipeline_version where pipeline = $3) next
     on conflict (pipeline, name) do nothing returning ${VERSION_COLUMNS}`,
    [
      uuidv7(),
      tx.projectId,
      pipeline.uid,
      input.name ?? null,
      input.displayName ?? null,
      input.description ?? null,
      input.sourceUrl ?? null,
      JSON.stringify(input.tags ?? {}),
      input.format,
      document,
      digestOf(document),
      principal.type,
      principal.id,
    ],
    'add_pipeline_version',
  );
  if (row === undefined) {
    const detail = `Pipeline "${pipeline.name}" already has a version "${input.name ?? ''}". Choose another name.`;
    throw new DaisError('already_exists', detail);
  }
  emitPipelineEvent(tx, eventTypes.pipelineVersionCreated, pipeline, { version: row.n, format: row.format });
  return row;
}

/** @throws DaisError `not_found` */
export async function requirePipeline(sql: Sql, projectId: string, name: string): Promise<PipelineRow> {
  const [row] = await sql.query<PipelineRow>(
    'select uid, name from executions.pipeline where project_id = $1 and name = $2',
    [projectId, name],
    'pipeline_by_name',
  );
  if (row === undefined) throw new DaisError('not_found', `There is no Pipeline "${name}" in this project.`);
  return row;
}

/** Returns a version by `latest`, number, name or id. @throws DaisError `not_found` */
export async function requireVersion(sql: Sql, pipeline: PipelineRow, version: string): Promise<WholeVersionRow> {
  const row = await versionNamed(sql, pipeline, version);
  if (row !== undefined) return row;
  const detail =
    version === 'latest'
      ? `Pipeline "${pipeline.name}" has no version yet. Add steps to its manifest, or upload a version.`
      : `Pipeline "${pipeline.name}" has no version "${version}".`;
  throw new DaisError('not_found', detail);
}

/** Returns the same version as `requireVersion`, or undefined if there is none. */
export async function versionNamed(
  sql: Sql,
  pipeline: PipelineRow,
  version: string,
): Promise<WholeVersionRow | undefined> {
  return version === 'latest' ? await newestVersion(sql, pipeline.uid) : await versionBy(sql, pipeline, version);
}

async function versionBy(sql: Sql, { uid }: PipelineRow, version: string): Promise<WholeVersionRow | undefined> {
  const id = UUID.test(version) ? version : null;
  const n = /^\d{1,9}$/.test(version) ? Number(version) : null;
  const [row] = await sql.query<WholeVersionRow>(
    // A name was chosen by a user, so it takes precedence over a number.
    `select ${VERSION_COLUMNS}, document from executions.pipeline_version
     where pipeline = $1 and (name = $2 or id = $3 or n = $4) order by name = $2 desc limit 1`,
    [uid, version, id, n],
    'pipeline_version',
  );
  return row;
}

export async function newestVersion(sql: Sql, pipeline: string): Promise<WholeVersionRow | undefined> {
  const [row] = await sql.query<WholeVersionRow>(
    `select ${VERSION_COLUMNS}, document from executions.pipeline_version where pipeline = $1 order by n desc limit 1`,
    [pipeline],
    'newest_pipeline_version',
  );
  return row;
}

export async function listVersions(
  sql: Sql,
  { uid }: PipelineRow,
  page: { readonly before: number | undefined; readonly limit: number },
): Promise<readonly VersionRow[]> {
  return await sql.query<VersionRow>(
    `select ${VERSION_COLUMNS} from executions.pipeline_version
     where pipeline = $1 and ($2::int is null or n < $2) order by n desc limit $3`,
    [uid, page.before ?? null, page.limit],
    'list_pipeline_versions',
  );
}

export async function removeVersion(tx: Transaction, pipeline: PipelineRow, { id, n }: VersionRow): Promise<void> {
  await tx.sql.query('delete from executions.pipeline_version where id = $1', [id], 'drop_pipeline_version');
  emitPipelineEvent(tx, eventTypes.pipelineVersionDeleted, pipeline, { version: n });
}

export function presentVersion(row: VersionRow): PipelineVersion {
  return {
    id: row.id,
    number: row.n,
    name: row.name,
    ...(row.display_name !== null && { displayName: row.display_name }),
    ...(row.description !== null && { description: row.description }),
    ...(row.source_url !== null && { sourceUrl: row.source_url }),
    tags: { ...row.tags },
    format: row.format,
    digest: row.digest,
    createdBy: `${row.actor_type}:${row.actor_id}`,
    createdAt: row.created_at.getTime(),
  };
}

function digestOf(document: string): string {
  return createHash('sha256').update(document).digest('hex');
}

function emitPipelineEvent(tx: Transaction, type: EventType, { uid, name }: PipelineRow, data: object): void {
  tx.emit({ type, projectId: tx.projectId, subject: { kind: 'Pipeline', name, uid }, data: { ...data } });
}
