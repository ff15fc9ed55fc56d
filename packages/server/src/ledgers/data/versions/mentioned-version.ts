/** Finds the version that a client refers to in its own format. */
import { parseDatasetReference } from '@dais/api/data';
import type { Transaction } from '#kernel/transaction.ts';
import { findByNumber, findByTag, findReady } from './version-rows.ts';

interface Mention {
  /** The digest that the client computed; hex digits of a version's digest identify that version. */
  readonly digest: string;
  /** A URI, or a document that contains one. */
  readonly source: string;
}

/** The path of version files: `…/data/datasets/flights/versions/3…`. */
const ADDRESS = /\/data\/datasets\/([A-Za-z0-9._-]{1,128})\/versions\/([A-Za-z0-9._:+-]{1,150})/;
/** `dais://flights@3` */
const REFERENCE = /dais:\/\/([A-Za-z0-9._-]{1,128}@[A-Za-z0-9._:+-]{1,150})/;
/** Shorter prefixes are ambiguous. */
const DIGEST = /^[0-9a-f]{16,64}$/;

/** Returns the id of the version. Texts without a reference need no query. */
export async function findMentionedVersion(tx: Transaction, { digest, source }: Mention): Promise<string | undefined> {
  const address = ADDRESS.exec(source);
  const named = address === null ? REFERENCE.exec(source)?.[1] : `${address[1]}@${address[2]}`;
  const parsed = named === undefined ? undefined : parseDatasetReference(named);
  if (parsed !== undefined) {
    const { dataset, which } = parsed;
    if (which.by === 'number') return (await findByNumber(tx, dataset, which.number))?.id;
    if (which.by === 'tag') return (await findByTag(tx, dataset, which.tag))?.id;
    return (await findReady(tx, dataset, which.by === 'time' ? which.until : undefined))?.id;
  }
  if (!DIGEST.test(digest)) return undefined;
  const [row] = await tx.sql.query<{ id: string }>(
    `select id from data.version where project_id = $1 and digest >= $2 and digest < $2 || 'g' order by created_at desc limit 1`,
    [tx.projectId, digest],
    'data_version_by_digest',
  );
  return row?.id;
}
