/** Administration of pseudonym keys. */
import { DaisError, eventTypes } from '@dais/api';
import type {
  destroyPseudonymKeyOperation,
  listPseudonymKeysOperation,
  PseudonymKey,
  rotatePseudonymKeyOperation,
} from '@dais/api/data';
import type { CallOf } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { requireDatasetResource } from './datasets.ts';
import {
  findCurrent,
  idOf,
  KEY_COLUMNS,
  lockKeys,
  presentKey,
  type KeyOwner,
  type KeyRow,
  type PseudonymKeys,
} from './pseudonym-keys.ts';

export async function listKeys(
  tx: Transaction,
  { input: { limit, cursor }, tenant }: CallOf<typeof listPseudonymKeysOperation>,
): Promise<{ items: readonly PseudonymKey[]; nextCursor?: string }> {
  const filter = [tenant.id, 'pseudonym keys'];
  const before = decodeNumberCursor(filter, cursor);
  const rows = await tx.sql.query<KeyRow>(
    `select ${KEY_COLUMNS} from privacy.pseudonym_key where project_id = $1 and ($2::bigint is null or number < $2)
     order by number desc limit $3`,
    [tenant.id, before ?? null, limit + 1],
    'list_pseudonym_keys',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ number }) => String(number));
  return { items: page.map(presentKey), ...next };
}

export async function rotateKey(
  tx: Transaction,
  { input, tenant }: CallOf<typeof rotatePseudonymKeyOperation>,
  keys: PseudonymKeys,
): Promise<PseudonymKey> {
  const resource = input.dataset === undefined ? undefined : await requireDatasetResource(tx, input.dataset);
  const owner: KeyOwner = { projectId: tenant.id, dataset: resource };
  await lockKeys(tx, owner);
  const before = await findCurrent(tx.sql, owner);
  await tx.sql.query(
    `update privacy.pseudonym_key set state = 'retired'
     where project_id = $1 and dataset is not distinct from $2::uuid and state = 'current'`,
    [tenant.id, resource?.uid ?? null],
    'retire_pseudonym_key',
  );
  const row = await keys.insert(tx, owner);
  tx.emit({
    type: eventTypes.pseudonymKeyRotated,
    projectId: tenant.id,
    ...(resource !== undefined && { subject: { kind: 'Dataset', name: resource.name, uid: resource.uid } }),
    data: { key: idOf(row), ...(before !== undefined && { before: idOf(before) }) },
  });
  return presentKey(row);
}

/** Destroys a key. Idempotent. @throws DaisError `not_found`. */
export async function destroyKey(
  tx: Transaction,
  { input, tenant }: CallOf<typeof destroyPseudonymKeyOperation>,
  now: number,
): Promise<PseudonymKey> {
  await lockKeys(tx, { projectId: tenant.id });
  const [row] = await tx.sql.query<KeyRow>(
    `select ${KEY_COLUMNS} from privacy.pseudonym_key where project_id = $1 and number = $2`,
    [tenant.id, Number(input.key.slice(1))],
    'pseudonym_key',
  );
  if (row === undefined || idOf(row) !== input.key) throw new DaisError('not_found', `There is no key ${input.key}.`);
  if (row.state === 'destroyed') return presentKey(row);
  await tx.sql.query(
    `update privacy.pseudonym_key set state = 'destroyed', key_id = null, key_fingerprint = null, wrapped = null, iv = null,
       ciphertext = null, tag = null, destroyed_at = $3 where project_id = $1 and number = $2`,
    [tenant.id, row.number, now],
    'destroy_pseudonym_key',
  );
  const { dataset: uid, name } = row;
  tx.emit({
    type: eventTypes.pseudonymKeyDestroyed,
    projectId: tenant.id,
    ...(uid !== null && name !== null && { subject: { kind: 'Dataset', name, uid } }),
    data: { key: input.key, reason: input.reason },
  });
  return presentKey({ ...row, state: 'destroyed', destroyed_at: BigInt(now) });
}
