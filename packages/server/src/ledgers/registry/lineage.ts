/** Model versions as lineage nodes, by the internal number of the model, which does not change on renaming. */
import type { Transaction } from '#kernel/transaction.ts';
import { keyOf, noteLineage, type NodeSource, type NotedEdge, type Starts } from '#ledgers/lineage/index.ts';
import type { LockedModel } from './model-rows.ts';
import { parseSource } from './versions/version-source.ts';
import type { FactSubject } from '@dais/api/access';

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
  return parsed.of === 'version' ? await findVersion(tx, parsed.name, parsed.version) : undefined;
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

/** Returns the version of the production alias, or else the newest. A model without versions has no upstream. */
export async function modelStarts(tx: Transaction, { name, uid, version }: FactSubject): Promise<Starts> {
  if (uid === undefined || version === null) return { keys: [] };
  if (version !== undefined) {
    const key = await versionKeyOf(tx, name, Number(version));
    return key === undefined
      ? { keys: [], unknown: `There is no version ${version} of model ${name}.` }
      : { keys: [key] };
  }
  const [row] = await tx.sql.query<{ version: number }>(
    `select v.version from registry.version v join registry.model m on m.id = v.model
     where m.project_id = $1 and m.uid = $2 order by v.version desc limit 1`,
    [tx.projectId, uid],
    'newest_version_of_model',
  );
  const key = row === undefined ? undefined : await versionKeyOf(tx, name, row.version);
  return { keys: key === undefined ? [] : [key] };
}

/** Ordered by name and alias, after `after`. Prompts have no lineage and are skipped. */
export async function listAliases(
  { sql, projectId }: Transaction,
  after: { readonly name: string; readonly alias: string } | undefined,
  limit: number,
) {
  const rows = await sql.query<{ name: string; uid: string; alias: string; version: number }>(
    `select m.name, m.uid, a.alias, a.version from registry.model m join registry.alias a on a.model = m.id
     where m.project_id = $1 and m.type <> 'prompt' and ($2::text is null or (m.name, a.alias) > ($2, $3))
     order by m.name, a.alias limit $4`,
    [projectId, after?.name ?? null, after?.alias ?? null, limit],
    'list_aliases',
  );
  return rows.map((row) => ({ ...row, kind: 'Model' as const, version: String(row.version) }));
}

/**
 * Returns the runs and logged models that versions depend on. A version of a logged model depends on that, not on its
 * run.
 */
export async function versionSources(
  { sql, projectId }: Transaction,
  { runs, loggedModels }: { readonly runs: readonly string[]; readonly loggedModels: readonly string[] },
): Promise<{ readonly runs: ReadonlySet<string>; readonly loggedModels: ReadonlySet<string> }> {
  if (runs.length + loggedModels.length === 0) return { runs: new Set(), loggedModels: new Set() };
  const rows = await sql.query<{ run_id: string | null; logged_model_id: string | null }>(
    `select distinct run_id, logged_model_id from registry.version where project_id = $1
       and (run_id = any($2) and logged_model_id is null or logged_model_id = any($3))`,
    [projectId, runs, loggedModels],
    'held_sources',
  );
  return {
    runs: new Set(rows.flatMap((row) => (row.logged_model_id === null ? (row.run_id ?? []) : []))),
    loggedModels: new Set(rows.flatMap((row) => row.logged_model_id ?? [])),
  };
}
