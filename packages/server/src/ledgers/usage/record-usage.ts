/** Writes usage records in the transaction of what they record, so that each is written exactly once. */
import type { UsageType } from '@dais/api/usage';
import type { Actor } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';

export interface NewUsage {
  readonly projectId: string;
  readonly type: UsageType;
  /** Identifies what is recorded within project and type. A second record with the same source is not written. */
  readonly source: string;
  readonly startedAt: Date;
  /** Not before `startedAt`. */
  readonly endedAt: Date;
  /** The principal that caused the usage; the platform itself is not recorded. */
  readonly actor?: Actor;
  /** Kind and name: `Pipeline/train`. */
  readonly resource?: string;
  /** Key of a lineage node. */
  readonly lineage?: string;
  /** Name of the machine. */
  readonly node?: string;
  /** Resources that were held: `cpu` in cores, `memory` and `disk` in bytes, devices as a count. */
  readonly requests?: Readonly<Record<string, number>>;
  readonly cpuSeconds?: number;
  readonly memoryBytes?: number;
}

/** Interface: how other ledgers record usage. */
export type RecordUsage = (tx: Transaction, usage: NewUsage) => void;

/** Resources of steps that are no devices. */
const NO_DEVICES = new Set(['cpu', 'memory', 'disk']);

/** Records the duration of an interval in seconds. The transaction has access to the project. */
export const recordUsage: RecordUsage = (tx, usage) => {
  const { projectId, type, source, startedAt, endedAt, actor, resource, lineage, node } = usage;
  const { requests = {}, cpuSeconds, memoryBytes } = usage;
  tx.sql.defer(
    `insert into usage.record (project_id, project, team, person, type, source, started_at, ended_at, quantity, unit, resource,
       lineage, node, requests, cores, devices, cpu_seconds, memory_bytes)
     select $1, coalesce(t.name, ''), o.team, $2, $3, $4, $5, $6, extract(epoch from $6::timestamptz - $5::timestamptz),
       'second', $7, $8, $9, $10::jsonb, $11, $12, $13, $14
     from (select $1::uuid as id) p left join kernel.tenant t using (id) left join usage.project o on o.project_id = p.id
     on conflict do nothing`,
    [
      projectId,
      personOf(actor) ?? null,
      type,
      source,
      startedAt,
      endedAt < startedAt ? startedAt : endedAt,
      resource ?? null,
      lineage ?? null,
      node ?? null,
      JSON.stringify(requests),
      requests['cpu'] ?? 0,
      devicesOf(requests),
      cpuSeconds ?? null,
      memoryBytes === undefined ? null : Math.round(memoryBytes),
    ],
    'usage_record',
  );
};

/** Returns the number of requested devices. */
function devicesOf(requests: Readonly<Record<string, number>>): number {
  return Object.entries(requests).reduce((sum, [name, n]) => sum + (NO_DEVICES.has(name) ? 0 : n), 0);
}

/** Returns the name of a user, or `service:NAME`. Undefined for the platform itself. */
export function personOf(actor: Actor | undefined): string | undefined {
  if (actor === undefined || actor.type === 'system') return undefined;
  return actor.type === 'user' ? actor.id : `${actor.type}:${actor.id}`;
}
