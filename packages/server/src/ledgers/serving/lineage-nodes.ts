/** Endpoints as lineage nodes, with the versions that they served. */
import type { Transaction } from '#kernel/transaction.ts';
import { keyOf, noteLineage, type NodeSource } from '#ledgers/lineage/index.ts';
import type { EndpointRow } from './endpoint-rows.ts';
import type { ModelRow } from './model-rows.ts';

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
