/**
 * The end of an upload in parts. One process at a time puts it together, under a claim that it renews; one that was killed
 * is followed by the next that asks. Until the last transaction there is no artifact and every part is there, after it the
 * artifact and no part: a kill in between loses neither and leaves a lease that ends by itself.
 */
import { Readable } from 'node:stream';
import { DaisError, type completeUploadOperation } from '@dais/api';
import { attachContent, detachContent } from '#kernel/content/references.ts';
import type { UploadLease } from '#kernel/content/content.ts';
import type { CallOf } from '#kernel/entry.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { afterConflicts } from '../after-conflicts.ts';
import type { ArtifactParts } from '../artifact-parts.ts';
import { artifactsOf } from '../artifact-tree.ts';
import { lockUpload, partRows, partsOf, type PartRow, type UploadRow } from './upload-rows.ts';

const CLAIM_MS = 60_000;
/** How often a repetition looks whether the first call is through, and how long: clients give up after 120 s. */
const LOOK_MS = 200;
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
 * @throws DaisError `not_found` after it was given up or has expired, `invalid_request` when the parts named are not those
 *   that came, `overloaded` when somebody else still puts it together, and what keeping content throws.
 */
export async function completeUpload(
  parts: ArtifactParts,
  { input, tenant, context }: CallOf<typeof completeUploadOperation>,
): Promise<Whole> {
  const { clock } = parts;
  const giveUp = clock.now() + PATIENCE_MS;
  for (;;) {
    const found = await claim(parts, tenant.id, input);
    if ('size' in found) return found;
    if ('claim' in found) return await assemble(parts, tenant.id, found);
    if (context.signal.aborted || clock.now() > giveUp) {
      const detail = 'Somebody else still puts this upload together: ask again, the answer will be there.';
      throw new DaisError('overloaded', detail, { retryAfter: 5 });
    }
    await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
  }
}

/** The right to put it together, or what it became, or neither while somebody else does. */
async function claim(
  { database, clock, claimMs = CLAIM_MS }: ArtifactParts,
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
    return new DaisError('invalid_request', 'The parts named are not the parts of the upload.', { issues });
  };
  for (const [index, { number, etag }] of named.entries()) {
    if (number !== index + 1)
      throw refuse(index, `has the number ${number}`, `${index + 1}: every part once, in order`);
    const sha256 = byNumber.get(number);
    if (sha256 === undefined) throw refuse(index, `has not come: part ${number} is missing`, 'a part that was sent');
    if (etag.replaceAll('"', '') !== sha256) {
      throw refuse(
        index,
        `has another ETag than part ${number}`,
        'the ETag of the answer to the part that was sent last',
      );
    }
  }
  if (named.length !== announced)
    throw refuse(named.length, 'is missing', `all ${announced} parts that were announced`);
}

async function assemble(parts: ArtifactParts, projectId: string, claimed: Claimed): Promise<Whole> {
  const { content } = parts;
  const release = keepClaim(parts, projectId, claimed);
  try {
    const source = Readable.from(allBytes(parts, projectId, claimed), { objectMode: false });
    // For a moment the project holds the parts and the whole: what it held before counts, not both.
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

/** One part after the other: memory stays flat, and the digest is that of the whole. */
async function* allBytes(
  { content }: ArtifactParts,
  projectId: string,
  { row, parts }: Claimed,
): AsyncGenerator<Uint8Array> {
  for (const { number } of parts) {
    const { bytes } = await content.open(partsOf(projectId, row.id), String(number));
    yield* bytes;
  }
}

/** Content is counted once in a project. Parts that it holds elsewhere too count here all the same: that is its size at most. */
function distinctBytes(parts: readonly PartRow[]): number {
  const sizes = new Map(parts.map((part) => [part.sha256, Number(part.size)]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function finish(
  { database }: ArtifactParts,
  projectId: string,
  { claim: own, row }: Claimed,
  lease: UploadLease,
): Promise<void> {
  await afterConflicts(database, projectId, async (tx) => {
    const now = await lockUpload(tx, { id: row.id });
    if (now.claim !== own) {
      throw new DaisError('overloaded', 'Somebody else took over to put this upload together: ask again.', {
        retryAfter: 1,
      });
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

/** Renews the claim until the function that it gives is called. */
function keepClaim(
  { database, clock, claimMs = CLAIM_MS }: ArtifactParts,
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
      // The next one may get through; without any, somebody else takes over and this one ends without an effect.
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

async function dropClaim({ database }: ArtifactParts, projectId: string, { claim: own, row }: Claimed): Promise<void> {
  await database.statement(
    { mode: 'write', scope: { project: projectId } },
    'update tracking.artifact_upload set claim = null, claim_until = null where id = $1 and claim = $2',
    [row.id, own],
    'upload_unclaim',
  );
}
