/** Package locks of a run: resolved once per run, so that every attempt at every step has the same packages. */
import { createHash } from 'node:crypto';
import type { Database } from '#engines/database/contract.ts';
import type { EnvironmentLock, Environments, EnvironmentSpec } from '#engines/environments/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import type { StepEnvironment } from '../machine/plan.ts';

/** Locks that this process has read. The lock of a run does not change. */
const known = new WeakMap<Database, Map<string, EnvironmentLock>>();
const MAX_KNOWN = 1000;

/** An environment that has to be built. */
type MadeEnvironment = Exclude<StepEnvironment, { readonly type: 'system' }>;

/** @throws DaisError as `Environments.lock`. */
export async function lockOf(
  database: Database,
  environments: Environments,
  of: { readonly projectId: string; readonly run: string },
  environment: MadeEnvironment,
  signal: AbortSignal,
): Promise<EnvironmentLock> {
  const spec = specOf(environment);
  const digest = environmentDigest(environment);
  const read = async () =>
    await transact(database, { mode: 'read', projectId: of.projectId }, async ({ sql }) => {
      const [row] = await sql.query<{ lock: EnvironmentLock }>(
        'select lock from executions.environment where run = $1 and spec_digest = $2',
        [of.run, digest],
        'execution_environment',
      );
      return row?.lock;
    });
  const id = `${of.run} ${digest}`;
  const kept = known.get(database)?.get(id) ?? (await read());
  if (kept !== undefined) return remember(database, id, kept);
  const lock = await environments.lock(spec, { signal });
  const stored = await transact(database, { mode: 'write', projectId: of.projectId }, async ({ sql }) => {
    // Two steps may resolve at the same time: the first lock applies to both.
    const [row] = await sql.query<{ lock: EnvironmentLock }>(
      `insert into executions.environment (run, spec_digest, project_id, lock) values ($1, $2, $3, $4::jsonb)
       on conflict (run, spec_digest) do update set lock = executions.environment.lock returning lock`,
      [of.run, digest, of.projectId, JSON.stringify(lock)],
      'execution_environment_kept',
    );
    return row?.lock ?? lock;
  });
  return remember(database, id, stored);
}

function remember(database: Database, id: string, lock: EnvironmentLock): EnvironmentLock {
  const locks = known.get(database) ?? new Map<string, EnvironmentLock>();
  known.set(database, locks);
  const [oldest] = locks.keys();
  if (oldest !== undefined && locks.size >= MAX_KNOWN) locks.delete(oldest);
  locks.set(id, lock);
  return lock;
}

function specOf(environment: MadeEnvironment): EnvironmentSpec {
  if (environment.type === 'image') return environment;
  const { indexes = [] } = environment;
  return { ...environment, indexes: indexes.map((url) => ({ url })) };
}

/** Returns the key of the lock within a run. */
export function environmentDigest(environment: MadeEnvironment): string {
  return createHash('sha256')
    .update(canonicalJson(specOf(environment)))
    .digest('hex');
}

/** Copies the package locks of a run to its retry, so that the retry has the same packages even if newer ones exist. */
export async function copyPackageLocks({ sql }: Transaction, from: string, to: string): Promise<void> {
  await sql.query(
    `insert into executions.environment (run, spec_digest, project_id, lock)
     select $2, spec_digest, project_id, lock from executions.environment where run = $1 on conflict do nothing`,
    [from, to],
    'execution_same_packages',
  );
}
