/**
 * Completes a multipart upload. One process at a time assembles it, under a claim that it renews; after a crash, the next
 * call takes over. Before the last transaction only the parts exist, afterwards only the artifact. A crash in between loses
 * neither, and leaves a lease that expires.
 */
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { completeUploadOperation } from '@dais/api/tracking';
import { attachContent, detachContent } from '#kernel/content/references.ts';
import type { UploadLease } from '#kernel/content/content.ts';
import type { CallOf } from '#kernel/entry.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { retryConflicts } from '../retry-conflicts.ts';
import type { ArtifactDependencies } from '../artifact-dependencies.ts';
import { artifactsOf } from '../artifact-tree.ts';
import { lockUpload, partRows, partsOf, type PartRow, type UploadRow } from './upload-rows.ts';

const CLAIM_MS = 60_000;
/** Interval and duration for which a repeated call waits for the first one. Clients give up after 120 s. */
const POLL_MS = 200;
const PATIENCE_MS = 90_000;

interface CompleteCall {
  readonly id: string;
  readonly path?: string;
  readonly parts: readonly { readonly number: number; readonly etag: string }[];
}

interface Whole {
  readonly path: string;
  readonly size: number;
  readonly sha256: string | null;
}

interface Claimed {
  readonly claim: string;
  readonly row: UploadRow;
  readonly parts: readonly PartRow[];
  readonly quota: number | null;
}

/**
 * @throws DaisError `not_found` after it was aborted or has expired, `invalid_request` when the listed parts differ from the
 *   uploaded ones, `overloaded` while another call assembles it, and errors of storing content.
 */
export async function completeUpload(
  parts: ArtifactDependencies,
  { input, tenant, context }: CallOf<typeof completeUploadOperation>,
): Promise<Whole> {
  const { clock } = parts;
  const deadline = clock.now() + PATIENCE_MS;
  for (;;) {
    const found = await claim(parts, tenant.id, input);
    if ('size' in found) return found;
    if ('claim' in found) return await assemble(parts, tenant.id, found);
    if (context.signal.aborted || clock.now() > deadline) {
      const detail = 'Another call is still assembling this upload. Repeat the call to get its result.';
      throw new DaisError('overloaded', detail, { retryAfter: 5 });
    }
    await new Promise<void>((resolve) => void clock.after(POLL_MS, resolve));
  }
}

/** Returns a claim to assemble the upload, its result, or `busy` while another call assembles it. */
async function claim(
  { database, clock, claimMs = CLAIM_MS }: ArtifactDependencies,
  projectId: string,
  input: CompleteCall,
): Promise<Claimed | Whole | { readonly busy: true }> {
  return await transact(database, { mode: 'write', projectId }, async (tx) => {
    const row = await lockUpload(tx, input);
    if (row.claimed) return { busy: true };
    const came = await partRows(tx, row.id);
    requireParts(input.parts, came, row.parts);
    if (row.size !== null) return { path: row.path, size: Number(row.size), sha256: row.sha256 };
    const id = uuidv7(clock.now());
    await tx.sql.query(
      `update tracking.artifact_upload set claim = $2, claim_until = clock_timestamp() + $3 * interval '1 millisecond'
       where id = $1`,
      [row.id, id, claimMs],
      'upload_claim',
    );
    return { claim: id, row, parts: came, quota: await byteQuota(tx, projectId) };
  });
}

function requireParts(named: CompleteCall['parts'], came: readonly PartRow[], announced: number): void {
  const byNumber = new Map(came.map((part) => [part.number, part.sha256]));
  const refuse = (index: number, message: string, expected: string) => {
    const issues = [{ path: `parts[${index}]`, message, expected }];
    return new DaisError('invalid_request', 'The listed parts do not match the uploaded parts.', { issues });
  };
  for (const [index, { number, etag }] of named.entries()) {
    if (number !== index + 1)
      throw refuse(index, `has the number ${number}`, `${index + 1}: every part once, in order`);
    const sha256 = byNumber.get(number);
    if (sha256 === undefined) throw refuse(index, `part ${number} was not uploaded`, 'an uploaded part');
    if (etag.replaceAll('"', '') !== sha256) {
      throw refuse(index, `has a different ETag than part ${number}`, 'the ETag of the last upload of the part');
    }
  }
  if (named.length !== announced) throw refuse(named.length, 'is missing', `all ${announced} parts of the upload`);
}

async function assemble(parts: ArtifactDependencies, projectId: string, claimed: Claimed): Promise<Whole> {
  const { content } = parts;
  const release = renewClaim(parts, projectId, claimed);
  try {
    const source = Readable.from(allBytes(parts, projectId, claimed), { objectMode: false });
    // The project briefly stores the parts and the whole file; only the previous usage counts against the quota.
    const { quota } = claimed;
    const lease = await content.upload(source, {
      projectId,
      quota: quota === null ? null : quota + distinctBytes(claimed.parts),
    });
    try {
      await finish(parts, projectId, claimed, lease);
    } catch (error) {
      await content.release(lease);
      throw error;
    }
    return { path: claimed.row.path, size: lease.size, sha256: lease.sha256 };
  } catch (error) {
    await dropClaim(parts, projectId, claimed).catch(() => {});
    throw error;
  } finally {
    release();
  }
}

/** Streams the parts in order, with constant memory and the digest of the whole file. */
async function* allBytes(
  { content }: ArtifactDependencies,
  projectId: string,
  { row, parts }: Claimed,
): AsyncGenerator<Uint8Array> {
  for (const { number } of parts) {
    const { bytes } = await content.open(partsOf(projectId, row.id), String(number));
    yield* bytes;
  }
}

/** Content counts once per project. Parts that it also stores elsewhere count here too, so this is an upper bound. */
function distinctBytes(parts: readonly PartRow[]): number {
  const sizes = new Map(parts.map((part) => [part.sha256, Number(part.size)]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function finish(
  { database }: ArtifactDependencies,
  projectId: string,
  { claim: own, row }: Claimed,
  lease: UploadLease,
): Promise<void> {
  await retryConflicts(database, projectId, async (tx) => {
    const now = await lockUpload(tx, { id: row.id });
    if (now.claim !== own) {
      throw new DaisError(
        'overloaded',
        'Another call is now assembling this upload. Repeat the call to get its result.',
        {
          retryAfter: 1,
        },
      );
    }
    await attachContent(tx, artifactsOf(projectId), [{ lease: lease.id, name: row.path }], { replace: true });
    await detachContent(tx, partsOf(projectId, row.id));
    await tx.sql.query(
      'update tracking.artifact_upload set size = $2, sha256 = $3, claim = null, claim_until = null where id = $1',
      [row.id, lease.size, lease.sha256],
      'upload_whole',
    );
  });
}

/** Renews the claim until the returned function is called. */
function renewClaim(
  { database, clock, claimMs = CLAIM_MS }: ArtifactDependencies,
  projectId: string,
  { claim: own, row }: Claimed,
): () => void {
  let cancel: () => void = () => {};
  let over = false;
  const renew = async (): Promise<void> => {
    try {
      await database.statement(
        { mode: 'write', scope: { project: projectId } },
        `update tracking.artifact_upload set claim_until = clock_timestamp() + $3 * interval '1 millisecond'
         where id = $1 and claim = $2`,
        [row.id, own, claimMs],
        'upload_renew',
      );
    } catch {
      // The next renewal may succeed. Without one, another call takes over, and this one ends without effect.
    }
    if (!over) wait();
  };
  const wait = () => (cancel = clock.after(claimMs / 4, () => void renew()));
  wait();
  return () => {
    over = true;
    cancel();
  };
}

async function dropClaim(
  { database }: ArtifactDependencies,
  projectId: string,
  { claim: own, row }: Claimed,
): Promise<void> {
  await database.statement(
    { mode: 'write', scope: { project: projectId } },
    'update tracking.artifact_upload set claim = null, claim_until = null where id = $1 and claim = $2',
    [row.id, own],
    'upload_unclaim',
  );
}
