/** Finds outputs of equal steps that succeeded: in the retried run, or in the cache of the project. */
import { linkContent, listReferences } from '#kernel/content/references.ts';
import { byteQuota } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Artifact, Value, Values } from '../machine/plan.ts';
import type { NodeSource } from '../machine/run-store.ts';

export interface CachedStep {
  readonly source: NodeSource;
  readonly outputs: Values;
}

export interface CacheLookup {
  readonly run: string;
  readonly retryOf: string | undefined;
  readonly again: readonly string[];
  readonly path: string;
  readonly place: string;
  readonly fingerprint: string;
  readonly cache: boolean;
}

interface Found {
  readonly outputs: Values;
}

/** Returns the outputs of an equal step that succeeded. */
export async function findCachedStep(
  { sql, projectId }: Transaction,
  of: CacheLookup,
): Promise<CachedStep | undefined> {
  const request = of.again.some((place) => of.place === place || of.place.startsWith(`${place}/`));
  if (request) return undefined;
  if (of.retryOf !== undefined) {
    const [row] = await sql.query<Found>(
      `select outputs from executions.node where project_id = $1 and run = $2 and path = $3 and state = 'succeeded'
         and fingerprint = $4`,
      [projectId, of.retryOf, of.path, of.fingerprint],
      'execution_reusable',
    );
    if (row !== undefined) return { source: 'reused', outputs: row.outputs };
  }
  if (!of.cache) return undefined;
  const [row] = await sql.query<Found>(
    `select n.outputs from executions.cache_entry c join executions.node n on n.id = c.node
     where c.project_id = $1 and c.fingerprint = $2 and n.state = 'succeeded'`,
    [projectId, of.fingerprint],
    'execution_cached',
  );
  return row === undefined ? undefined : { source: 'cache', outputs: row.outputs };
}

/** Adds a step that succeeded to the cache of its project. */
export async function rememberStep({ sql, projectId }: Transaction, fingerprint: string, node: string): Promise<void> {
  await sql.query(
    `insert into executions.cache_entry (project_id, fingerprint, node) values ($1, $2, $3)
     on conflict (project_id, fingerprint) do update set node = excluded.node`,
    [projectId, fingerprint, node],
    'execution_remember',
  );
}

/** Links the files of another run to this run, so that each can be deleted alone. Bytes are not copied. */
export async function linkValues(
  tx: Transaction,
  run: string,
  values: Values,
  prefixOf: (name: string) => string,
): Promise<Values> {
  const taken: [string, Value][] = [];
  for (const [name, value] of Object.entries(values)) {
    if (!('artifact' in value) || value.artifact.files === 0) taken.push([name, value]);
    else taken.push([name, { artifact: await linkArtifact(tx, value.artifact, run, prefixOf(name)) }]);
  }
  return Object.fromEntries(taken);
}

async function linkArtifact(tx: Transaction, artifact: Artifact, run: string, prefix: string): Promise<Artifact> {
  const { projectId } = tx;
  const from = { projectId, uid: artifact.run };
  const quota = await byteQuota(tx, projectId);
  const names: string[] = artifact.folder ? [] : [artifact.prefix];
  for (let after = ''; artifact.folder;) {
    const page = await listReferences(tx, from, { prefix: `${artifact.prefix}/`, after, limit: 1000 });
    names.push(...page.map(({ name }) => name));
    after = page.at(-1)?.name ?? '';
    if (page.length < 1000) break;
  }
  for (const name of names) {
    const to = { projectId, uid: run, name: `${prefix}${name.slice(artifact.prefix.length)}` };
    await linkContent(tx, { ...from, name }, to, { quota });
  }
  return { ...artifact, run, prefix };
}
