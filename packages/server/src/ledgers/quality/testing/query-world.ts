/** Test fixture: a query engine with tables that tests define as rows. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataColumn } from '@dais/api/data';
import type { QueryEngine } from '#engines/query/contract.ts';
import { openDuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { CheckQueries } from '../checks/check-queries.ts';
import type { CheckContext, OtherVersion } from '../checks/check-context.ts';

export interface QueryWorld {
  readonly engine: QueryEngine;
  readonly folder: string;
  stop(): Promise<void>;
}

export async function startQueryWorld(): Promise<QueryWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-quality-'));
  const engine = openDuckdbQuery({
    folder: join(folder, 'query'),
    memoryMb: 1024,
    tempMb: 4096,
    threads: 2,
    clock: systemClock,
    log: silentLog,
  });
  return {
    engine,
    folder,
    stop: async () => {
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type Value = string | number | boolean | null;
export type Row = Readonly<Record<string, Value>>;

export interface TestTable {
  readonly columns: readonly DataColumn[];
  readonly rows: readonly Row[];
}

function inline({ columns, rows }: TestTable) {
  return {
    columns: columns.map(({ name, type }) => ({ name, type: type as never })),
    rows: rows.map((row) => columns.map(({ name }) => row[name] ?? null)),
  };
}

export interface ContextOptions extends Partial<
  Omit<CheckContext, 'columns' | 'rows' | 'queries' | 'before' | 'others'>
> {
  readonly before?: TestTable;
  readonly others?: Readonly<Record<string, TestTable>>;
}

/** Creates the context of a check over the given rows. */
export function contextOf(
  { engine }: QueryWorld,
  data: TestTable,
  { before, others = {}, ...more }: ContextOptions = {},
): CheckContext {
  const names = Object.keys(others);
  const tables = {
    data: inline(data),
    ...(before !== undefined && { before: inline(before) }),
    ...Object.fromEntries(names.map((name, i) => [`other${i}`, inline(others[name] as TestTable)])),
  };
  const other = (table: string, name: string, of: TestTable): OtherVersion => ({
    table,
    name,
    columns: of.columns,
    rows: of.rows.length,
  });
  return {
    columns: data.columns,
    rows: data.rows.length,
    createdAt: Date.UTC(2026, 10, 1),
    keys: [],
    ...more,
    before: before === undefined ? undefined : other('before', 'flights@1', before),
    others: new Map(names.map((name, i) => [name, other(`other${i}`, name, others[name] as TestTable)])),
    queries: new CheckQueries(engine, tables, { owner: 'test' }),
    unexpected: (error) => {
      throw error;
    },
  };
}
