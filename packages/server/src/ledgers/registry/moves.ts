import { DaisError, eventTypes } from '@dais/api';
import {
  isReservedAlias,
  type ModelVersion,
  type removeModelAliasOperation,
  type setModelAliasOperation,
  type Stage,
  type stageModelVersionOperation,
} from '@dais/api/registry';
import type { CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { requireApproval } from './approvals/approval-rows.ts';
import { lockModel, readVersion, touchModel, type LockedModel } from './model-rows.ts';
import type { RegistryDependencies } from './registry-dependencies.ts';
import { emitAbout } from './tags.ts';

/** @throws DaisError `invalid_request` for a reserved alias. */
function requireFreeAlias(alias: string): void {
  if (!isReservedAlias(alias)) return;
  const issue = { path: 'alias', message: `is "${alias}", which is reserved`, expected: 'another name' };
  throw new DaisError('invalid_request', `The alias "${alias}" is reserved for versions. Choose another name.`, {
    issues: [issue],
  });
}

/** @throws DaisError `approval_missing`, `not_found`, `invalid_request`. */
export async function setAlias(
  tx: Transaction,
  { input, tenant }: CallOf<typeof setModelAliasOperation>,
): Promise<ModelVersion> {
  const { name, alias } = input;
  requireFreeAlias(alias);
  const model = await lockModel(tx.sql, tenant.id, name);
  const version = await readVersion(tx.sql, tenant.id, name, Number(input.version));
  if (version.aliases.includes(alias)) return version;
  const approvals = await requireApproval(tx, model, version, { alias });
  await moveAlias(tx, model, version.version, alias, approvals);
  return { ...version, aliases: [...version.aliases, alias].toSorted() };
}

/** The caller has locked the model and checked the approvals. */
export async function moveAlias(
  tx: Transaction,
  model: LockedModel,
  version: number,
  alias: string,
  approvals: readonly number[],
): Promise<void> {
  const [row] = await tx.sql.query<{ before: number | null }>(
    `with old as (select version from registry.alias where model = $1 and alias = $2)
     insert into registry.alias (model, alias, project_id, version) values ($1, $2, $3, $4)
     on conflict (model, alias) do update set version = excluded.version
     returning (select version from old) as before`,
    [model.id, alias, tx.projectId, version],
    'move_alias',
  );
  const before = row?.before ?? undefined;
  emitAbout(tx, model, eventTypes.modelAliasSet, {
    alias,
    version,
    ...(before !== undefined && { before }),
    approvals,
  });
}

/** Removing an alias promotes no version, so it needs no approval. */
export async function removeAlias(
  tx: Transaction,
  { input, tenant }: CallOf<typeof removeModelAliasOperation>,
): Promise<Record<string, never>> {
  const model = await lockModel(tx.sql, tenant.id, input.name);
  const [row] = await tx.sql.query<{ version: number }>(
    'delete from registry.alias where model = $1 and alias = $2 returning version',
    [model.id, input.alias],
    'remove_alias',
  );
  if (row !== undefined) {
    emitAbout(tx, model, eventTypes.modelAliasRemoved, { alias: input.alias, version: row.version });
  }
  return {};
}

/** @throws DaisError `approval_missing`, `not_found`, `invalid_request`. */
export async function stageVersion(
  tx: Transaction,
  { input, tenant }: CallOf<typeof stageModelVersionOperation>,
  dependencies: RegistryDependencies,
): Promise<ModelVersion> {
  const { name, stage, archiveOthers } = input;
  if (archiveOthers && stage !== 'Staging' && stage !== 'Production') {
    throw new DaisError(
      'invalid_request',
      `\`archiveOthers\` is only supported for the stages Staging and Production, not ${stage}.`,
      {
        issues: [{ path: 'archiveOthers', message: `cannot be true for ${stage}`, expected: 'Staging or Production' }],
      },
    );
  }
  const model = await lockModel(tx.sql, tenant.id, name);
  const version = await readVersion(tx.sql, tenant.id, name, Number(input.version));
  const approvals = version.stage === stage ? [] : await requireApproval(tx, model, version, { stage });
  await moveStage(tx, model, version, { stage, archiveOthers, approvals, now: dependencies.now() });
  return await readVersion(tx.sql, tenant.id, name, version.version);
}

interface StageMove {
  readonly stage: Stage;
  readonly archiveOthers: boolean;
  readonly approvals: readonly number[];
  readonly now: number;
}

/** The caller has locked the model and checked the approvals. */
export async function moveStage(
  tx: Transaction,
  model: LockedModel,
  { version, stage: from }: ModelVersion,
  { stage, archiveOthers, approvals, now }: StageMove,
): Promise<void> {
  const archived = archiveOthers
    ? await tx.sql.query<{ version: number }>(
        `update registry.version set stage = 'Archived', updated_at = $4
         where model = $1 and stage = $2 and version <> $3 returning version`,
        [model.id, stage, version, now],
        'archive_versions',
      )
    : [];
  await tx.sql.query(
    'update registry.version set stage = $3, updated_at = $4 where model = $1 and version = $2',
    [model.id, version, stage, now],
    'stage_version',
  );
  await touchModel(tx, model, now);
  if (from === stage && archived.length === 0) return;
  const others = archived.map((one) => one.version).toSorted((a, b) => a - b);
  emitAbout(tx, model, eventTypes.modelVersionStaged, { version, from, to: stage, archived: others, approvals });
}
