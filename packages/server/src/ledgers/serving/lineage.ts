/** Endpoints as lineage nodes, with the versions that they served. */
import type { Transaction } from '#kernel/transaction.ts';
import { keyOf, noteLineage, type NodeSource, type Starts } from '#ledgers/lineage/index.ts';
import { type EndpointRow, findEndpoint } from './endpoints/endpoint-rows.ts';
import { type ModelRow, readModels } from './models/model-rows.ts';
import { DaisError } from '@dais/api';
import type { FactSubject } from '@dais/api/access';
import { parseServedModel } from '@dais/api/serving';
import { readByAlias, readVersion, versionKeyOf } from '#ledgers/registry/index.ts';
import { runningRollout } from './rollouts/rollout-rows.ts';

export function recordDeployment(tx: Transaction, { uid, name }: EndpointRow, model: ModelRow, now: number): void {
  if (model.lineage_key === null) return;
  const to = keyOf('endpoint', uid);
  const edges = [{ from: model.lineage_key, to, relation: 'deployed' as const }];
  noteLineage(tx, { nodes: [{ key: to, name, data: { endpoint: name } }], edges }, now);
}

export const endpointNodes: NodeSource = {
  type: 'endpoint',
  action: 'endpoint:read',
  target: { kind: 'Endpoint' },
  describe: async ({ sql, projectId }, ids) => {
    const uids = ids.filter((id) => /^[0-9a-f-]{36}$/.test(id));
    const rows = await sql.query<{ uid: string; name: string }>(
      'select uid, name from serving.endpoint where project_id = $1 and uid = any($2::uuid[])',
      [projectId, uids],
      'lineage_endpoints',
    );
    return new Map(
      rows.map(({ uid, name }) => [
        uid,
        { name, at: idTime(uid), gone: false, data: { endpoint: name }, target: { kind: 'Endpoint', name } },
      ]),
    );
  },
  find: async ({ sql, projectId }, called) => {
    const [row] = await sql.query<{ uid: string }>(
      'select uid from serving.endpoint where project_id = $1 and name = $2',
      [projectId, called],
      'lineage_endpoint_named',
    );
    return row?.uid;
  },
};

/** A UUIDv7 starts with its milliseconds. */
function idTime(uid: string): number {
  return parseInt(uid.replaceAll('-', '').slice(0, 12), 16);
}

/**
 * Returns the models of the desired state, including variants and shadows; without one, the served models and the one
 * that is rolled out.
 */
export async function endpointStarts(tx: Transaction, { uid, desired, version }: FactSubject): Promise<Starts> {
  if (desired !== undefined) return await referencedStarts(tx, modelsIn(desired.spec));
  if (uid === undefined || version === null) return { keys: [] };
  const row = await findEndpoint(tx, uid);
  if (row === undefined) return { keys: [] };
  const rollout = await runningRollout(tx, uid);
  const ids = [row.stable, rollout?.to_model, ...Object.values(row.active)].flatMap((id) => id ?? []);
  const models = await readModels(tx, ids);
  const found: Starts[] = [];
  for (const id of new Set(ids)) {
    const model = models.get(id);
    if (model === undefined) found.push({ keys: [], unknown: `There is no model ${id}.` });
    else found.push(model.lineage_key === null ? await startOf(tx, model.label) : { keys: [model.lineage_key] });
  }
  return combined(found);
}

/**
 * Returns the names of variants, shadows and the rolled-out version by the lineage key of their model, without the
 * stable version.
 */
export async function servedVariants(tx: Transaction, uid: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const row = await findEndpoint(tx, uid);
  if (row === undefined) return new Map();
  const rollout = await runningRollout(tx, uid);
  const named = [
    ...Object.entries(row.active),
    ...(rollout === undefined ? [] : [['canary', rollout.to_model] as const]),
  ].filter(([, id]) => id !== row.stable);
  const models = await readModels(
    tx,
    named.map(([, id]) => id),
  );
  const found = new Map<string, readonly string[]>();
  for (const [name, id] of named.toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const model = models.get(id);
    if (model === undefined) continue;
    const keys = model.lineage_key === null ? (await startOf(tx, model.label)).keys : [model.lineage_key];
    for (const key of keys) found.set(key, [...(found.get(key) ?? []), name]);
  }
  return found;
}

async function referencedStarts(tx: Transaction, references: readonly string[]): Promise<Starts> {
  const found: Starts[] = [];
  for (const reference of new Set(references)) found.push(await startOf(tx, reference));
  return combined(found);
}

function combined(found: readonly Starts[]): Starts {
  const unknown = found.find((one) => one.unknown !== undefined)?.unknown;
  return { keys: [...new Set(found.flatMap(({ keys }) => keys))], ...(unknown !== undefined && { unknown }) };
}

/** Returns every model that a manifest refers to. */
function modelsIn(spec: Readonly<Record<string, unknown>>): readonly string[] {
  const more = [spec['variants'], spec['shadow']].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  return [spec, ...more].flatMap((one) => {
    const model = (one as { readonly model?: unknown } | null)?.model;
    return typeof model === 'string' ? [model] : [];
  });
}

async function startOf(tx: Transaction, reference: string): Promise<Starts> {
  const named = parseServedModel(reference);
  if ('message' in named) return { keys: [], unknown: `${reference} is not a model reference.` };
  if (named.of === 'run') return { keys: [keyOf('run', named.runId)] };
  if (named.of === 'remote') {
    return { keys: [], unknown: `${reference} is a model of another server, so Dais does not know its lineage.` };
  }
  try {
    const version =
      named.of === 'alias'
        ? (await readByAlias(tx.sql, tx.projectId, named.name, named.alias)).version
        : (await readVersion(tx.sql, tx.projectId, named.name, named.version)).version;
    const key = await versionKeyOf(tx, named.name, version);
    if (key !== undefined) return { keys: [key] };
  } catch (error) {
    if (!(error instanceof DaisError) || error.retryable) throw error;
  }
  return { keys: [], unknown: `There is no ${reference}.` };
}

/** Returns endpoints that serve a model now; ordered by name, after `after`. */
export async function listServing(
  { sql, projectId }: Transaction,
  after: { readonly name: string } | undefined,
  limit: number,
) {
  const rows = await sql.query<{ name: string; uid: string }>(
    `select name, uid from serving.endpoint
     where project_id = $1 and (stable is not null or active <> '{}') and ($2::text is null or name > $2)
     order by name limit $3`,
    [projectId, after?.name ?? null, limit],
    'list_serving_endpoints',
  );
  return rows.map((row) => ({ ...row, kind: 'Endpoint' as const }));
}
