/** Pushes: started, uploaded file by file, and committed. */
import { type Actor, countNoun, DaisError, type DatasetSpec } from '@dais/api';
import type {
  beginPushOperation,
  cancelIngestOperation,
  commitPushOperation,
  Ingest,
  uploadPushedFileOperation,
} from '@dais/api/data';
import { attachContent } from '#kernel/content/references.ts';
import type { CallOf } from '#kernel/entry.ts';
import { ensureResource } from '#kernel/resource-handlers.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { findDataset, requireDataset, type DatasetRow, readDatasetSpec } from '../dataset-rows.ts';
import { splitRows } from '../versions/split-rows.ts';
import { previousReady } from '../versions/version-rows.ts';
import { sourceFile } from './file-format.ts';
import { groupFiles } from './file-groups.ts';
import { contentOfIngest, pushedName } from './gather.ts';
import { failIngest, INGEST_QUEUE, splitBefore } from './ingest-job.ts';
import { presentIngest, readIngestFiles, readIngestOf, type IngestSource } from './ingest-rows.ts';
import { knownReadings } from './read-groups.ts';
import { groupDigest, readingDigest, type ReadableFile } from './reading-plan.ts';

/** Maximum attempts of an ingest after failures of the platform; invalid data is not retried. */
const ATTEMPTS = 5;

export interface PushedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export async function beginPush(
  tx: Transaction,
  call: CallOf<typeof beginPushOperation>,
  dependencies: DataDependencies,
): Promise<Ingest> {
  const { name, files, message, tags, invalidRows, create } = call.input;
  const twice = files.findIndex((file, at) => files.findIndex((other) => other.name === file.name) !== at);
  if (twice !== -1 && files.length <= 1000) {
    throw new DaisError('invalid_request', `The file ${files[twice]?.name ?? ''} is listed twice.`);
  }
  let dataset = await findDataset(tx, name);
  if (dataset === undefined && create) {
    await call.authorize({ kind: 'Dataset', name, desired: { spec: {} } }, call.tenant, 'dataset:write');
    await ensureResource(tx, dependencies.kinds(), call.tenant, { kind: 'Dataset', name, origin: call.context.origin });
  }
  dataset ??= await requireDataset(tx, name);
  const spec = await readDatasetSpec(tx, name);
  const source = spec.source?.type ?? 'upload';
  if (source !== 'upload') {
    throw new DaisError('invalid_state', `The rows of ${name} come from its source \`${source}\`. Refresh it instead.`);
  }
  // Formats must be known before a long upload.
  for (const file of files) sourceFile('', file.name, spec.format);
  const known = await knownFiles(tx, dataset, spec, files, dependencies);
  const id = await insertIngest(tx, dataset, {
    message,
    tags,
    source: { type: 'upload', invalidRows },
    now: dependencies.clock.now(),
    state: 'open',
  });
  await insertIngestFiles(
    tx,
    id,
    files.map((file) => ({ ...file, here: known.has(file.name) })),
  );
  return await presentIngest(tx, await readIngestOf(tx, name, id));
}

/** Returns the files that need no upload, because their results are stored. */
async function knownFiles(
  tx: Transaction,
  dataset: DatasetRow,
  spec: DatasetSpec,
  files: readonly PushedFile[],
  dependencies: DataDependencies,
): Promise<ReadonlySet<string>> {
  const version = await previousReady(tx, dataset.name, 2 ** 31 - 1);
  if (version === undefined || (spec.columns === undefined && spec.schemaChanges !== 'refuse')) return new Set();
  const columns = spec.columns?.map(({ name, type, nullable }) => ({ name, type, nullable })) ?? version.schema.columns;
  const plan = {
    columns,
    keys: spec.keys ?? [],
    splitRows: splitRows(version.rows, await splitBefore(tx, version.id)),
  };
  const readable = files.map(({ name, bytes, sha256 }): ReadableFile => {
    return { name, bytes, digest: sha256, source: sourceFile('', name, spec.format) };
  });
  const groups = groupFiles(readable).map((group) => ({ group, digest: groupDigest(group) }));
  const reading = readingDigest(plan, (await dependencies.query()).state().version);
  const known = await knownReadings(
    tx,
    dataset,
    reading,
    groups.map(({ digest }) => digest),
  );
  return new Set(groups.flatMap(({ group, digest }) => (known.has(digest) ? group.map(({ name }) => name) : [])));
}

/** Enqueues the ingest. */
export async function insertIngest(
  tx: Transaction,
  dataset: DatasetRow,
  made: {
    readonly message: string;
    readonly tags: readonly string[];
    readonly source: IngestSource;
    readonly now: number;
    readonly state: 'open' | 'pending';
    /** The creator, if it is not the caller. */
    readonly by?: Actor;
  },
): Promise<string> {
  const id = uuidv7(made.now);
  const { principal, origin } = tx.by;
  const { via } = principal;
  // The lineage records the step that pushes.
  const step = via?.method === 'step' && via.credential !== undefined ? { step: via.credential } : {};
  await tx.sql.query(
    `insert into data.ingest (id, project_id, dataset, state, phase, message, tags, source, created_at, created_by, origin)
     values ($1, $2, $3, $4, '', $5, $6, $7, $8, $9, $10)`,
    [
      id,
      tx.projectId,
      dataset.id,
      made.state,
      made.message,
      made.tags,
      JSON.stringify({ ...made.source, ...step }),
      made.now,
      JSON.stringify(made.by ?? { type: principal.type, id: principal.id }),
      origin,
    ],
    'insert_ingest',
  );
  return id;
}

/** `here`: the bytes need no upload. */
export async function insertIngestFiles(
  tx: Transaction,
  ingest: string,
  files: readonly (PushedFile & { readonly here: boolean })[],
): Promise<void> {
  await tx.sql.query(
    `insert into data.ingest_file (ingest, position, project_id, name, digest, bytes, is_uploaded)
     select $1, t.position - 1, $2, t.name, t.digest, t.bytes, t.here
     from unnest($3::text[], $4::text[], $5::bigint[], $6::boolean[]) with ordinality as t (name, digest, bytes, here, position)`,
    [
      ingest,
      tx.projectId,
      files.map(({ name }) => name),
      files.map(({ sha256 }) => sha256),
      files.map(({ bytes }) => bytes),
      files.map(({ here }) => here),
    ],
    'insert_ingest_files',
  );
}

export function enqueueIngest(tx: Transaction, id: string): void {
  tx.enqueue({
    id,
    queue: INGEST_QUEUE,
    projectId: tx.projectId,
    payload: { ingest: id },
    uniqueKey: id,
    maxAttempts: ATTEMPTS,
  });
}

interface PushCall {
  readonly name: string;
  readonly id: string;
}

/** Uploads the bytes of one file. */
export async function uploadPushed(dependencies: DataDependencies, call: CallOf<typeof uploadPushedFileOperation>) {
  const { input, tenant, context } = call;
  if (context.content === undefined) throw new DaisError('unreadable_body', 'The request body is empty.');
  const { database, content } = dependencies;
  const { file, quota } = await transact(database, { mode: 'read', projectId: tenant.id }, async (tx) => {
    const row = await requireOpen(tx, input);
    const files = await readIngestFiles(tx, row.id);
    const found = files.find(({ name }) => name === input.file);
    if (found === undefined) throw new DaisError('not_found', `The push has no file ${input.file}.`);
    return { file: found, quota: await byteQuota(tx, tenant.id) };
  });
  const expected = { sha256: file.digest, maxBytes: Number(file.bytes) };
  const lease = await content.upload(context.content, { projectId: tenant.id, quota, ...expected });
  try {
    await transact(database, { mode: 'write', projectId: tenant.id, by: context }, async (tx) => {
      const row = await requireOpen(tx, input, true);
      const name = pushedName(file.position);
      await attachContent(tx, contentOfIngest(row), [{ lease: lease.id, name }], { replace: true });
      await tx.sql.query('update data.ingest_file set is_uploaded = true where ingest = $1 and position = $2', [
        row.id,
        file.position,
      ]);
    });
  } catch (error) {
    await content.release(lease);
    throw error;
  }
  return { file: file.name, size: lease.size, sha256: lease.sha256 };
}

async function requireOpen(tx: Transaction, { name, id }: PushCall, lock = false) {
  const row = await readIngestOf(tx, name, id, lock);
  if (row.state !== 'open') throw new DaisError('invalid_state', `The push ${id} is ${row.state}. Start a new push.`);
  return row;
}

/** Commits a push. Idempotent. @throws DaisError `invalid_state` while files are missing. */
export async function commitPush(tx: Transaction, { input }: CallOf<typeof commitPushOperation>): Promise<Ingest> {
  const row = await readIngestOf(tx, input.name, input.id, true);
  if (row.state === 'open') {
    const shown = await presentIngest(tx, row);
    if (shown.needed.length > 0) {
      const names = shown.needed.slice(0, 5).join(', ');
      throw new DaisError(
        'invalid_state',
        `The upload of ${countNoun(shown.needed.length, 'file')} is not complete: ${names}.`,
      );
    }
    await tx.sql.query(`update data.ingest set state = 'pending' where id = $1`, [row.id], 'commit_push');
    enqueueIngest(tx, row.id);
  }
  return await presentIngest(tx, await readIngestOf(tx, input.name, input.id));
}

/** Cancels a push. A running job notices at its next step. */
export async function cancelIngest(
  tx: Transaction,
  { input }: CallOf<typeof cancelIngestOperation>,
  dependencies: DataDependencies,
): Promise<Ingest> {
  const row = await readIngestOf(tx, input.name, input.id, true);
  if (row.ended_at === null) {
    const data = { now: dependencies.clock.now(), problems: [{ message: 'The ingest was canceled.' }] };
    await failIngest(tx, row.id, 'canceled', data);
  }
  return await presentIngest(tx, await readIngestOf(tx, input.name, input.id));
}
