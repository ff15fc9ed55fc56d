/** Temporary links, with which anyone who has the ticket can read one artifact. */
import { DaisError } from '@dais/api';
import { fetchArtifactOperation, type linkArtifactOperation } from '@dais/api/tracking';
import { findReadable } from '#kernel/content/damage.ts';
import type { Download } from '#kernel/content/download.ts';
import type { CallOf } from '#kernel/entry.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import { uuidv7 } from '#lib/ids.ts';
import { secretDigest } from '#lib/crypto/digests.ts';
import { projectGone } from '../../experiments/experiment-lookup.ts';
import type { ArtifactDependencies } from '../artifact-dependencies.ts';
import { artifactPath } from '../artifact-path.ts';
import { artifactsOf } from '../artifact-tree.ts';
import { newTicket, ticketError } from './ticket.ts';

/** Limit of valid links per project. Each link is one row. */
const MOST_LINKS = 10_000;

interface Link {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly size: number;
  readonly sha256: string | null;
}

/** Creates a link to the store if clients can access it, or else to Dais. @throws DaisError `rate_limited` at the limit. */
export async function linkArtifact(
  parts: ArtifactDependencies,
  { input, tenant }: CallOf<typeof linkArtifactOperation>,
): Promise<Link> {
  const { database, blobs } = parts;
  const name = artifactPath(input.path);
  const reader = async (tx: Transaction) => await findReadable(tx, { ...artifactsOf(tenant.id), name });
  const { locator, size, sha256 } = await transact(database, { mode: 'read', projectId: tenant.id }, reader);
  if (blobs?.presignGet !== undefined) {
    const url = await blobs.presignGet(locator, input.seconds, name.split('/').at(-1));
    return { url, headers: {}, size, sha256 };
  }
  const id = uuidv7(parts.clock.now());
  const ticket = newTicket(parts.random);
  await transact(database, { mode: 'write', projectId: tenant.id }, async ({ sql }) => {
    const [held] = await sql.query<{ n: number }>(
      `select count(*)::int as n from tracking.artifact_link
       where project_id = $1 and expires_at > clock_timestamp()`,
      [tenant.id],
      'links_held',
    );
    if ((held?.n ?? 0) >= MOST_LINKS) {
      const detail = `This project already has ${MOST_LINKS} valid links, which is the limit. Read the artifact without a link.`;
      throw new DaisError('rate_limited', detail, { retryAfter: 60 });
    }
    const insert = sql.query(
      `insert into tracking.artifact_link (id, project_id, path, sha256, ticket, expires_at)
       values ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 second')`,
      [id, tenant.id, name, sha256, ticket.digest, input.seconds],
      'link_make',
    );
    await foreignKeyRace(insert, projectGone);
  });
  const url = `/p/${tenant.name}${fetchArtifactOperation.http.path.replace(':id', id)}`;
  return { url, headers: { 'dais-ticket': ticket.text }, size, sha256 };
}

/**
 * @throws DaisError `unauthenticated` for an invalid ticket, `not_found` when the artifact was deleted,
 *   `precondition_failed` when it was replaced, since ranges of two different files must not be combined.
 */
export async function fetchArtifact(
  { database, content }: ArtifactDependencies,
  { input, tenant }: CallOf<typeof fetchArtifactOperation>,
): Promise<Download> {
  const row = await transact(database, { mode: 'read', projectId: tenant.id }, async ({ sql }) => {
    const [link] = await sql.query<{ path: string; sha256: string | null }>(
      `select path, sha256 from tracking.artifact_link
       where project_id = $1 and id = $2 and ticket = $3 and expires_at > clock_timestamp()`,
      [tenant.id, input.id, secretDigest(input.ticket)],
      'link_find',
    );
    return link;
  });
  if (row === undefined) throw ticketError('link');
  const owner = artifactsOf(tenant.id);
  const { size, sha256 } = await content.stat(owner, row.path);
  if (sha256 !== row.sha256) {
    const detail = 'The artifact was replaced after the link was created. Request a new link.';
    throw new DaisError('precondition_failed', detail);
  }
  return { size, sha256, open: async (range) => (await content.open(owner, row.path, range)).bytes };
}
