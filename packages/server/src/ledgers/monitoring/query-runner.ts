/** Queries of the rows of one window or baseline. */
import { DaisError } from '@dais/api';
import type { Cell, FileTable, QueryEngine, Statement, StatementResult } from '#engines/query/contract.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';

export interface Rows {
  readonly tables: Readonly<Record<string, FileTable>>;
  readonly relation: Relation;
}

export class QueryRunner {
  readonly #engine: QueryEngine;
  readonly #owner: string;
  readonly signal: AbortSignal;

  constructor(engine: QueryEngine, owner: string, signal: AbortSignal) {
    this.#engine = engine;
    this.#owner = owner;
    this.signal = signal;
  }

  /** Runs all queries in one job and returns their results in order. */
  async queryAll(
    tables: Rows['tables'],
    queries: readonly { readonly query: Relation; readonly limit: number }[],
  ): Promise<readonly StatementResult[]> {
    return await this.run(
      tables,
      queries.map(({ query, limit }) => ({ query, output: { type: 'rows', limit } })),
    );
  }

  async run(tables: Rows['tables'], statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    const [first, ...more] = statements;
    if (first === undefined) return [];
    const { more: others, ...result } = await this.#engine.run(
      { tables, ...first, more, owner: this.#owner },
      { signal: this.signal },
    );
    return [result, ...others];
  }

  async queryOne(tables: Rows['tables'], query: Relation, limit: number): Promise<StatementResult> {
    const [result] = await this.queryAll(tables, [{ query, limit }]);
    if (result === undefined) throw new DaisError('internal', 'A query returned no result.');
    return result;
  }
}

/** Returns a number; large counts and sums can be texts. Undefined for NULL and for values that are not finite. */
export function toNumber(cell: Cell | undefined): number | undefined {
  if (cell === null || cell === undefined || typeof cell === 'object') return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

export function count(cell: Cell | undefined): number {
  return toNumber(cell) ?? 0;
}

/** Returns a value as text; NULL becomes an empty text. */
export function cellText(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

/** Returns the cells of one row by column name. */
export function cellsOf({ columns, rows }: StatementResult, at = 0): ReadonlyMap<string, Cell> {
  const row = rows[at] ?? [];
  return new Map(columns.map(({ name }, index) => [name, row[index] ?? null]));
}
