/** Imports models and versions of another registry. Importing again updates them to the source. */
import { DaisError, eventTypes } from '@dais/api';
import type { importModelOperation, importModelVersionOperation, ModelVersion, Stage } from '@dais/api/registry';
import type { CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { requireApproval } from './approvals/approval-rows.ts';
import { recordVersion } from './lineage.ts';
import { lockModel, readVersion, type LockedModel } from './model-rows.ts';
import { createModel } from './models.ts';
import type { RegistryDependencies } from './registry-dependencies.ts';
import { emitAbout } from './tags.ts';
import { findOrigin } from './versions/version-origin.ts';

/** @throws DaisError `invalid_state` if one is a prompt and the other a model. */
export async function importModel(
  tx: Transaction,
  call: CallOf<typeof importModelOperation>,
  dependencies: RegistryDependencies,
): Promise<Record<string, never>> {
  const { input, tenant } = call;
  const { name, type, description, createdAt, updatedAt, tags } = input;
  const [existing] = await tx.sql.query<{ type: string }>(
    'select type from registry.model where project_id = $1 and name = $2',
    [tenant.id, name],
    'type_of_model',
  );
  if (existing === undefined) await createModel(tx, { ...call, input: { name, type } }, dependencies);
  else if (existing.type !== type) {
    throw new DaisError('invalid_state', `"${name}" is a ${existing.type} in Dais but a ${type} at its source.`);
  }
  const model = await lockModel(tx.sql, tenant.id, name);
  await tx.sql.query(
    `update registry.model set description = nullif($2, ''), created_at = $3, updated_at = $4 where id = $1`,
    [model.id, description, createdAt, updatedAt],
    'import_model',
  );
  await tx.sql.query(
    `insert into registry.model_tag (model, project_id, key, value)
     select $1, $2, k, v from unnest($3::text[], $4::text[]) as t(k, v)
     on conflict (model, key) do update set value = excluded.value`,
    [model.id, tenant.id, Object.keys(tags), Object.values(tags)],
    'import_model_tags',
  );
  emitAbout(tx, model, eventTypes.modelImported, {});
  return {};
}

/** @throws DaisError as registering a version; `approval_missing` for a stage with approval rules. */
export async function importVersion(
  tx: Transaction,
  { input, tenant, context }: CallOf<typeof importModelVersionOperation>,
  dependencies: RegistryDependencies,
): Promise<Pick<ModelVersion, 'artifactUri'>> {
  const number = Number(input.version);
  const model = await lockModel(tx.sql, tenant.id, input.name);
  const { source, runId, loggedModelId, artifactUri } =
    model.type === 'prompt' ? { ...input, artifactUri: input.source } : await findOrigin(tx, dependencies, input);
  const { type, id } = context.principal;
  const before = await stageNow(tx, model, number);
  await tx.sql.query(
    `insert into registry.version (model, version, project_id, created_at, updated_at, created_by, description, source,
       artifact_uri, run_id, logged_model_id, run_link, stage)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     on conflict (model, version) do update set created_at = excluded.created_at, updated_at = excluded.updated_at,
       description = excluded.description, source = excluded.source, artifact_uri = excluded.artifact_uri,
       run_id = excluded.run_id, logged_model_id = excluded.logged_model_id, run_link = excluded.run_link,
       stage = excluded.stage`,
    [
      model.id,
      number,
      tenant.id,
      input.createdAt,
      input.updatedAt,
      JSON.stringify({ type, id }),
      input.description,
      source,
      artifactUri,
      runId ?? null,
      loggedModelId ?? null,
      input.runLink ?? null,
      input.stage,
    ],
    'import_version',
  );
  await tx.sql.query(
    `insert into registry.version_tag (model, version, project_id, key, value)
     select $1, $2, $3, k, v from unnest($4::text[], $5::text[]) as t(k, v)
     on conflict (model, version, key) do update set value = excluded.value`,
    [model.id, number, tenant.id, Object.keys(input.tags), Object.values(input.tags)],
    'import_version_tags',
  );
  await tx.sql.query(
    'update registry.model set last_version = greatest(last_version, $2) where id = $1',
    [model.id, number],
    'import_last_version',
  );
  if (model.type !== 'prompt') {
    const { artifactRoot } = dependencies;
    await recordVersion(tx, model, number, { source, runId, loggedModelId }, { now: dependencies.now(), artifactRoot });
  }
  if (input.stage !== before) {
    await requireApproval(tx, model, await readVersion(tx.sql, tenant.id, input.name, number), { stage: input.stage });
  }
  emitAbout(tx, model, eventTypes.modelVersionImported, { version: number });
  return { artifactUri };
}

/** A new version enters no stage if the source has none. */
async function stageNow(tx: Transaction, model: LockedModel, version: number): Promise<Stage> {
  const [row] = await tx.sql.query<{ stage: Stage }>(
    'select stage from registry.version where model = $1 and version = $2',
    [model.id, version],
    'stage_of_version',
  );
  return row?.stage ?? 'None';
}
