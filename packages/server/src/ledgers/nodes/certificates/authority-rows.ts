/** The generations of the certificate authority in the database. */
import type { Sql } from '#engines/database/contract.ts';
import { REACHABLE_SECONDS } from '../node-rows.ts';
import type { SealedKey } from './sealer.ts';

/** Nodes trust a generation for this long after the next one: twice the validity of the certificates that it signed. */
const TRUST_HOURS = 48;
/** A live node that does not confirm a new generation delays its use for at most this long. */
const CONFIRM_HOURS = 24;

/** A generation that nodes trust. */
export interface Authority {
  readonly generation: number;
  readonly certificate: string;
  readonly sealed: SealedKey;
  readonly createdAt: Date;
}

/** The generations that matter now. */
export interface Generations {
  readonly newest: number;
  /** The one that signs certificates: the newest that all live nodes with connections trust. */
  readonly signing: number;
}

interface AuthorityRow {
  readonly generation: number;
  readonly certificate: string;
  readonly keyId: string;
  readonly fingerprint: string;
  readonly wrapped: Buffer;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
  readonly createdAt: Date;
}

const COLUMNS = `generation, certificate, key_id as "keyId", key_fingerprint as fingerprint, wrapped, iv, ciphertext, tag,
       created_at as "createdAt"`;

/** Returns the trusted generations, the newest first; empty before the first one. */
export async function trustedAuthorities(sql: Sql): Promise<readonly Authority[]> {
  const rows = await sql.query<AuthorityRow>(
    `select ${COLUMNS} from nodes.authority as a
     where not exists (select from nodes.authority as n
       where n.generation > a.generation and n.created_at < clock_timestamp() - make_interval(hours => $1))
     order by generation desc`,
    [TRUST_HOURS],
    'trusted_authorities',
  );
  return rows.map(({ generation, certificate, createdAt, ...sealed }) => ({
    generation,
    certificate,
    createdAt,
    sealed: { v: 1, ...sealed },
  }));
}

/** Undefined before the first generation. */
export async function readGenerations(sql: Sql): Promise<Generations | undefined> {
  const [row] = await sql.query<{ newest: number | null; signing: number | null; oldest: number | null }>(
    `select max(generation) as newest, min(generation) as oldest,
       max(generation) filter (where created_at < clock_timestamp() - make_interval(hours => $1)
         or not exists (select from nodes.node as n where n.authority < a.generation and not n.stopped
           and n.contacted_at >= clock_timestamp() - make_interval(secs => $2))) as signing
     from nodes.authority as a`,
    [CONFIRM_HOURS, REACHABLE_SECONDS],
    'authority_generations',
  );
  const newest = row?.newest ?? undefined;
  return newest === undefined ? undefined : { newest, signing: row?.signing ?? row?.oldest ?? newest };
}

/** Stores a generation unless another process has just stored it, and deletes those that nobody trusts any more. */
export async function insertAuthority(
  sql: Sql,
  { generation, certificate, sealed }: Omit<Authority, 'createdAt'>,
): Promise<void> {
  const { keyId, fingerprint, wrapped, iv, ciphertext, tag } = sealed;
  await sql.query(
    `insert into nodes.authority (generation, certificate, key_id, key_fingerprint, wrapped, iv, ciphertext, tag)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
    [generation, certificate, keyId, fingerprint, wrapped, iv, ciphertext, tag],
    'insert_authority',
  );
  await sql.query(
    `delete from nodes.authority as a where exists (select from nodes.authority as n
       where n.generation > a.generation and n.created_at < clock_timestamp() - make_interval(hours => $1))`,
    [TRUST_HOURS],
    'drop_old_authorities',
  );
}

export async function deleteAuthoritiesBefore(sql: Sql, generation: number): Promise<void> {
  await sql.query('delete from nodes.authority where generation < $1', [generation], 'distrust_authorities');
}

/** Returns the number of private keys and shared keys wrapped with each key. */
export async function countByKey(sql: Sql): Promise<{ keyId: string; fingerprint: string; values: number }[]> {
  return await sql.query(
    `select key_id as "keyId", key_fingerprint as fingerprint, count(*)::int as values
     from (select key_id, key_fingerprint from nodes.authority
       union all select key_id, key_fingerprint from nodes.shared_key) as sealed
     group by key_id, key_fingerprint order by key_id`,
  );
}

export async function storeWrapped(
  sql: Sql,
  generation: number,
  { keyId, fingerprint, wrapped }: SealedKey,
): Promise<void> {
  await sql.query('update nodes.authority set key_id = $2, key_fingerprint = $3, wrapped = $4 where generation = $1', [
    generation,
    keyId,
    fingerprint,
    wrapped,
  ]);
}
