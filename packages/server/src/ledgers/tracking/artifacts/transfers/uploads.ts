/** Multipart uploads: starting, uploading parts and aborting. complete-upload.ts completes them. */
import { DaisError, type OutputOf } from '@dais/api';
import { putPartOperation, type abortUploadOperation, type beginUploadOperation } from '@dais/api/tracking';
import type { Readable } from 'node:stream';
import { attachContent, detachContent } from '#kernel/content/references.ts';
import type { CallOf } from '#kernel/entry.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import { uuidv7 } from '#lib/ids.ts';
import { secretDigest } from '#lib/crypto/digests.ts';
import { projectGone } from '../../experiments/experiment-lookup.ts';
import type { ArtifactDependencies } from '../artifact-dependencies.ts';
import { artifactPath } from '../artifact-path.ts';
import { retryConflicts } from '../retry-conflicts.ts';
import { newTicket, ticketError } from './ticket.ts';
import { otherPartBytes, findByTicket, lockUpload, partsOf, type UploadRow } from './upload-rows.ts';

/** Uploads expire after a day, the time for two terabytes at 200 Mbit/s. */
const LIFE_HOURS = 24;
/** Limit of open uploads per project. A client has only a few. */
const MOST_OPEN = 1000;
const GIB = 2 ** 30;
/** Limits in bytes of one part and of all parts: what both stores accept in one stream (10,000 pieces of 16 MiB in S3). */
const UPLOAD_LIMITS = { partBytes: GIB, totalBytes: 10_000 * 16 * 2 ** 20 } as const;

/** @throws DaisError `unsafe_path`, `rate_limited` while too many are open. */
export async function startUpload(
  { database, clock, random }: ArtifactDependencies,
  { input, tenant }: CallOf<typeof beginUploadOperation>,
): Promise<OutputOf<typeof beginUploadOperation>> {
  const path = artifactPath(input.path);
  const ticket = newTicket(random);
  const id = uuidv7(clock.now());
  const expiresAt = await transact(database, { mode: 'write', projectId: tenant.id }, async ({ sql }) => {
    // The lock serializes concurrent starts, so that they cannot exceed the limit together.
    await sql.query(
      "select pg_advisory_xact_lock(hashtextextended('artifact uploads ' || $1, 0))",
      [tenant.id],
      'upload_turn',
    );
    const [open] = await sql.query<{ n: number }>(
      `select count(*)::int as n from tracking.artifact_upload
       where project_id = $1 and size is null and expires_at > clock_timestamp()`,
      [tenant.id],
      'uploads_open',
    );
    if ((open?.n ?? 0) >= MOST_OPEN) {
      const detail = `This project already has ${MOST_OPEN} open uploads, which is the limit. Complete or abort some, or upload the artifact in one request.`;
      throw new DaisError('rate_limited', detail, { retryAfter: 60 });
    }
    const insert = sql.query<{ expires_at: Date }>(
      `insert into tracking.artifact_upload (id, project_id, path, parts, ticket, expires_at)
       values ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 hour') returning expires_at`,
      [id, tenant.id, path, input.parts, ticket.digest, LIFE_HOURS],
      'upload_start',
    );
    const [row] = await foreignKeyRace(insert, projectGone);
    if (row === undefined) throw new Error('the insert returned no row');
    return row.expires_at;
  });
  const url = `/p/${tenant.name}${putPartOperation.http.path.replace(':id', id).replace('/:number', '')}`;
  return { id, ticket: ticket.text, url, expiresAt: expiresAt.toISOString() };
}

/**
 * @throws DaisError `unauthenticated` for an invalid ticket, `invalid_request` for a part number beyond the upload,
 *   `invalid_state` once the upload is assembled, and errors of storing content.
 */
export async function uploadPart(
  { database, content }: ArtifactDependencies,
  { input, tenant, context }: CallOf<typeof putPartOperation>,
): Promise<OutputOf<typeof putPartOperation>> {
  const bytes: Readable | undefined = context.content;
  if (bytes === undefined)
    throw new DaisError('unreadable_body', 'The request has no body. Send the bytes of the part.');
  const number = Number(input.number);
  const ticket = secretDigest(input.ticket);
  const read = { mode: 'read', projectId: tenant.id } as const;
  const { quota, before } = await transact(database, read, async (tx) => {
    const row = await findByTicket(tx, input.id, ticket);
    if (row === undefined) throw ticketError('upload');
    requirePart(row, number);
    return { quota: await byteQuota(tx, tenant.id), before: await otherPartBytes(tx, row.id, number) };
  });
  const maxBytes = Math.min(UPLOAD_LIMITS.partBytes, UPLOAD_LIMITS.totalBytes - before);
  const lease = await content.upload(bytes, { projectId: tenant.id, quota, maxBytes });
  try {
    await retryConflicts(database, tenant.id, async (tx) => {
      await storePart(tx, {
        upload: input.id,
        ticket,
        number,
        lease: lease.id,
        size: lease.size,
        sha256: lease.sha256,
      });
    });
  } catch (error) {
    await content.release(lease);
    throw error;
  }
  return { number, etag: lease.sha256, size: lease.size };
}

interface NewPart {
  readonly upload: string;
  readonly ticket: Buffer;
  readonly number: number;
  readonly lease: string;
  readonly size: number;
  readonly sha256: string;
}

async function storePart(tx: Transaction, part: NewPart): Promise<void> {
  const { upload, number, size, sha256, lease } = part;
  const { projectId, sql } = tx;
  // The upload may have been aborted meanwhile.
  if ((await findByTicket(tx, upload, part.ticket)) === undefined) throw ticketError('upload');
  const row = await lockUpload(tx, { id: upload });
  requirePart(row, number);
  // Concurrent parts were checked independently of each other.
  if ((await otherPartBytes(tx, upload, number)) + size > UPLOAD_LIMITS.totalBytes) {
    const detail = `the parts together exceed the limit of ${UPLOAD_LIMITS.totalBytes} bytes`;
    throw new DaisError('too_large', detail);
  }
  // A stalled call that started to assemble the upload must not continue with the replaced part.
  if (row.claim !== null) sql.defer('update tracking.artifact_upload set claim = null where id = $1', [upload]);
  await sql.query(
    `insert into tracking.artifact_upload_part (upload, number, project_id, size, sha256) values ($1, $2, $3, $4, $5)
     on conflict (upload, number) do update set size = excluded.size, sha256 = excluded.sha256`,
    [upload, number, projectId, size, sha256],
    'upload_part',
  );
  await attachContent(tx, partsOf(projectId, upload), [{ lease, name: String(number) }], { replace: true });
}

function requirePart(row: UploadRow, number: number): void {
  if (number > row.parts) {
    throw new DaisError('invalid_request', `Part ${number} does not exist: the upload has ${row.parts} parts.`, {
      issues: [{ path: 'number', message: `is ${number}`, expected: `1 to ${row.parts}` }],
    });
  }
  if (row.size === null && !row.claimed) return;
  const what = row.size === null ? 'is being assembled' : 'is already complete';
  throw new DaisError('invalid_state', `The upload ${what}, so it accepts no further parts.`);
}

/** Aborts an upload. A completed one is unchanged: its artifact is deleted like any other. */
export async function abortUpload(
  tx: Transaction,
  { input }: CallOf<typeof abortUploadOperation>,
): Promise<OutputOf<typeof abortUploadOperation>> {
  let row: UploadRow;
  try {
    row = await lockUpload(tx, input);
  } catch (error) {
    if (error instanceof DaisError && error.code === 'not_found') return { aborted: false };
    throw error;
  }
  if (row.size !== null) return { aborted: false };
  await detachContent(tx, partsOf(tx.projectId, row.id));
  await tx.sql.query('delete from tracking.artifact_upload where id = $1', [row.id], 'upload_abort');
  return { aborted: true };
}
