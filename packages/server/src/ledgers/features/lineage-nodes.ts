/** Lineage nodes of views and services: one node per generation of a manifest, `uid.generation`. */
import type { LineageNodeType } from '@dais/api/lineage';
import type { Transaction } from '#kernel/transaction.ts';
import { keyOf, noteLineage, type NodeSource } from '#ledgers/lineage/index.ts';
import type { CompiledView, Selection } from './definitions/compiled.ts';
import type { SourceVersion } from './features-dependencies.ts';

const idOf = ({ uid, generation }: { readonly uid: string; readonly generation: number }) => `${uid}.${generation}`;

export const viewKey = (view: CompiledView): string => keyOf('feature-view', idOf(view));

/** Records that a view reads versions. */
export function noteMaterialized(
  tx: Transaction,
  view: CompiledView,
  versions: readonly SourceVersion[],
  now: number,
): void {
  const node = nodeOf('feature-view', view);
  const edges = versions.map(({ id }) => ({
    from: keyOf('dataset-version', id),
    to: node.key,
    relation: 'read' as const,
  }));
  noteLineage(tx, { nodes: [node], edges }, now);
}

/** Records the inputs of a build, and returns the keys of the upstream nodes of the new version. */
export function noteSelection(
  tx: Transaction,
  { service, requested, stored, onDemand }: Selection,
  versionsOf: (view: CompiledView) => readonly SourceVersion[],
  now: number,
): readonly string[] {
  const all = [...stored, ...onDemand];
  const nodes = [
    ...all.map(({ view }) => nodeOf('feature-view', view)),
    ...(service === undefined ? [] : [nodeOf('feature-service', service)]),
  ];
  const read = all.flatMap(({ view }) =>
    versionsOf(view).map(({ id }) => ({
      from: keyOf('dataset-version', id),
      to: viewKey(view),
      relation: 'read' as const,
    })),
  );
  const used = onDemand.flatMap(({ view }) => {
    const { source } = view;
    const names = source.type === 'onDemand' ? source.views : [];
    const inputs = all.filter((other) => names.includes(other.view.name));
    return inputs.map((input) => ({ from: viewKey(input.view), to: viewKey(view), relation: 'read' as const }));
  });
  const serviceKey = service === undefined ? undefined : keyOf('feature-service', idOf(service));
  const taken =
    serviceKey === undefined
      ? []
      : requested.map(({ view }) => ({ from: viewKey(view), to: serviceKey, relation: 'read' as const }));
  noteLineage(tx, { nodes, edges: [...read, ...used, ...taken] }, now);
  return serviceKey === undefined ? requested.map(({ view }) => viewKey(view)) : [serviceKey];
}

function nodeOf(
  type: LineageNodeType,
  of: { readonly uid: string; readonly name: string; readonly generation: number },
) {
  const data = { [type === 'feature-view' ? 'view' : 'service']: of.name, generation: String(of.generation) };
  return { key: keyOf(type, idOf(of)), name: of.name, data };
}

const source = (type: 'feature-view' | 'feature-service', kind: 'FeatureView' | 'FeatureService'): NodeSource => ({
  type,
  action: kind === 'FeatureView' ? 'featureView:read' : 'featureService:read',
  target: { kind },
  describe: async ({ sql, projectId }, ids) => {
    const referenced = ids.flatMap((id) => {
      const match = /^([0-9a-f-]{36})\.(\d{1,15})$/.exec(id);
      return match === null ? [] : [{ id, uid: match[1] ?? '', generation: match[2] ?? '' }];
    });
    // Slices cannot read deleted resources, so the deletion is recorded as a separate node.
    const rows = await sql.query<{ uid: string; name: string; at: bigint }>(
      `select uid, name, (extract(epoch from created_at) * 1000)::bigint as at from features.definition
       where project_id = $1 and uid = any($2::uuid[])`,
      [projectId, referenced.map(({ uid }) => uid)],
      'lineage_features',
    );
    const byUid = new Map(rows.map((row) => [row.uid, row]));
    return new Map(
      referenced.flatMap(({ id, uid, generation }) => {
        const row = byUid.get(uid);
        if (row === undefined) return [];
        const data = { [kind === 'FeatureView' ? 'view' : 'service']: row.name, generation };
        return [
          [id, { name: row.name, at: Number(row.at), gone: false, data, target: { kind, name: row.name } }] as const,
        ];
      }),
    );
  },
});

export const featureViewNodes: NodeSource = source('feature-view', 'FeatureView');
export const featureServiceNodes: NodeSource = source('feature-service', 'FeatureService');
