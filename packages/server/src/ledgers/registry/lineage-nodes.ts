/** Model versions as lineage nodes, by the internal number of the model, which does not change on renaming. */
import type { Transaction } from '#kernel/transaction.ts';
import { keyOf, noteLineage, type NodeSource, type NotedEdge } from '#ledgers/lineage/index.ts';
import type { LockedModel } from './model-rows.ts';
import { parseSource } from './version-source.ts';

const idOf = (model: bigint, version: number) => `${model}.${version}`;

interface Registered {
  readonly source: string;
  readonly runId: string | undefined;
  readonly loggedModelId: string | undefined;
}

/** Versions that were created by converting a version. */
export async function recordConversion(
  tx: Transaction,
  [from, to]: readonly [NumberedVersion, NumberedVersion],
  now: number,
): Promise<void> {
  const keys = { from: keyOf('model-version', idOf(...from)), to: keyOf('model-version', idOf(...to)) };
  noteLineage(tx, { nodes: [], edges: [{ ...keys, relation: 'converted' }] }, now);
}

type NumberedVersion = readonly [model: bigint, version: number];

export async function recordVersion(
  tx: Transaction,
  model: LockedModel,
  version: number,
  { source, runId, loggedModelId }: Registered,
  { now, artifactRoot }: { readonly now: number; readonly artifactRoot: string },
): Promise<void> {
  const to = keyOf('model-version', idOf(model.id, version));
  const edges: NotedEdge[] = [];
  if (loggedModelId !== undefined) {
    edges.push({ from: keyOf('logged-model', loggedModelId), to, relation: 'registered' });
  } else if (runId !== undefined) {
    edges.push({ from: keyOf('run', runId), to, relation: 'registered' });
  }
  const copied = await copiedFrom(tx, source, artifactRoot);
  if (copied !== undefined) edges.push({ from: keyOf('model-version', copied), to, relation: 'copied' });
  // The node contains the name too, which remains after the version is deleted.
  const data = { model: model.name, version: String(version) };
  noteLineage(tx, { nodes: [{ key: to, name: `${model.name}/${version}`, data }], edges }, now);
}

async function copiedFrom(tx: Transaction, source: string, artifactRoot: string): Promise<string | undefined> {
  const parsed = parseSource(source, artifactRoot);
  if (parsed.of === 'version') return await findVersion(tx, parsed.name, parsed.version);
  if (parsed.of !== 'alias') return undefined;
  const [row] = await tx.sql.query<{ id: bigint; version: number }>(
    `select m.id, a.version from registry.model m join registry.alias a on a.model = m.id
     where m.project_id = $1 and m.name = $2 and a.alias = $3`,
    [tx.projectId, parsed.name, parsed.alias],
    'version_of_alias',
  );
  return row === undefined ? undefined : idOf(row.id, row.version);
}

async function findVersion(
  { sql, projectId }: Transaction,
  name: string,
  version: number,
): Promise<string | undefined> {
  const [row] = await sql.query<{ id: bigint }>(
    `select m.id from registry.model m join registry.version v on v.model = m.id
     where m.project_id = $1 and m.name = $2 and v.version = $3`,
    [projectId, name, version],
    'model_of_version',
  );
  return row === undefined ? undefined : idOf(row.id, version);
}

/** Returns the lineage node of a version; undefined if there is none. */
export async function versionKeyOf(tx: Transaction, name: string, version: number): Promise<string | undefined> {
  const id = await findVersion(tx, name, version);
  return id === undefined ? undefined : keyOf('model-version', id);
}

export const versionNodes: NodeSource = {
  type: 'model-version',
  action: 'model:read',
  target: { kind: 'Model' },
  describe: async ({ sql, projectId }, ids) => {
    const keys = ids.flatMap((id) => {
      const match = /^(\d{1,18})\.(\d{1,9})$/.exec(id);
      return match === null ? [] : [{ model: BigInt(match[1] ?? ''), version: Number(match[2]) }];
    });
    const rows = await sql.query<{ model: bigint; version: number; name: string; at: bigint; stage: string }>(
      `select v.model, v.version, m.name, v.created_at as at, v.stage
       from unnest($2::bigint[], $3::int[]) k (model, version)
       join registry.version v on v.model = k.model and v.version = k.version
       join registry.model m on m.id = v.model where m.project_id = $1`,
      [projectId, keys.map(({ model }) => model), keys.map(({ version }) => version)],
      'lineage_versions',
    );
    return new Map(
      rows.map(({ model, version, name, at, stage }) => [
        idOf(model, version),
        {
          name: `${name}/${version}`,
          at: Number(at),
          gone: false,
          data: { model: name, version: String(version), stage },
          target: { kind: 'Model', name },
        },
      ]),
    );
  },
  find: async (tx, called) => {
    const match = /^(.+)\/([1-9]\d{0,8})$/s.exec(called);
    return match === null ? undefined : await findVersion(tx, match[1] ?? '', Number(match[2]));
  },
};
