/**
 * Stores the usage of endpoints: every process that receives gateway reports adds it to the database every few seconds.
 * Usage in a killed process is lost.
 */
import type { Database, Sql } from '#engines/database/contract.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { findTenant } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { Loop } from '#lib/concurrency/loop.ts';
import { MINUTE_MS, type UsageCounts, type UsageMinute } from './usage-counts.ts';

const FLUSH_MS = 5000;
/** A gateway reports twice per second: usage at the end of a minute may be counted in the next minute. */
const REPORT_DELAY_MS = 2000;
/** 20,000 rows of a busy endpoint. */
const KEPT_DAYS = 14;
const SLICE = 5000;

export interface UsageDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly counts: UsageCounts;
}

/** Usage of an endpoint in a period of whole minutes. */
export interface EndpointUsage {
  readonly requests: number;
  /** Undefined: the system does not report it. */
  readonly cpuMs: number | undefined;
  readonly memoryBytes: number;
  readonly gatewayBytes: number;
}

export interface UsageInPeriod {
  readonly projectId: string;
  readonly endpoint: string;
  readonly from: number;
  readonly until: number;
}

export class UsageLedger {
  readonly #dependencies: UsageDependencies;
  readonly #loop: Loop;
  #flushing: Promise<void> = Promise.resolve();

  constructor(dependencies: UsageDependencies) {
    this.#dependencies = dependencies;
    this.#loop = new Loop('usage of endpoints', { ...dependencies, pollMs: FLUSH_MS }, async () => {
      await this.flush();
      return false;
    });
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.flush().catch((error: unknown) =>
      this.#dependencies.log.warn('cannot record the usage of endpoints', { error }),
    );
  }

  /** Undefined: no reports of that period. */
  async between(of: UsageInPeriod): Promise<EndpointUsage | undefined> {
    await this.flush();
    const { database } = this.#dependencies;
    return await transact(database, { mode: 'read', projectId: of.projectId }, async ({ sql }) => await sum(sql, of));
  }

  /** Sequential, so that a minute is in one transaction at a time. */
  async flush(): Promise<void> {
    const turn = this.#flushing.then(async () => await this.#flush());
    this.#flushing = turn.catch(() => {});
    await turn;
  }

  async #flush(): Promise<void> {
    const { database, counts } = this.#dependencies;
    const minutes = counts.take();
    if (minutes.length === 0) return;
    try {
      await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => await add(sql, minutes));
    } catch (error) {
      counts.putBack(minutes);
      throw error;
    }
  }
}

async function add(sql: Sql, minutes: readonly UsageMinute[]): Promise<void> {
  const ids = new Map<string, string>();
  for (const name of new Set(minutes.map(({ project }) => project))) {
    const tenant = await findTenant(sql, name);
    if (tenant !== undefined) ids.set(name, tenant.id);
  }
  // Usage of deleted projects is skipped. Sorted, because two processes may add to the same rows.
  const known = minutes
    .flatMap((one) => {
      const projectId = ids.get(one.project);
      return projectId === undefined ? [] : [{ ...one, projectId }];
    })
    .toSorted((a, b) => (rowOf(a) < rowOf(b) ? -1 : 1));
  await sql.query(
    `insert into serving.usage as u (project_id, endpoint, minute, requests, cpu_ms, memory_bytes, gateway_bytes)
     select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::float8[], $6::bigint[], $7::bigint[])
     on conflict (project_id, endpoint, minute) do update set requests = u.requests + excluded.requests,
       cpu_ms = u.cpu_ms + excluded.cpu_ms, memory_bytes = greatest(u.memory_bytes, excluded.memory_bytes),
       gateway_bytes = greatest(u.gateway_bytes, excluded.gateway_bytes)`,
    [
      known.map(({ projectId }) => projectId),
      known.map(({ endpoint }) => endpoint),
      known.map(({ minute }) => minute),
      known.map(({ requests }) => requests),
      known.map(({ cpuMs }) => cpuMs ?? null),
      known.map(({ memoryBytes }) => memoryBytes),
      known.map(({ gatewayBytes }) => gatewayBytes),
    ],
    'add_usage',
  );
}

function rowOf({ projectId, endpoint, minute }: UsageMinute & { readonly projectId: string }): string {
  return `${projectId} ${endpoint} ${minute}`;
}

interface SumRow {
  readonly minutes: bigint;
  readonly measured: bigint;
  readonly requests: bigint | null;
  readonly cpu_ms: number | null;
  readonly memory_bytes: bigint | null;
  readonly gateway_bytes: bigint | null;
}

async function sum(sql: Sql, { projectId, endpoint, from, until }: UsageInPeriod): Promise<EndpointUsage | undefined> {
  const [row] = await sql.query<SumRow>(
    `select count(*) as minutes, count(cpu_ms) as measured, sum(requests)::bigint as requests, sum(cpu_ms) as cpu_ms,
       max(memory_bytes) as memory_bytes, max(gateway_bytes) as gateway_bytes
     from serving.usage where project_id = $1 and endpoint = $2 and minute > $3 and minute < $4`,
    [projectId, endpoint, from - MINUTE_MS, until + REPORT_DELAY_MS],
    'usage_between',
  );
  if (row === undefined || Number(row.minutes) === 0) return undefined;
  return {
    requests: Number(row.requests ?? 0),
    cpuMs: row.measured < row.minutes || row.cpu_ms === null ? undefined : row.cpu_ms,
    memoryBytes: Number(row.memory_bytes ?? 0),
    gatewayBytes: Number(row.gateway_bytes ?? 0),
  };
}

export function usageRetention(now: () => number): JobHandler {
  return {
    queue: 'serving.usage',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 450_000, againMs: 3_600_000 },
    async run(_job, io) {
      let minutes = 0;
      for (let deleted = SLICE; deleted === SLICE && !io.signal.aborted; minutes += deleted) {
        deleted = await io.write(async (tx) => {
          await tx.enter('all');
          const rows = await tx.sql.query(
            `delete from serving.usage where (project_id, endpoint, minute) in (
               select project_id, endpoint, minute from serving.usage where minute < $1 limit ${SLICE}) returning 1`,
            [now() - KEPT_DAYS * 86_400_000],
            'old_usage',
          );
          return rows.length;
        });
      }
      return { minutes };
    },
  };
}
