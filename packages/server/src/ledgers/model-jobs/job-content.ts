/** Content of a job: the results of its shards until it ends, and the rejected rows. */
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { detachContent, listReferences, type ContentOwner } from '#kernel/content/references.ts';
import { byteQuota } from '#kernel/tenants.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { ModelJobsDependencies } from './model-jobs-dependencies.ts';
import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';

export const REJECTS = 'rejects.ndjson';

export function contentOfJob({
  id,
  project_id: projectId,
}: {
  readonly id: string;
  readonly project_id: string;
}): ContentOwner {
  return { projectId, uid: id, label: `job ${id}` };
}

const named = (number: number, kind: string) => `shard-${String(number).padStart(5, '0')}.${kind}`;
export const outputFileOf = (number: number) => named(number, 'parquet');
export const rejectsOf = (number: number) => named(number, 'rejects.ndjson');

/** Returns a lease: `attachContent` assigns it to the job, otherwise it is garbage. */
export async function upload(
  { content }: ModelJobsDependencies,
  projectId: string,
  path: string,
  io: JobIo,
): Promise<string> {
  const quota = await io.read(async (tx) => await byteQuota(tx, projectId));
  return (await content.upload(createReadStream(path), { projectId, quota })).id;
}

export async function fetchTo(
  { content }: ModelJobsDependencies,
  owner: ContentOwner,
  name: string,
  path: string,
): Promise<void> {
  const { bytes } = await content.open(owner, name);
  await pipeline(bytes, createWriteStream(path, { mode: 0o600 }));
}

const PAGE = 1000;

/** Deletes all content of the job, or all results of its shards. */
export async function dropContent(tx: Transaction, owner: ContentOwner, keep: readonly string[] = []): Promise<void> {
  const kept = new Set(keep);
  for (let after: string | undefined; ;) {
    const page = await listReferences(tx, owner, { limit: PAGE, ...(after !== undefined && { after }) });
    const names = page.map(({ name }) => name).filter((name) => !kept.has(name));
    if (names.length > 0) await detachContent(tx, owner, names);
    after = page.at(-1)?.name;
    if (page.length < PAGE || after === undefined) return;
  }
}

/** Names jobs by kind, model and version. */
export async function nameModelJobOwners(
  sql: Sql,
  references: readonly DamagedReference[],
): Promise<readonly OwnerName[]> {
  return await sql.query<OwnerName>(
    `select project_id as "projectId", id as owner, 'job' as kind,
       kind || ' of ' || model_name || '/' || version || ' (' || id || ')' as name
     from model_jobs.job where id = any($1::uuid[])`,
    [[...new Set(references.map(({ owner }) => owner))]],
    'model_job_content_owners',
  );
}
