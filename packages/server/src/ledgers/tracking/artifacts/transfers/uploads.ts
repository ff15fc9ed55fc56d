/** Uploads in parts: their beginning, their parts, and their being given up. Their end is in complete-upload.ts. */
import {
  DaisError,
  putPartOperation,
  type abortUploadOperation,
  type beginUploadOperation,
  type OutputOf,
} from '@dais/api';
import type { Readable } from 'node:stream';
import { attachContent, detachContent } from '#kernel/content/references.ts';
import type { CallOf } from '#kernel/entry.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import { uuidv7 } from '#lib/ids.ts';
import { secretDigest } from '#lib/crypto/digests.ts';
import { projectGone } from '../../experiment-lookup.ts';
import type { ArtifactParts } from '../artifact-parts.ts';
import { artifactPath } from '../artifact-path.ts';
import { afterConflicts } from '../after-conflicts.ts';
import { newTicket, wrongTicket } from './ticket.ts';
import { bytesBeside, findByTicket, lockUpload, partsOf, type UploadRow } from './upload-rows.ts';

/** What is not whole after a day is given up: as long as two terabytes take at 200 Mbit/s. */
const LIFE_HOURS = 24;
/** Of one project at a time. Each client has a handful. */
const MOST_OPEN = 1000;
const GIB = 2 ** 30;
/** Most bytes of one part, and of all: what both stores take in one stream (10,000 pieces of 16 MiB in S3). */
const UPLOAD_LIMITS = { partBytes: GIB, totalBytes: 10_000 * 16 * 2 ** 20 } as const;

/** @throws DaisError `unsafe_path`, `rate_limited` while too many are open. */
export async function beginUpload(
  { database, clock, random }: ArtifactParts,
  { input, tenant }: CallOf<typeof beginUploadOperation>,
): Promise<OutputOf<typeof beginUploadOperation>> {
  const path = artifactPath(input.path);
  const ticket = newTicket(random);
  const id = uuidv7(clock.now());
  const expiresAt = await transact(database, { mode: 'write', projectId: tenant.id }, async ({ sql }) => {
    // Those who begin at the same moment take turns, so that they cannot pass the limit together.
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
      const detail = `${MOST_OPEN} uploads of this project are under way: complete or abort some, or send the artifact at once.`;
      throw new DaisError('rate_limited', detail, { retryAfter: 60 });
    }
    const insert = sql.query<{ expires_at: Date }>(
      `insert into tracking.artifact_upload (id, project_id, path, parts, ticket, expires_at)
       values ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 hour') returning expires_at`,
      [id, tenant.id, path, input.parts, ticket.digest, LIFE_HOURS],
      'upload_begin',
    );
    const [row] = await foreignKeyRace(insert, projectGone);
    if (row === undefined) throw new Error('one insert gives one row');
    return row.expires_at;
  });
  const url = `/p/${tenant.name}${putPartOperation.http.path.replace(':id', id).replace('/:number', '')}`;
  return { id, ticket: ticket.text, url, expiresAt: expiresAt.toISOString() };
}

/**
 * @throws DaisError `unauthenticated` for a ticket that does not hold, `invalid_request` for a number beyond those
 *   announced, `invalid_state` once the upload is put together, and what keeping content throws.
 */
export async function putPart(
  { database, content }: ArtifactParts,
  { input, tenant, context }: CallOf<typeof putPartOperation>,
): Promise<OutputOf<typeof putPartOperation>> {
  const bytes: Readable | undefined = context.content;
  if (bytes === undefined) throw new DaisError('unreadable_body', 'The request carries no bytes.');
  const number = Number(input.number);
  const ticket = secretDigest(input.ticket);
  const read = { mode: 'read', projectId: tenant.id } as const;
  const { quota, before } = await transact(database, read, async (tx) => {
    const row = await findByTicket(tx, input.id, ticket);
    if (row === undefined) throw wrongTicket('upload');
    requirePart(row, number);
    return { quota: await byteQuota(tx, tenant.id), before: await bytesBeside(tx, row.id, number) };
  });
  const maxBytes = Math.min(UPLOAD_LIMITS.partBytes, UPLOAD_LIMITS.totalBytes - before);
  const lease = await content.upload(bytes, { projectId: tenant.id, quota, maxBytes });
  try {
    await afterConflicts(database, tenant.id, async (tx) => {
      await keepPart(tx, { upload: input.id, ticket, number, lease: lease.id, size: lease.size, sha256: lease.sha256 });
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

async function keepPart(tx: Transaction, part: NewPart): Promise<void> {
  const { upload, number, size, sha256, lease } = part;
  const { projectId, sql } = tx;
  // It may have been given up while the bytes came.
  if ((await findByTicket(tx, upload, part.ticket)) === undefined) throw wrongTicket('upload');
  const row = await lockUpload(tx, { id: upload });
  requirePart(row, number);
  // Parts that came side by side did not know of each other.
  if ((await bytesBeside(tx, upload, number)) + size > UPLOAD_LIMITS.totalBytes) {
    const detail = `the parts are larger together than the ${UPLOAD_LIMITS.totalBytes} bytes allowed here`;
    throw new DaisError('too_large', detail);
  }
  // Whoever began to put it together and died meanwhile, or only sleeps, must not go on with the part that was here.
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
    throw new DaisError('invalid_request', `Part ${number} was not announced: the upload has ${row.parts}.`, {
      issues: [{ path: 'number', message: `is ${number}`, expected: `1 to ${row.parts}` }],
    });
  }
  if (row.size === null && !row.claimed) return;
  const what = row.size === null ? 'is being put together' : 'is whole already';
  throw new DaisError('invalid_state', `The upload ${what}: no part is taken any more.`);
}

/** An upload that is whole stays so: its artifact is deleted like any other. */
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
