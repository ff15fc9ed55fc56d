/** The certificate authority of the installation: its first generation, its rotation, and the certificates that it issues. */
import { X509Certificate } from 'node:crypto';
import { DaisError, eventTypes } from '@dais/api';
import type { AuthorityState } from '@dais/api/access';
import type { Database } from '#engines/database/contract.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import { AUTHORITY_MS, createAuthority, issueCertificate, type NodeTls } from '#lib/node-tls/certificates.ts';
import {
  deleteAuthoritiesBefore,
  insertAuthority,
  readGenerations,
  trustedAuthorities,
  type Authority,
} from './authority-rows.ts';
import { notifyNodes } from '../node-drain.ts';
import { contextOf, type Sealer } from './sealer.ts';

export interface AuthorityDependencies {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

/** Rotations within the time for which earlier generations are trusted. */
const MAX_TRUSTED = 5;

/** The certificate of a node, with what it was made from. */
export interface IssuedTls {
  readonly tls: NodeTls;
  readonly node: string;
  /** The newest generation that is trusted, and the one that signed. */
  readonly trusted: number;
  readonly signedBy: number;
  /** Milliseconds since the Unix epoch. */
  readonly issuedAt: number;
}

/**
 * Creates the next generation. Nodes trust it when they learn of it, and use it when all of them trust it. `distrust`: they stop
 * trusting earlier ones immediately.
 * @throws DaisError `invalid_state` after four rotations within 48 hours; `keys_unavailable`.
 */
export async function rotateAuthority(
  tx: Transaction,
  { sealer, clock }: Pick<AuthorityDependencies, 'sealer' | 'clock'>,
  { distrust = false } = {},
): Promise<AuthorityState> {
  // Two rotations at the same time would create one generation.
  await tx.sql.query(
    `select pg_advisory_xact_lock(hashtext('dais.authority')) is null as locked`,
    [],
    'lock_authority',
  );
  const trusted = await trustedAuthorities(tx.sql);
  if (trusted.length >= MAX_TRUSTED && !distrust) {
    throw new DaisError(
      'invalid_state',
      `Nodes still trust ${trusted.length} generations of the certificate authority, each for 48 hours after its successor. Rotate it again later.`,
    );
  }
  const generation = (trusted[0]?.generation ?? 0) + 1;
  const now = clock.now();
  const made = await createAuthority(`Dais certificate authority ${generation}`, now);
  const sealed = await sealer.seal(Buffer.from(made.key, 'utf8'), contextOf(generation));
  await insertAuthority(tx.sql, { generation, certificate: made.cert, sealed });
  if (distrust) await deleteAuthoritiesBefore(tx.sql, generation);
  notifyNodes(tx.sql);
  const fingerprint = new X509Certificate(made.cert).fingerprint256;
  tx.emit({ type: eventTypes.authorityRotated, projectId: ORGANIZATION, data: { generation, fingerprint } });
  return { generation, fingerprint, expiresAt: new Date(now + AUTHORITY_MS).toISOString() };
}

/**
 * Issues a certificate for a node of this installation. Creates the authority with the first one, and its next generation when
 * two thirds of its validity are over. @throws DaisError `key_missing`, `key_mismatch`, `keys_unavailable`.
 */
export async function issueNodeTls(
  dependencies: AuthorityDependencies,
  { node, hosts }: { readonly node: string; readonly hosts: readonly string[] },
): Promise<IssuedTls> {
  const { database, sealer, clock } = dependencies;
  const now = clock.now();
  let authorities = await readTrusted(database);
  const [newest] = authorities;
  if (newest === undefined || now - newest.createdAt.getTime() > (AUTHORITY_MS * 2) / 3) {
    await transact(database, { mode: 'write', projectId: 'all' }, async (tx) => {
      const [current] = await trustedAuthorities(tx.sql);
      // Another node was first.
      if (current?.generation !== newest?.generation) return;
      await rotateAuthority(tx, dependencies);
    });
    authorities = await readTrusted(database);
  }
  const generations = await transact(
    database,
    { mode: 'read', projectId: 'all' },
    async ({ sql }) => await readGenerations(sql),
  );
  const signer = authorities.find(({ generation }) => generation === generations?.signing) ?? authorities.at(-1);
  const [latest] = authorities;
  if (signer === undefined || latest === undefined) throw new Error('the certificate authority was deleted');
  const key = await sealer.open(signer.sealed, contextOf(signer.generation));
  const authority = { cert: signer.certificate, key: key.toString('utf8') };
  const own = await issueCertificate(authority, { node, hosts, now });
  return {
    tls: { ...own, ca: authorities.map(({ certificate }) => certificate) },
    node,
    trusted: latest.generation,
    signedBy: signer.generation,
    issuedAt: now,
  };
}

async function readTrusted(database: Database): Promise<readonly Authority[]> {
  return await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => await trustedAuthorities(sql));
}
