/** Deletes files of traces: attachments of messages, and spans that clients store as a file. */
import { listReferences } from '#kernel/content/references.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { artifactsOf as artifactOwner, removeTree } from '../artifacts/artifact-tree.ts';
import { ownPath } from '../artifacts/artifact-path.ts';
import { artifactsOf, below } from '../experiments/experiment-lookup.ts';
import type { TrackingOptions } from '../dependencies.ts';

export interface GoneTrace {
  readonly id: string;
  readonly project_id: string;
  readonly experiment: bigint;
  readonly is_default: boolean;
  readonly artifact_location: string | null;
}

/** Deletes links that are stored without the trace, because they came first. */
export async function removeEarlyLinks(
  { sql }: Transaction,
  traces: readonly Pick<GoneTrace, 'id' | 'project_id'>[],
): Promise<void> {
  if (traces.length === 0) return;
  await sql.query(
    `delete from tracking.early_trace_run l using unnest($1::uuid[], $2::text[]) g (project_id, id)
     where l.project_id = g.project_id and l.trace = g.id`,
    [traces.map((trace) => trace.project_id), traces.map(({ id }) => id)],
    'remove_early_links',
  );
}

/** Deletes what belongs to deleted traces outside their rows: links, and files stored in Dais. Shared bytes remain. */
export async function removeTraceFiles(
  tx: Transaction,
  traces: readonly GoneTrace[],
  options: Pick<TrackingOptions, 'artifactRoot'>,
): Promise<void> {
  await removeEarlyLinks(tx, traces);
  const folders = new Map<string, { readonly projectId: string; readonly path: string; readonly ids: string[] }>();
  for (const trace of traces) {
    const path = ownPath(below(artifactsOf({ ...trace, id: trace.experiment }, options), 'traces'), options);
    if (path === undefined) continue;
    const key = `${trace.project_id} ${path}`;
    const folder = folders.get(key) ?? { projectId: trace.project_id, path, ids: [] };
    folders.set(key, folder);
    folder.ids.push(trace.id);
  }
  for (const { projectId, path, ids } of folders.values()) {
    const owner = artifactOwner(projectId);
    // Most traces have no files, so one query per experiment replaces two per trace.
    const withFiles = await listReferences(tx, owner, { prefix: `${path}/`, limit: 1 });
    if (withFiles.length === 0) continue;
    for (const id of ids) await removeTree(tx, owner, `${path}/${id}`);
  }
}
