/**
 * Batches the queries of checks. Checks run concurrently. When all of them wait, their queries run as one job, and aggregates over
 * the same rows as one scan.
 */
import { DaisError } from '@dais/api';
import { aggregate, column, named, scan } from '#engines/query/model/build.ts';
import type {
  Cell,
  QueryEngine,
  RunOptions,
  Statement,
  StatementResult,
  TableSource,
} from '#engines/query/contract.ts';
import type { AggregateExpression, Relation } from '#engines/query/model/query-tree.ts';

/** Rows of a table that match a user condition; all rows without one. */
export interface Rows {
  readonly table: string;
  readonly where?: string | undefined;
}

/** Maximum number of expressions per scan: planners are slow with wider rows. */
const AT_ONCE = 400;

interface Aggregates {
  readonly rows: Rows;
  readonly expressions: readonly AggregateExpression[];
  readonly settle: (answer: readonly Cell[]) => void;
  readonly fail: (error: unknown) => void;
}

interface Query {
  readonly query: Relation;
  readonly limit: number;
  readonly settle: (answer: StatementResult) => void;
  readonly fail: (error: unknown) => void;
}

export class CheckQueries {
  readonly #engine: QueryEngine;
  readonly #tables: Readonly<Record<string, TableSource>>;
  readonly #options: RunOptions & { readonly owner: string };
  #figures: Aggregates[] = [];
  #queries: Query[] = [];
  #due = false;

  constructor(
    engine: QueryEngine,
    tables: Readonly<Record<string, TableSource>>,
    options: RunOptions & { readonly owner: string },
  ) {
    this.#engine = engine;
    this.#tables = tables;
    this.#options = options;
  }

  /** Computes aggregates over rows, one cell each. @throws QueryError of this query only */
  async aggregates(rows: Rows, expressions: readonly AggregateExpression[]): Promise<readonly Cell[]> {
    if (expressions.length === 0) return [];
    return await new Promise((settle, fail) => {
      this.#figures.push({ rows, expressions, settle, fail });
      this.#soon();
    });
  }

  /** Returns the rows of a query, at most `limit`. @throws QueryError */
  async rows(query: Relation, limit: number): Promise<StatementResult> {
    return await new Promise((settle, fail) => {
      this.#queries.push({ query, limit, settle, fail });
      this.#soon();
    });
  }

  #soon(): void {
    // Checks continue in microtasks, so all of them have queued their next query before this.
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    const [figures, queries] = [this.#figures, this.#queries];
    [this.#figures, this.#queries, this.#due] = [[], [], false];
    const scans = combineScans(figures);
    const parts = [
      ...scans.map((scanned) => ({ statement: scanned.statement, settle: scanned.settle, fail: scanned.fail })),
      ...queries.map(({ query, limit, settle, fail }) => ({
        statement: { query, output: { type: 'rows', limit } } as Statement,
        settle,
        fail,
      })),
    ];
    try {
      const results = await this.#run(parts.map(({ statement }) => statement));
      for (const [i, part] of parts.entries()) part.settle(results[i] as StatementResult);
    } catch (error) {
      if (this.#options.signal?.aborted === true || passes(error)) {
        for (const part of parts) part.fail(error);
        return;
      }
      // One query is invalid: run each separately, so that the others get results.
      for (const { requested, alone } of [
        ...figures.map((one) => this.#figuresAlone(one)),
        ...queries.map((one) => this.#queryAlone(one)),
      ]) {
        await alone(requested);
      }
    }
  }

  #figuresAlone(one: Aggregates) {
    const requested = aggregateStatement(one.rows, one.expressions);
    const settle = (result: StatementResult) => one.settle(one.expressions.map((_, i) => result.rows[0]?.[i] ?? null));
    return { requested, alone: async (statement: Statement) => await this.#alone(statement, settle, one.fail) };
  }

  #queryAlone({ query, limit, settle, fail }: Query) {
    const requested: Statement = { query, output: { type: 'rows', limit } };
    return { requested, alone: async (statement: Statement) => await this.#alone(statement, settle, fail) };
  }

  async #alone(statement: Statement, settle: (result: StatementResult) => void, fail: (error: unknown) => void) {
    try {
      const [result] = await this.#run([statement]);
      settle(result as StatementResult);
    } catch (error) {
      fail(error);
    }
  }

  async #run(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    const [first, ...more] = statements;
    if (first === undefined) return [];
    const { owner, ...options } = this.#options;
    const job = { tables: this.#tables, ...first, more, owner };
    const { more: others, ...result } = await this.#engine.run(job, options);
    return [result, ...others];
  }
}

/** Whether an error can disappear on a retry, so that no single query caused it. */
function passes(error: unknown): boolean {
  return error instanceof DaisError && error.retryable;
}

interface Scan {
  readonly statement: Statement;
  readonly settle: (result: StatementResult) => void;
  readonly fail: (error: unknown) => void;
}

/** Computes aggregates over the same rows, in as few statements as possible. */
function combineScans(figures: readonly Aggregates[]): readonly Scan[] {
  const scans: { rows: Rows; members: Aggregates[]; size: number }[] = [];
  for (const one of figures) {
    let home = scans.find(
      ({ rows, size }) =>
        rows.table === one.rows.table && rows.where === one.rows.where && size + one.expressions.length <= AT_ONCE,
    );
    if (home === undefined) {
      home = { rows: one.rows, members: [], size: 0 };
      scans.push(home);
    }
    home.members.push(one);
    home.size += one.expressions.length;
  }
  return scans.map(({ rows, members }) => ({
    statement: aggregateStatement(
      rows,
      members.flatMap(({ expressions }) => expressions),
    ),
    settle: (result) => {
      let at = 0;
      for (const { expressions, settle } of members) {
        settle(expressions.map((_, i) => result.rows[0]?.[at + i] ?? null));
        at += expressions.length;
      }
    },
    fail: (error) => {
      for (const { fail } of members) fail(error);
    },
  }));
}

function aggregateStatement(rows: Rows, expressions: readonly AggregateExpression[]): Statement {
  const columns = expressions.map((expression, i) => named(`a${i}`, expression));
  return {
    query: { type: 'aggregate', from: relationOf(rows), by: [], columns },
    output: { type: 'rows', limit: 1 },
  };
}

/** Filters by a user's SQL condition. The engine restricts it to this table. */
export function relationOf({ table, where }: Rows): Relation {
  if (where === undefined) return scan(table);
  const sql = `select * from data where (${where}\n)`;
  return { type: 'sql', dialect: 'duckdb', sql, views: { data: scan(table) } };
}

/** Counts rows by value, most frequent first, then by value. */
export function countsBy(from: Relation, by: readonly string[], limit: number): Relation {
  const counted: Relation = {
    type: 'aggregate',
    from,
    by: by.map((name) => named(name, column(name))),
    columns: [named('rows', aggregate('count'))],
  };
  const order = [{ expression: column('rows'), descending: true }, ...by.map((name) => ({ expression: column(name) }))];
  return { type: 'limit', from: { type: 'sort', from: counted, by: order }, count: limit };
}
