/** Lists usage records in pages. */
import { DaisError } from '@dais/api';
import type { UsageRecord } from '@dais/api/usage';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { allOf, composeStatement } from '#lib/composed-sql.ts';
import { enterScope, usageConditions, type UsageQuery } from './usage-filter.ts';

interface RecordRow {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly started_at: Date;
  readonly ended_at: Date;
  /** The exact end, which a Date rounds to milliseconds. */
  readonly position: string;
  readonly quantity: string;
  readonly unit: string;
  readonly project: string;
  readonly team: string | null;
  readonly person: string | null;
  readonly resource: string | null;
  readonly lineage: string | null;
  readonly node: string | null;
  readonly requests: Readonly<Record<string, number>>;
  readonly cpu_seconds: number | null;
  readonly memory_bytes: bigint | null;
  readonly corrects: string | null;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

interface Position {
  /** Microseconds since the Unix epoch. */
  readonly end: string;
  readonly id: string;
}

/** Returns records that overlap the period, latest end first. @throws DaisError `invalid_cursor`. */
export async function listUsage(
  tx: Transaction,
  query: UsageQuery,
  { limit, cursor }: PageRequest,
): Promise<{ readonly items: readonly UsageRecord[]; readonly nextCursor?: string }> {
  // Without the period: its default moves with the time.
  const binding = ['usage', query.scope, query.filter];
  const after = positionOf(decodePageCursor(binding, cursor));
  await enterScope(tx, query.scope);
  const { text, values } = composeStatement(
    (
      bind,
    ) => `select r.id, r.type, r.source, r.started_at, r.ended_at, r.quantity, r.unit, r.project, r.team, r.person, r.resource,
       r.lineage, r.node, r.requests, r.cpu_seconds, r.memory_bytes, r.corrects,
       (extract(epoch from r.ended_at) * 1000000)::bigint::text as position
     from usage.record r
     where ${allOf([
       ...usageConditions(query, bind),
       after !== undefined &&
         `(r.ended_at, r.id) < (timestamptz 'epoch' + ${bind(after.end)}::bigint * interval '1 microsecond', ${bind(after.id)}::uuid)`,
     ])}
     order by r.ended_at desc, r.id desc limit ${bind(limit + 1)}`,
  );
  const rows = await tx.sql.query<RecordRow>(text, values);
  const { page, next } = cutPage(rows, limit, binding, ({ position, id }) => `${position} ${id}`);
  return { items: page.map(present), ...next };
}

function positionOf(text: string | undefined): Position | undefined {
  if (text === undefined) return undefined;
  const [, end, id] = /^(-?\d{1,18}) ([0-9a-f-]{36})$/.exec(text) ?? [];
  if (end === undefined || id === undefined) throw new DaisError('invalid_cursor', 'The cursor is not valid.');
  return { end, id };
}

function present(row: RecordRow): UsageRecord {
  const { team, person, resource, lineage, node, cpu_seconds: cpu, memory_bytes: memory, corrects } = row;
  return {
    id: row.id,
    type: row.type as UsageRecord['type'],
    source: row.source,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at.toISOString(),
    quantity: Number(row.quantity),
    unit: row.unit as UsageRecord['unit'],
    project: row.project,
    ...(team !== null && { team }),
    ...(person !== null && { person }),
    ...(resource !== null && { resource }),
    ...(lineage !== null && { lineage }),
    ...(node !== null && { node }),
    requests: row.requests,
    ...(cpu !== null && { cpuSeconds: cpu }),
    ...(memory !== null && { memoryBytes: Number(memory) }),
    ...(corrects !== null && { corrects }),
  };
}
