/** Proofs of the log, from stored hashes. */
import { countNoun, DaisError } from '@dais/api';
import { consistencyPath, inclusionPath, toBase64, type Hash, rootOfInclusion } from '@dais/api/tlog';
import type { Sql } from '#engines/database/contract.ts';
import { type ArchiveStore, readBodies } from './archive-store.ts';
import { checkpointOver, newestCheckpoint } from './checkpoints.ts';
import { treeHasher } from './hashing.ts';
import { partHash, readState } from './tree-store.ts';

/** Returns an inclusion proof. @throws DaisError `not_found`, `invalid_request`. */
export async function proveEntry(sql: Sql, archives: ArchiveStore, seq: number, requested: number | undefined) {
  const size = await provenSize(sql, requested);
  const [entry] = seq < size ? await readBodies(sql, archives, seq, 1) : [];
  if (entry === undefined)
    throw new DaisError('not_found', `The audit log has ${countNoun(size, 'entry')}. Entry ${seq} does not exist.`);
  const path = await inclusionPath(seq, size, parts(sql, archives));
  const body = entry.body.toString('utf8');
  const root = rootOfInclusion(treeHasher, { index: seq, size, leaf: treeHasher.leaf(body), path });
  const checkpoint = await checkpointOver(sql, size);
  return {
    seq,
    body,
    size,
    path: path.map(toBase64),
    root: toBase64(root ?? treeHasher.empty),
    ...(checkpoint !== undefined && { checkpoint: checkpoint.note }),
  };
}

/** Returns a consistency proof. @throws DaisError `invalid_request`. */
export async function proveConsistency(sql: Sql, archives: ArchiveStore, from: number, requested: number | undefined) {
  const size = await provenSize(sql, requested);
  if (from < 1 || from > size) {
    throw new DaisError('invalid_request', `\`from\` must be between 1 and the later size, ${size}.`);
  }
  const part = parts(sql, archives);
  const path = await consistencyPath(from, size, part);
  const [fromRoot, root] = [await part(0, from), await part(0, size)];
  return { from, fromRoot: toBase64(fromRoot), size, root: toBase64(root), path: path.map(toBase64) };
}

function parts(sql: Sql, archives: ArchiveStore): (from: number, to: number) => Promise<Hash> {
  return async (from, to) => await partHash(sql, from, to, async (a, b) => await archives.leaves(sql, a, b));
}

async function provenSize(sql: Sql, requested: number | undefined): Promise<number> {
  const { range, branch } = await readState(sql);
  const size = requested ?? (await newestCheckpoint(sql, branch))?.size ?? range.size;
  if (size > range.size)
    throw new DaisError('invalid_request', `The log has ${countNoun(range.size, 'entry')}, not ${size}.`);
  return size;
}
