import {
  actionOperation,
  DaisError,
  parseSelector,
  uniformOperations,
  type Resource,
  type UniformOperations,
} from '@dais/api';
import type { Desired } from '#kernel/decide.ts';
import { entry, type Call, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { encodePosition, readCursor } from '#kernel/events.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import { requireManifest } from '#kernel/manifest-check.ts';
import { cutPage, decodeNumberCursor, decodePageCursor } from '#kernel/page-cursor.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import {
  listResources,
  listRevisions,
  lockResources,
  presentResource,
  presentRevision,
  readResource,
  readResources,
  readRevision,
} from '#kernel/store.ts';
import { watchResources } from '#kernel/stream-handlers.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { WatchHub } from '#kernel/watch-hub.ts';
import type { Settled } from '#lib/concurrency/coalesce.ts';
import { decideWrites, deleteResources, performWrites } from '#kernel/write.ts';

type CallTo<Verb extends keyof UniformOperations> = CallOf<UniformOperations[Verb]>;

/** Pairs the uniform operations of a kind with the kernel's handlers, and its own actions with its own. */
export function resourceEntries(kinds: KindRegistry, definition: KindDefinition, hub: WatchHub): OperationEntry[] {
  const { spec, actions } = definition;
  const { kind } = spec;
  const uniform = uniformOperations(spec);
  return [
    entry(uniform.list, (tx, call) => list(tx, call, kind)),
    entry(uniform.watch, { stream: (call) => watchResources(hub, kind, call) }),
    entry(uniform.get, { share: (tx, calls) => getMany(tx, calls, kind) }),
    entry(uniform.create, (tx, call) => write(tx, call, kinds, kind, 'create')),
    entry(uniform.update, (tx, call) => write(tx, call, kinds, kind, 'update')),
    entry(uniform.delete, (tx, call) => remove(tx, call, kinds, kind)),
    entry(uniform.history, (tx, call) => history(tx, call, kind)),
    entry(uniform.rollback, (tx, call) => rollback(tx, call, kinds, kind)),
    ...spec.actions.map((action) => {
      const handle = actions?.[action.verb];
      if (handle === undefined) throw new Error(`the action ${action.verb} of ${kind} has no handler`);
      return entry(actionOperation(spec, action), handle);
    }),
  ];
}

function notFound(kind: string, name: string): DaisError {
  return new DaisError('not_found', `There is no ${kind} "${name}".`);
}

async function getMany(tx: Transaction, calls: readonly CallTo<'get'>[], kind: string): Promise<Settled<Resource>[]> {
  const tenant = calls[0]?.tenant;
  if (tenant === undefined) return [];
  const names = calls.map((call) => call.input.name);
  const rows = await readResources(tx.sql, tenant.id, kind, names);
  const byName = new Map(rows.map((row) => [row.name, presentResource(row, tenant.name)]));
  return calls.map(({ input }) => {
    const value = byName.get(input.name);
    return value === undefined ? { error: notFound(kind, input.name) } : { value };
  });
}

async function list(tx: Transaction, call: CallTo<'list'>, kind: string) {
  const { limit, cursor, labels, origin, owner } = call.input;
  const filter = [call.tenant.id, kind, labels ?? '', origin ?? '', owner ?? ''];
  // Read before the rows: whatever the place counts is then among them, and a watch from it misses nothing.
  const state = await readCursor(tx.sql);
  const rows = await listResources(tx.sql, {
    projectId: call.tenant.id,
    kind,
    after: decodePageCursor(filter, cursor) ?? '',
    limit: limit + 1,
    origin,
    owner,
    rows: call.rows,
    ...parseSelector(labels),
  });
  const { page, next } = cutPage(rows, limit, filter, (row) => row.name);
  return {
    items: page.map((row) => presentResource(row, call.tenant.name)),
    ...next,
    resourceVersion: encodePosition(state.epoch, state.seq),
  };
}

async function write(
  tx: Transaction,
  call: CallTo<'create' | 'update'>,
  kinds: KindRegistry,
  kind: string,
  operation: 'create' | 'update',
): Promise<Resource> {
  const input: { readonly manifest: unknown; readonly name?: string; readonly resourceVersion?: string } = call.input;
  const manifest = requireManifest(kinds, input.manifest);
  const { metadata } = manifest;
  const { name = metadata.name, resourceVersion = metadata.resourceVersion } = input;
  if (metadata.name !== name) {
    throw new DaisError('invalid_request', `The URL names "${name}", but the manifest names "${metadata.name}".`, {
      issues: [{ path: 'manifest.metadata.name', message: `is "${metadata.name}"`, expected: `"${name}"` }],
    });
  }
  const desired: Desired = {
    kind,
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    spec: manifest.spec,
    origin: call.context.origin,
    source: call.context.source,
    ifVersion: resourceVersion,
  };
  return await writeOne(tx, call, kinds, desired, operation);
}

async function writeOne(
  tx: Transaction,
  call: Call,
  kinds: KindRegistry,
  desired: Desired,
  operation: 'create' | 'update' | 'rollback',
): Promise<Resource> {
  const { tenant } = call;
  await kinds.find(desired.kind)?.authorizeSpec?.(tx, call, desired.spec);
  const allow = operation === 'create' ? 'create' : 'update';
  const options = { allow, takeOver: false, operation, dryRun: false } as const;
  const [outcome] = await decideWrites(tx, kinds, tenant, [desired], options);
  if (outcome === undefined) throw new Error('one desired resource, but no outcome');
  if ('error' in outcome) throw outcome.error;
  await performWrites(tx, kinds, tenant, [outcome.write], operation);
  await tx.enter(tenant.id);
  const row = await readResource(tx.sql, tenant.id, desired.kind, desired.name);
  if (row === undefined) throw new Error('a resource that was just written does not exist');
  return presentResource(row, tenant.name);
}

async function lockOne(tx: Transaction, call: CallTo<'delete' | 'rollback'>, kind: string, version?: string) {
  const { name } = call.input;
  const [row] = await lockResources(tx.sql, call.tenant.id, [{ kind, name }], true);
  if (row === undefined) throw notFound(kind, name);
  if (version !== undefined && version !== String(row.version)) {
    throw new DaisError('precondition_failed', `${kind} "${name}" has version ${row.version}, not ${version}.`);
  }
  return row;
}

async function remove(tx: Transaction, call: CallTo<'delete'>, kinds: KindRegistry, kind: string): Promise<Resource> {
  const row = await lockOne(tx, call, kind, call.input.resourceVersion);
  await deleteResources(tx, kinds, call.tenant, [row]);
  await tx.enter(call.tenant.id);
  // Still there when a controller has to clean up first.
  const waiting = await readResource(tx.sql, call.tenant.id, kind, call.input.name);
  return presentResource(waiting ?? row, call.tenant.name);
}

async function history(tx: Transaction, call: CallTo<'history'>, kind: string) {
  const { name, limit, cursor } = call.input;
  const row = await readResource(tx.sql, call.tenant.id, kind, name);
  if (row === undefined) throw notFound(kind, name);
  const before = decodeNumberCursor([row.uid], cursor) ?? row.generation + 1n;
  const rows = await listRevisions(tx.sql, row.uid, before, limit + 1);
  const { page, next } = cutPage(rows, limit, [row.uid], ({ generation }) => String(generation));
  return { items: page.map(presentRevision), ...next };
}

async function rollback(
  tx: Transaction,
  call: CallTo<'rollback'>,
  kinds: KindRegistry,
  kind: string,
): Promise<Resource> {
  const row = await lockOne(tx, call, kind);
  const generation = call.input.generation === undefined ? row.generation - 1n : BigInt(call.input.generation);
  const revision = await readRevision(tx.sql, row.uid, generation);
  if (revision === undefined) {
    const detail = `${kind} "${row.name}" has no revision ${generation}; its current revision is ${row.generation}.`;
    throw new DaisError('nothing_to_roll_back', detail);
  }
  // An old spec must still be valid today.
  requireManifest(kinds, {
    apiVersion: revision.api_version,
    kind,
    metadata: { name: row.name, labels: revision.labels, annotations: revision.annotations },
    spec: revision.spec,
  });
  // The caller was authorized for the current state; the restored state must be permitted as well.
  const brought = { kind, name: row.name, desired: { labels: revision.labels, spec: revision.spec } };
  await call.authorize(brought, call.tenant);
  const desired: Desired = {
    kind,
    name: row.name,
    labels: revision.labels,
    annotations: revision.annotations,
    spec: revision.spec,
    origin: row.origin,
  };
  return await writeOne(tx, call, kinds, desired, 'rollback');
}

/**
 * Creates a resource for a ledger or a protocol with full admission, unless it exists. Returns its uid.
 * @throws DaisError as a create does.
 */
export async function ensureResource(
  tx: Transaction,
  kinds: KindRegistry,
  tenant: Call['tenant'],
  resource: Pick<Desired, 'kind' | 'name' | 'origin'> & { readonly spec?: Desired['spec'] },
): Promise<string> {
  const home = tx.projectId;
  await tx.enter(tenant.id);
  const existing = await readResource(tx.sql, tenant.id, resource.kind, resource.name);
  if (existing !== undefined) {
    await tx.enter(home);
    return existing.uid;
  }
  const manifest = requireManifest(kinds, {
    apiVersion: 'dais.dev/v1',
    kind: resource.kind,
    metadata: { name: resource.name },
    spec: resource.spec ?? {},
  });
  const desired: Desired = { ...resource, labels: {}, annotations: {}, spec: manifest.spec };
  const options = { allow: 'both', takeOver: true, operation: 'create', dryRun: false } as const;
  const [outcome] = await decideWrites(tx, kinds, tenant, [desired], options);
  if (outcome === undefined) throw new Error('one desired resource, but no outcome');
  if ('error' in outcome) throw outcome.error;
  await performWrites(tx, kinds, tenant, [outcome.write], 'create');
  await tx.enter(home);
  return outcome.write.uid;
}
