import { eventTypes, type Actor } from '@dais/api';
import type {
  createModelVersionOperation,
  deleteModelVersionOperation,
  ModelVersion,
  updateModelVersionOperation,
} from '@dais/api/registry';
import type { CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { dropComments } from '#ledgers/comments/index.ts';
import { lockModel, modelNotFound, versionNotFound, readVersion, touchModel, type LockedModel } from '../model-rows.ts';
import { recordVersion } from '../lineage.ts';
import type { RegistryDependencies } from '../registry-dependencies.ts';
import { changeTags, emitAbout, tagsForEvent } from '../tags.ts';
import { findOrigin } from './version-origin.ts';
import { versionKey } from './version-subject.ts';

export interface VersionInput {
  readonly name: string;
  readonly version: string;
}

/** Locks the counter's row until the transaction ends: concurrent registrations get consecutive numbers. */
export async function createVersion(
  tx: Transaction,
  { input, tenant, context }: CallOf<typeof createModelVersionOperation>,
  dependencies: RegistryDependencies,
): Promise<ModelVersion> {
  const now = dependencies.now();
  const { version, ...model } = await nextVersion(tx, tenant.id, input.name, now);
  const { source, runId, loggedModelId, artifactUri } =
    model.type === 'prompt' ? { ...input, artifactUri: input.source } : await findOrigin(tx, dependencies, input);
  const { type, id } = context.principal;
  const { tags = {}, description = '', runLink } = input;
  await insertVersion(tx, model, version, {
    now,
    by: { type, id },
    description,
    source,
    artifactUri,
    runId,
    loggedModelId,
    runLink,
    tags,
  });
  if (model.type !== 'prompt') {
    await recordVersion(
      tx,
      model,
      version,
      { source, runId, loggedModelId },
      { now, artifactRoot: dependencies.artifactRoot },
    );
  }
  const made = { ...(runId !== undefined && { runId }), ...(loggedModelId !== undefined && { loggedModelId }) };
  emitAbout(tx, model, eventTypes.modelVersionCreated, { version, source, ...made, tags: tagsForEvent(tags) });
  return {
    model: model.name,
    type: model.type,
    version,
    createdAt: now,
    updatedAt: now,
    createdBy: { type, id },
    description,
    source,
    artifactUri,
    ...made,
    ...(runLink !== undefined && { runLink }),
    stage: 'None',
    tags,
    aliases: [],
  };
}

export interface NewVersionRow {
  readonly now: number;
  readonly by: Actor;
  readonly description: string;
  readonly source: string;
  readonly artifactUri: string;
  readonly runId: string | undefined;
  readonly loggedModelId: string | undefined;
  readonly runLink: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export async function insertVersion(
  tx: Transaction,
  model: LockedModel,
  version: number,
  { now, by, description, source, artifactUri, runId, loggedModelId, runLink, tags }: NewVersionRow,
): Promise<void> {
  await tx.sql.query(
    `with made as (
       insert into registry.version (model, version, project_id, created_at, updated_at, created_by, description, source,
         artifact_uri, run_id, logged_model_id, run_link)
       values ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11))
     insert into registry.version_tag (model, version, project_id, key, value)
     select $1, $2, $3, k, v from unnest($12::text[], $13::text[]) as t(k, v)`,
    [
      model.id,
      version,
      tx.projectId,
      now,
      JSON.stringify(by),
      description,
      source,
      artifactUri,
      runId ?? null,
      loggedModelId ?? null,
      runLink ?? null,
      Object.keys(tags),
      Object.values(tags),
    ],
    'insert_version',
  );
}

/** @throws DaisError `not_found`. */
export async function nextVersion(
  tx: Transaction,
  projectId: string,
  name: string,
  now: number,
): Promise<LockedModel & { readonly version: number }> {
  const [row] = await tx.sql.query<LockedModel & { version: number }>(
    `update registry.model set last_version = last_version + 1, updated_at = greatest(updated_at, $3)
     where project_id = $1 and name = $2 returning id, uid, name, type, spec_description, created_at, last_version as version`,
    [projectId, name, now],
    'next_version',
  );
  if (row === undefined) throw modelNotFound(name);
  return row;
}

export async function updateVersion(
  tx: Transaction,
  { input, tenant }: CallOf<typeof updateModelVersionOperation>,
  dependencies: RegistryDependencies,
): Promise<ModelVersion> {
  const version = Number(input.version);
  const model = await lockModel(tx.sql, tenant.id, input.name);
  const found = await (input.description === undefined
    ? tx.sql.query('select from registry.version where model = $1 and version = $2', [model.id, version], 'has_version')
    : tx.sql.query(
        'update registry.version set updated_at = $3, description = $4 where model = $1 and version = $2 returning version',
        [model.id, version, dependencies.now(), input.description],
        'describe_version',
      ));
  if (found.length === 0) throw versionNotFound(input.name, version);
  if (input.description !== undefined) emitAbout(tx, model, eventTypes.modelVersionDescribed, { version });
  await changeTags(tx, model, version, input);
  return await readVersion(tx.sql, tenant.id, input.name, version);
}

export async function deleteVersion(
  tx: Transaction,
  { input, tenant }: CallOf<typeof deleteModelVersionOperation>,
  dependencies: RegistryDependencies,
): Promise<Record<string, never>> {
  const version = Number(input.version);
  const model = await lockModel(tx.sql, tenant.id, input.name);
  const { source, aliases } = await readVersion(tx.sql, tenant.id, input.name, version);
  await tx.sql.query('delete from registry.version where model = $1 and version = $2', [model.id, version]);
  await dropComments(tx, [versionKey(model.id, version)]);
  await touchModel(tx, model, dependencies.now());
  emitAbout(tx, model, eventTypes.modelVersionDeleted, { version, source, aliases });
  return {};
}
