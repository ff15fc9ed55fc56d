/** Calls of other systems that start a run, signed according to Standard Webhooks. The secret authorizes the call. */
import { timingSafeEqual } from 'node:crypto';
import { DaisError } from '@dais/api';
import { callScheduleOperation } from '@dais/api/executions';
import type { Database } from '#engines/database/contract.ts';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { signatureHeaders } from '#lib/http/standard-webhook.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import { notifyWorkers } from '../executions-events.ts';
import { MOST_WAITING } from './fires.ts';

/** Age limit of a call in seconds, against replay. */
const NEWEST_S = 300;

interface CallInput {
  readonly name: string;
  readonly id: string;
  readonly timestamp: number;
  readonly signature: string;
  readonly body: string;
}

interface SignedDependencies extends Pick<ExecutionDependencies, 'secretValue' | 'clock'> {
  readonly database: Database;
}

export function signedCallEntry(dependencies: SignedDependencies): OperationEntry {
  return entry(callScheduleOperation, { perform: async (call) => await answer(call, dependencies) });
}

async function answer(
  { input, tenant }: CallOf<typeof callScheduleOperation>,
  { database, secretValue, clock }: SignedDependencies,
) {
  const request = { mode: 'read', projectId: tenant.id } as const;
  const found = await transact(database, request, async (tx) => await find(tx, input.name, secretValue));
  const secret = found === undefined ? undefined : await found.open();
  const fresh = Math.abs(clock.now() / 1000 - input.timestamp) <= NEWEST_S;
  if (found === undefined || secret === undefined || !fresh || !isSigned(input, secret)) {
    const detail = `The call was rejected. Either no enabled webhook schedule "${input.name}" exists, or the signature does not match its secret, or the timestamp differs from the clock of the server by more than ${NEWEST_S / 60} minutes.`;
    throw new DaisError('unauthenticated', detail);
  }
  return await transact(
    database,
    { mode: 'write', projectId: tenant.id },
    async (tx) => await add(tx, found.id, input),
  );
}

async function find(tx: Transaction, name: string, secretValue: SignedDependencies['secretValue']) {
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

/** Returns whether one of the signatures matches. During a secret rotation, a sender signs with both secrets. */
function isSigned({ id, timestamp, signature, body }: CallInput, secret: string): boolean {
  const expected = Buffer.from(signatureHeaders(secret, id, timestamp, body)['webhook-signature'] ?? '');
  return signature.split(' ').some((one) => {
    const given = Buffer.from(one);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

/** Adds a fire. A repeated call with the same id has no effect. @throws DaisError `rate_limited` */
async function add(tx: Transaction, schedule: string, { id, body }: CallInput) {
  const [count] = await tx.sql.query<{ n: number }>(
    `select count(*)::int as n from executions.fire where schedule = $1 and state = 'pending'`,
    [schedule],
    'count_waiting_fires',
  );
  if ((count?.n ?? 0) >= MOST_WAITING) {
    throw new DaisError('rate_limited', `The schedule already has ${MOST_WAITING} waiting calls. Retry later.`, {
      retryAfter: 60,
    });
  }
  const rows = await tx.sql.query(
    `insert into executions.fire (schedule, project_id, cause, fire_time, data)
     values ($1, $2, $3, clock_timestamp(), $4::jsonb) on conflict do nothing returning 1`,
    [schedule, tx.projectId, `call/${id}`, JSON.stringify(variablesIn(body))],
    'called_fire',
  );
  if (rows.length > 0) {
    await tx.sql.query(
      'update executions.schedule set next_check_at = clock_timestamp() where id = $1',
      [schedule],
      'called',
    );
    notifyWorkers(tx);
  }
  return { accepted: rows.length > 0 };
}

/** Returns the variables for the parameters of the run: the members of a JSON object, and the whole body as `${body}`. */
function variablesIn(body: string): object {
  const variables: Record<string, unknown> = {};
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, one] of Object.entries(value)) {
        // A member with this name would make the fire a backfill.
        if (name !== 'backfill' && (typeof one === 'string' || typeof one === 'number')) variables[name] = one;
      }
    }
  } catch {
    // A body that is not JSON is only available as `${body}`.
  }
  return { ...variables, body };
}
