/** A call from elsewhere that starts a run, signed as Standard Webhooks says: whoever has the secret may, and nobody else. */
import { timingSafeEqual } from 'node:crypto';
import { callScheduleOperation, DaisError } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { signatureHeaders } from '#lib/http/standard-webhook.ts';
import type { ExecutionParts } from '../execution-parts.ts';
import { ringWorkers } from '../executions-events.ts';
import { MOST_WAITING } from './fires.ts';

/** An older call may be one that somebody has recorded. */
const NEWEST_S = 300;

interface CallInput {
  readonly name: string;
  readonly id: string;
  readonly timestamp: number;
  readonly signature: string;
  readonly body: string;
}

interface SignedParts extends Pick<ExecutionParts, 'secretValue' | 'clock'> {
  readonly database: Database;
}

export function signedCallEntry(parts: SignedParts): OperationEntry {
  return entry(callScheduleOperation, { perform: async (call) => await answer(call, parts) });
}

async function answer(
  { input, tenant }: CallOf<typeof callScheduleOperation>,
  { database, secretValue, clock }: SignedParts,
) {
  const request = { mode: 'read', projectId: tenant.id } as const;
  const found = await transact(database, request, async (tx) => await find(tx, input.name, secretValue));
  const secret = found === undefined ? undefined : await found.open();
  const fresh = Math.abs(clock.now() / 1000 - input.timestamp) <= NEWEST_S;
  if (found === undefined || secret === undefined || !fresh || !isSigned(input, secret)) {
    const detail = `No schedule answers to this: there is none called "${input.name}" that is called, the signature is of another secret, or the call is older than ${NEWEST_S / 60} minutes.`;
    throw new DaisError('unauthenticated', detail);
  }
  return await transact(
    database,
    { mode: 'write', projectId: tenant.id },
    async (tx) => await add(tx, found.id, input),
  );
}

async function find(tx: Transaction, name: string, secretValue: SignedParts['secretValue']) {
  const [row] = await tx.sql.query<{ id: string; secret: string; key: string }>(
    `select id, trigger->>'secret' as secret, trigger->>'key' as key from executions.schedule
     where project_id = $1 and name = $2 and kind = 'webhook' and enabled`,
    [tx.projectId, name],
    'called_schedule',
  );
  if (row === undefined) return undefined;
  const { id, ...ref } = row;
  const open = await secretValue(tx, ref);
  return open === undefined ? undefined : { id, open };
}

/** A sender that changes its secret signs with both for a while. */
function isSigned({ id, timestamp, signature, body }: CallInput, secret: string): boolean {
  const wanted = Buffer.from(signatureHeaders(secret, id, timestamp, body)['webhook-signature'] ?? '');
  return signature.split(' ').some((one) => {
    const given = Buffer.from(one);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

/** A call that comes again under the same id is answered once. @throws DaisError `rate_limited` */
async function add(tx: Transaction, schedule: string, { id, body }: CallInput) {
  const [count] = await tx.sql.query<{ n: number }>(
    `select count(*)::int as n from executions.fire where schedule = $1 and state = 'waiting'`,
    [schedule],
    'count_waiting_fires',
  );
  if ((count?.n ?? 0) >= MOST_WAITING) {
    throw new DaisError('rate_limited', `${MOST_WAITING} calls wait for their runs; call again later.`, {
      retryAfter: 60,
    });
  }
  const rows = await tx.sql.query(
    `insert into executions.fire (schedule, project_id, cause, fire_time, data)
     values ($1, $2, $3, clock_timestamp(), $4::jsonb) on conflict do nothing returning 1`,
    [schedule, tx.projectId, `call/${id}`, JSON.stringify(said(body))],
    'called_fire',
  );
  if (rows.length > 0) {
    await tx.sql.query(
      'update executions.schedule set look_at = clock_timestamp() where id = $1',
      [schedule],
      'called',
    );
    ringWorkers(tx);
  }
  return { accepted: rows.length > 0 };
}

/** What the parameters of the run may speak of: the words of an object, and all of it as `${body}`. */
function said(body: string): object {
  const words: Record<string, unknown> = {};
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [word, one] of Object.entries(value)) {
        // That would be a fire that makes up for the past.
        if (word !== 'backfill' && (typeof one === 'string' || typeof one === 'number')) words[word] = one;
      }
    }
  } catch {
    // Text that is no JSON is the body all the same.
  }
  return { ...words, body };
}
