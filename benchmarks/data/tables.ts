/** Files that a benchmark is of: made by DuckDB's own functions, so that every run has the same. */
import { join } from 'node:path';
import type { QueryEngine } from '../../packages/server/src/engines/query/contract.ts';
import { openDuckdbQuery } from '../../packages/server/src/engines/query/duckdb/duckdb-query.ts';
import { systemClock } from '../../packages/server/src/lib/clock.ts';

/** What the engine may take: the claims are of it. */
const MEMORY_MB = 2048;

export function openEngine(folder: string): QueryEngine {
  return openDuckdbQuery({
    folder: join(folder, 'scratch'),
    memoryMb: MEMORY_MB,
    tempMb: 32_768,
    clock: systemClock,
    log: { debug: () => {}, info: () => {}, warn: console.error, error: console.error },
  });
}

/** Writes one Parquet file and returns its path. */
export async function writeTable(engine: QueryEngine, folder: string, name: string, sql: string): Promise<string> {
  const { files } = await engine.run({
    tables: {},
    query: { type: 'sql', dialect: 'duckdb', sql, views: {} },
    output: { type: 'parquet', folder, name, split: { type: 'one' } },
  });
  return files[0]?.path ?? '';
}

/** Twenty columns: 14 of float64, two of whole numbers, two of strings, a date and a timestamp. */
export function twentyColumns(rows: number): string {
  const numbers = Array.from({ length: 14 }, (_, n) => `(hash(range, ${n}) % 1000003) / ${n + 7}.0::DOUBLE AS f${n}`);
  const words = [100, 5000].map((count, n) => `'value ' || (hash(range, 's${n}') % ${count}) AS s${n}`);
  return `SELECT range AS id, (hash(range, 'k') % 500000)::BIGINT AS ent, ${[...numbers, ...words].join(', ')},
    DATE '2020-01-01' + (range % 2000)::INTEGER AS d, TIMESTAMPTZ '2020-01-01' + to_seconds(range) AS at FROM range(${rows})`;
}

/** For monitors: of four columns three are float64 and one is a string. With `shift` every fifth of both moves. */
export function monitoredColumns(rows: number, columns: number, shift: number): string {
  const made = Array.from({ length: columns }, (_, n) => {
    const moved = n % 5 === 0 ? shift : 0;
    const seed = `${n + 1000 * shift}`;
    if (n % 4 === 3) return `'value ' || (hash(range, ${seed}) % ${100 + 50 * moved}) AS s${n}`;
    return `((hash(range, ${seed}) % 1000003) / ${n + 7}.0 * ${1 + moved})::DOUBLE AS f${n}`;
  });
  return `SELECT ${made.join(', ')} FROM range(${rows})`;
}
