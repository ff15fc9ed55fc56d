/** Records how long a query over data ran. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Actor } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { RecordUsage } from './record-usage.ts';

export interface QueryMeterDependencies {
  readonly database: Database;
  readonly clock: Clock;
  /** Absent: usage is not recorded. */
  readonly usage?: RecordUsage;
}

export interface MeteredQuery {
  readonly projectId: string;
  readonly actor: Actor;
  /** Kind and name of what it reads: `Dataset/flights`. */
  readonly resource?: string | undefined;
  /** Key of a lineage node. */
  readonly lineage?: string | undefined;
}

/**
 * Runs a query and records its duration, also if it fails. The record is committed before the result is returned; a query of a
 * killed process returns no result and leaves no record. Its times are by the clock of this process.
 */
export async function meterQuery<T>(
  { database, clock, usage }: QueryMeterDependencies,
  { projectId, actor, resource, lineage }: MeteredQuery,
  work: () => Promise<T>,
): Promise<T> {
  if (usage === undefined) return await work();
  const startedAt = new Date(clock.now());
  try {
    return await work();
  } finally {
    const endedAt = new Date(clock.now());
    await transact(database, { mode: 'write', projectId }, async (tx) => {
      await Promise.resolve();
      usage(tx, {
        projectId,
        type: 'query',
        source: randomUUID(),
        startedAt,
        endedAt,
        actor: { type: actor.type, id: actor.id },
        ...(resource !== undefined && { resource }),
        ...(lineage !== undefined && { lineage }),
        node: hostname(),
      });
    });
  }
}
