import { DaisError } from '@dais/api';
import type { Tenant } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { digestMatches, saltedDigest } from '#lib/crypto/digests.ts';

export interface IdempotentCall {
  readonly key: string;
  readonly operation: string;
  readonly input: unknown;
  readonly tenant: Tenant;
}

/**
 * Runs `work` once per key: a repetition returns the first result, which is stored in the same transaction. Concurrent
 * calls are serialized (an advisory lock on the key), so that the second does not conflict with the first.
 * @throws DaisError `idempotency_mismatch` if the key was used for another request, `invalid_request` for an invalid
 * key.
 */
export async function withIdempotency(
  tx: Transaction,
  call: IdempotentCall,
  work: () => Promise<unknown>,
): Promise<unknown> {
  if (!/^[ -~]{1,255}$/.test(call.key)) {
    throw new DaisError('invalid_request', 'The idempotency key is not valid.', {
      issues: [{ path: 'idempotencyKey', message: 'is not valid', expected: '1 to 255 printable characters' }],
    });
  }
  const principal = `${tx.by.principal.type}:${tx.by.principal.id}`;
  // It can contain the values of a secret: stored as a digest that is expensive to guess.
  const request = JSON.stringify([call.operation, call.input]);
  const home = tx.projectId;
  await tx.sql.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `${call.tenant.id}/${principal}/${call.key}`,
  ]);
  const [known] = await tx.sql.query<{ input_digest: Buffer; output: unknown }>(
    'select input_digest, output from kernel.idempotency where project_id = $1 and principal = $2 and key = $3',
    [call.tenant.id, principal, call.key],
    'known_key',
  );
  if (known !== undefined) {
    if (!(await digestMatches(known.input_digest, request))) {
      throw new DaisError('idempotency_mismatch', `The key "${call.key.slice(0, 80)}" belongs to another request.`);
    }
    return known.output;
  }
  const output = await work();
  await tx.enter(home);
  await tx.sql.query(
    `insert into kernel.idempotency (project_id, principal, key, operation, input_digest, output)
     values ($1, $2, $3, $4, $5, $6)`,
    [call.tenant.id, principal, call.key, call.operation, await saltedDigest(request), JSON.stringify(output ?? null)],
    'keep_key',
  );
  return output;
}
