/** Archived entries: lines of canonical JSON in compressed objects of the blob store. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { DaisError } from '@dais/api/errors';
import type { Hash } from '@dais/api/tlog';
import type { Sql } from '#engines/database/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';
import { attachContent } from '#kernel/content/references.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { treeHasher } from './hashing.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Owner of the archives in the content store; no resource has this id. */
const ARCHIVES = {
  projectId: ORGANIZATION,
  uid: '00000000-0000-4000-8000-00000000a0d1',
  label: 'the audit log',
} as const;

export interface ArchivedRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly content: string;
  /** Of the object, lower-case hex. */
  readonly sha256: string;
}

interface ArchiveRow {
  from_seq: bigint;
  to_seq: bigint;
  content: string;
  sha256: string;
}

export class ArchiveStore {
  readonly #content: Content;

  constructor(content: Content) {
    this.#content = content;
  }

  /** Uploads entries and returns the input of `keep`. The upload is unreferenced until then. */
  async upload(from: number, bodies: readonly Buffer[]) {
    const packed = await compress(Buffer.concat(bodies.flatMap((body) => [body, NEWLINE])));
    const lease = await this.#content.upload(Readable.from([packed]), { projectId: ORGANIZATION, quota: null });
    const content = `audit/${String(from).padStart(15, '0')}.jsonl.gz`;
    return { from, to: from + bodies.length, content, sha256: lease.sha256, bytes: packed.length, lease: lease.id };
  }

  /** Reads the bodies of an archive. @throws DaisError `content_damaged`, `content_missing`, `blobs_unavailable`. */
  async read({ content, sha256 }: ArchivedRange): Promise<Buffer[]> {
    const { bytes } = await this.#content.open(ARCHIVES, content);
    const packed = await buffer(bytes);
    if (createHash('sha256').update(packed).digest('hex') !== sha256) {
      throw new DaisError(
        'content_damaged',
        `Archive ${content} of the audit log is damaged: its content does not match its digest. Restore its file from a backup.`,
      );
    }
    return splitLines(await decompress(packed));
  }

  /** Reads bodies of archived entries from `from`, at most `limit`. */
  async bodies(
    sql: Sql,
    from: number,
    limit: number,
  ): Promise<readonly { readonly seq: number; readonly body: Buffer }[]> {
    const found = [];
    while (found.length < limit) {
      const at = from + found.length;
      const range = await findArchive(sql, at);
      if (range === undefined) break;
      const lines = await this.read(range);
      const selected = lines.slice(at - range.from, at - range.from + limit - found.length);
      if (selected.length === 0) break;
      for (const body of selected) found.push({ seq: from + found.length, body });
    }
    return found;
  }

  /** Reads leaf hashes of archived entries, for proofs. */
  async leaves(sql: Sql, from: number, to: number): Promise<readonly Hash[]> {
    const found = await this.bodies(sql, from, to - from);
    return found.map(({ body }) => treeHasher.leaf(body.toString('utf8')));
  }
}

const NEWLINE = Buffer.from('\n');

function splitLines(text: Buffer): Buffer[] {
  const lines = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf(10, at);
    if (end < 0) break;
    lines.push(text.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

async function findArchive(sql: Sql, seq: number): Promise<ArchivedRange | undefined> {
  const [row] = await sql.query<ArchiveRow>(
    'select from_seq, to_seq, content, sha256 from audit.archive where from_seq <= $1 and to_seq > $1',
    [seq],
    'audit_find_archive',
  );
  return row === undefined ? undefined : rangeOf(row);
}

/** Finds the newest archive with entries below `below`, the last of them at `from` or later. */
export async function archiveBelow(
  sql: Sql,
  below: number,
  from: Date | undefined,
): Promise<ArchivedRange | undefined> {
  const [row] = await sql.query<ArchiveRow>(
    `select from_seq, to_seq, content, sha256 from audit.archive
     where from_seq < $1 and ($2::timestamptz is null or last_at >= $2) order by from_seq desc limit 1`,
    [below, from ?? null],
    'audit_archive_below',
  );
  return row === undefined ? undefined : rangeOf(row);
}

function rangeOf(row: ArchiveRow): ArchivedRange {
  return { from: Number(row.from_seq), to: Number(row.to_seq), content: row.content, sha256: row.sha256 };
}

/** All entries below are archived. */
export async function archivedSize(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ n: bigint }>('select coalesce(max(to_seq), 0)::bigint as n from audit.archive');
  return Number(row?.n ?? 0n);
}

/** Makes an upload the archive of its entries, in the caller's transaction. */
export async function keepArchive(
  tx: Transaction,
  archive: Awaited<ReturnType<ArchiveStore['upload']>>,
  lastAt: Date,
): Promise<void> {
  await attachContent(tx, ARCHIVES, [{ lease: archive.lease, name: archive.content }], { replace: true });
  await tx.enter('all');
  await tx.sql.query(
    'insert into audit.archive (from_seq, to_seq, last_at, content, sha256, bytes) values ($1, $2, $3, $4, $5, $6)',
    [archive.from, archive.to, lastAt, archive.content, archive.sha256, archive.bytes],
  );
}

/** Names the archives of the audit log. */
export async function nameAuditOwners(
  _sql: Sql,
  references: readonly DamagedReference[],
): Promise<readonly OwnerName[]> {
  const { projectId, uid } = ARCHIVES;
  const isArchive = references.some((one) => one.owner === uid && one.projectId === projectId);
  return await Promise.resolve(isArchive ? [{ projectId, owner: uid, kind: 'audit archive', name: 'audit log' }] : []);
}

interface StoredBody {
  readonly seq: number;
  readonly body: Buffer;
  /** Undefined for archived entries. */
  readonly leaf?: Buffer;
}

/** Reads entries from `from` in order, from the table or the archives. Requires access to the rows of all projects. */
export async function readBodies(sql: Sql, archives: ArchiveStore, from: number, limit: number): Promise<StoredBody[]> {
  const rows = await sql.query<{ seq: bigint; body: Buffer; leaf: Buffer }>(
    'select seq, body, leaf from audit.entry where seq >= $1 order by seq limit $2',
    [from, limit],
    'audit_bodies',
  );
  const here = rows.map(({ seq, body, leaf }) => ({ seq: Number(seq), body, leaf }));
  const first = here[0]?.seq;
  if (first === from) return here;
  const selected = first === undefined ? limit : Math.min(limit, first - from);
  return [...(await archives.bodies(sql, from, selected)), ...here].slice(0, limit);
}
