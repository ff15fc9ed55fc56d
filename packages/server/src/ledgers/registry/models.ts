import { DaisError, eventTypes } from '@dais/api';
import type {
  createModelOperation,
  deleteModelOperation,
  RegisteredModel,
  renameModelOperation,
  updateModelOperation,
} from '@dais/api/registry';
import type { Desired } from '#kernel/decide.ts';
import type { CallOf } from '#kernel/entry.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { lockResources, readResource, type ResourceRow } from '#kernel/store.ts';
import type { Tenant } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { dropComments } from '#ledgers/comments/index.ts';
import { decideWrites, deleteResources, performWrites } from '#kernel/write.ts';
import { lockModel, modelNotFound, readModel, type LockedModel } from './model-rows.ts';
import type { RegistryDependencies } from './registry-dependencies.ts';
import { changeTags, emitAbout } from './tags.ts';
import { versionKey } from './versions/version-subject.ts';

const KIND = 'Model';

/** Creates the resource with full admission, which creates the record. */
export async function createModel(
  tx: Transaction,
  { input, tenant, context }: CallOf<typeof createModelOperation>,
  dependencies: RegistryDependencies,
): Promise<RegisteredModel> {
  const spec = input.type === 'prompt' ? { type: 'prompt' } : {};
  await writeResource(tx, dependencies.kinds(), tenant, {
    kind: KIND,
    name: input.name,
    labels: {},
    annotations: {},
    spec,
    origin: context.origin,
  });
  const { description = '', tags = {} } = input;
  const model = await lockModel(tx.sql, tenant.id, input.name);
  const now = Number(model.created_at);
  if (description !== '') await writeDescription(tx, model, description, now);
  await changeTags(tx, model, undefined, { tags, initial: true });
  const { name, uid, type } = model;
  return { name, uid, type, description, createdAt: now, updatedAt: now, tags, aliases: {}, latestVersions: [] };
}

export async function updateModel(
  tx: Transaction,
  { input, tenant }: CallOf<typeof updateModelOperation>,
  dependencies: RegistryDependencies,
): Promise<RegisteredModel> {
  const model = await lockModel(tx.sql, tenant.id, input.name);
  if (input.description !== undefined) await describe(tx, model, input.description, dependencies.now());
  await changeTags(tx, model, undefined, input);
  return await readModel(tx.sql, tenant.id, input.name);
}

/** @throws DaisError `other_origin` if the description comes from a manifest. */
async function describe(tx: Transaction, model: LockedModel, description: string, now: number): Promise<void> {
  if (model.spec_description === description) return;
  if (model.spec_description !== null) {
    const detail = `The description of Model "${model.name}" comes from its manifest. Change spec.description there.`;
    throw new DaisError('other_origin', detail);
  }
  await writeDescription(tx, model, description, now);
  emitAbout(tx, model, eventTypes.modelDescribed, {});
}

async function writeDescription(tx: Transaction, { id }: LockedModel, description: string, now: number): Promise<void> {
  await tx.sql.query(
    'update registry.model set description = $2, updated_at = $3 where id = $1',
    [id, description, now],
    'describe_model',
  );
}

/**
 * Renames a model: it becomes another resource, because the name identifies a resource, and keeps its registry data.
 * @throws DaisError `other_origin` if a manifest set would create it again, `still_referenced`.
 */
export async function renameModel(
  tx: Transaction,
  call: CallOf<typeof renameModelOperation>,
  dependencies: RegistryDependencies,
): Promise<RegisteredModel> {
  const { input, tenant } = call;
  const kinds = dependencies.kinds();
  const { row, model } = await lockBoth(tx, tenant, input.name);
  if (input.to === input.name) return await readModel(tx.sql, tenant.id, input.name);
  const { labels, annotations, spec, origin, owner } = row;
  await call.authorize({ kind: KIND, name: input.to, desired: { labels, spec } }, tenant, 'model:write');
  if (owner !== null) {
    const detail = `Model "${input.name}" belongs to the manifests "${owner}". Rename it there, or remove it from them first.`;
    throw new DaisError('other_origin', detail);
  }
  const desired = { kind: KIND, name: input.to, labels, annotations, spec, origin };
  const uid = await writeResource(tx, kinds, tenant, desired, 'rename');
  // The existing record replaces the one that admission created for the new resource.
  await tx.sql.query('delete from registry.model where project_id = $1 and uid = $2', [tenant.id, uid]);
  const renamed = [model.id, input.to, uid, dependencies.now()];
  await tx.sql.query('update registry.model set name = $2, uid = $3, updated_at = $4 where id = $1', renamed);
  await tx.sql.query('update registry.version set updated_at = $2 where model = $1', [model.id, dependencies.now()]);
  await deleteResources(tx, kinds, tenant, [row]);
  await tx.enter(tenant.id);
  emitAbout(tx, { uid, name: input.to }, eventTypes.modelRenamed, { from: input.name, fromUid: row.uid });
  return await readModel(tx.sql, tenant.id, input.to);
}

/** Only this operation deletes a model together with its versions. */
export async function deleteModel(
  tx: Transaction,
  { input, tenant }: CallOf<typeof deleteModelOperation>,
  dependencies: RegistryDependencies,
): Promise<Record<string, never>> {
  const { row, model } = await lockBoth(tx, tenant, input.name);
  const deleted = await tx.sql.query<{ version: number }>(
    'delete from registry.version where model = $1 returning version',
    [model.id],
    'drop_versions',
  );
  await dropComments(
    tx,
    deleted.map(({ version }) => versionKey(model.id, version)),
  );
  await deleteResources(tx, dependencies.kinds(), tenant, [row]);
  return {};
}

/** Locks the resource first, as every change of it does. */
async function lockBoth(
  tx: Transaction,
  tenant: Tenant,
  name: string,
): Promise<{ row: ResourceRow; model: LockedModel }> {
  const [row] = await lockResources(tx.sql, tenant.id, [{ kind: KIND, name }], true);
  if (row === undefined) throw modelNotFound(name);
  return { row, model: await lockModel(tx.sql, tenant.id, name) };
}

/** The desired state of a model. It does not change within the transaction if it is read while its record is locked. */
export async function readSpec(
  tx: Transaction,
  projectId: string,
  name: string,
): Promise<Readonly<Record<string, unknown>>> {
  return (await readResource(tx.sql, projectId, KIND, name))?.spec ?? {};
}

/** Creates the resource; returns its uid. @throws DaisError `already_exists`, and the errors of a create. */
async function writeResource(
  tx: Transaction,
  kinds: KindRegistry,
  tenant: Tenant,
  desired: Desired,
  operation: 'create' | 'rename' = 'create',
): Promise<string> {
  const options = { allow: 'create', takeOver: false, operation: 'create', dryRun: false } as const;
  const [outcome] = await decideWrites(tx, kinds, tenant, [desired], options);
  if (outcome === undefined) throw new Error('one desired resource has no outcome');
  if ('error' in outcome) throw outcome.error;
  await performWrites(tx, kinds, tenant, [outcome.write], operation);
  await tx.enter(tenant.id);
  return outcome.write.uid;
}
