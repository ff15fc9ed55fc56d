/** Runs one job inside the engine's process, from its tables to its results. */
import path from 'node:path';
import type { Column, QueryJob, QueryProgress, Statement, StatementResult, TableSource } from '../contract.ts';
import { QueryError } from '../model/query-error.ts';
import type { AsofRelation, ProjectRelation, Relation, SqlRelation } from '../model/query-tree.ts';
import { sqlType } from './sql/column-types.ts';
import { DataErrorLog } from './tables/data-errors.ts';
import { openTables, TableReader, type ReadyTable } from './tables/job-tables.ts';
import { checkUserSql, userSqlError } from './sql/user-sql.ts';
import { asofChains } from './sql/render-asof.ts';
import { userSqlStart, RelationRenderer } from './sql/render-relation.ts';
import { Session, STAGE, stageOf } from './session.ts';
import { identifier } from './sql/sql-text.ts';
import { outputRows, writeCsv, writeNdjson, writeParquet } from './output/statement-output.ts';
import { outputSummaries } from './output/summary-output.ts';
import type { Answer, JobLimits, ResultHead, Work } from './wire.ts';

export interface JobIo {
  readonly folder: string;
  readonly limits: JobLimits;
  readonly progress: (progress: QueryProgress) => void;
  readonly sendRows: (statement: number, rows: StatementResult['rows']) => Promise<void>;
  /** Receives the session as soon as it can be interrupted. */
  readonly onSession: (session: Session) => void;
}

export async function runWork(work: Work, io: JobIo): Promise<Answer> {
  switch (work.type) {
    case 'run':
      return await runJob(work.job, io);
    case 'describe': {
      const tables = { table: work.table };
      return await withTables(tables, [], io, async ({ reader }) => ({
        type: 'describe',
        description: await reader.describe('table', work.table, new DataErrorLog(undefined)),
      }));
    }
    default:
      return { type: 'check', columns: await check(work.query, work.tables, io) };
  }
}

interface Opened {
  readonly session: Session;
  readonly reader: TableReader;
}

async function withTables<T>(
  tables: Readonly<Record<string, TableSource>>,
  outputs: readonly string[],
  io: JobIo,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const opened = await openTables(tables);
  const files = [...opened.values()].flat().map(({ source }) => source.path);
  const session = await Session.open({ folder: io.folder, files, outputs }, io.limits);
  try {
    io.onSession(session);
    const onShare = (share: number) => io.progress({ phase: 'reading', share });
    return await work({
      session,
      reader: new TableReader({ session, folder: io.folder, limits: io.limits, opened, onShare }),
    });
  } finally {
    session.close();
  }
}

async function runJob(job: QueryJob, io: JobIo): Promise<Answer> {
  const statements: readonly Statement[] = [job, ...(job.more ?? [])];
  const outputs = statements.flatMap(({ output }) => {
    if (output.type === 'parquet') return [output.folder];
    return output.type === 'csv' ? [path.dirname(output.path)] : [];
  });
  return await withTables(job.tables, outputs, io, async ({ session, reader }) => {
    const errors = new DataErrorLog(job.rejectsPath);
    try {
      io.progress({ phase: 'reading' });
      const ready = new Map<string, ReadyTable>();
      for (const [name, table] of Object.entries(job.tables)) ready.set(name, await reader.read(name, table, errors));
      const queries = new Queries(session, ready);
      for (const step of job.prepare ?? []) await queries.prepare(step.name, step.query);
      const heads: ResultHead[] = [];
      for (const [n, statement] of statements.entries()) {
        const { type } = statement.output;
        io.progress({ phase: type === 'rows' || type === 'summary' || type === 'none' ? 'running' : 'writing' });
        heads.push(await queries.run(statement, async (rows) => await io.sendRows(n, rows)));
      }
      return { type: 'run', statements: heads, rejects: { count: errors.count, first: errors.first } };
    } finally {
      await errors.close();
    }
  });
}

/** Up to this number of entity rows per key, all pairs of a key are compared. */
const FEW_ROWS_PER_KEY = 2;

class Queries {
  readonly #session: Session;
  readonly #tables: Map<string, ReadyTable>;
  readonly #grouped = new Set<AsofRelation>();

  constructor(session: Session, tables: Map<string, ReadyTable>) {
    this.#session = session;
    this.#tables = tables;
  }

  async prepare(name: string, query: Relation): Promise<void> {
    await this.#check(query);
    await this.#countEntityRows(query);
    if (this.#tables.has(name)) throw new QueryError('query_invalid', `Two tables have the name \`${name}\`.`);
    const { canonical, columns } = await this.#session.bind(this.#render(query));
    const table = `${stageOf(columns.length)}.${identifier(`~p${this.#tables.size}`)}`;
    await this.#session.run(`CREATE TABLE ${table} AS ${canonical}`);
    this.#tables.set(name, { source: table, kept: table });
  }

  async run({ query, output }: Statement, send: (rows: StatementResult['rows']) => Promise<void>): Promise<ResultHead> {
    await this.#check(query);
    await this.#countEntityRows(query);
    const sql = this.#render(query);
    switch (output.type) {
      case 'rows':
        return await outputRows(this.#session, sql, output, send);
      case 'parquet':
        return await writeParquet(this.#session, sql, output, this.#kept(query));
      case 'csv':
        return await writeCsv(this.#session, sql, output);
      case 'arrow':
        return await (await import('./output/arrow-output.ts')).writeArrow(this.#session, sql, output);
      case 'ndjson':
        return await writeNdjson(this.#session, sql, output);
      case 'summary':
        return await outputSummaries(this.#session, sql, output);
      default: {
        const { columns } = await this.#session.bind(sql);
        const hashed = columns.map(({ name }) => `count(${identifier(name)})`).join(', ');
        await this.#session.run(`SELECT ${hashed} FROM (${sql}\n)`);
        return { columns, truncated: false, files: [], rowCount: 0 };
      }
    }
  }

  #kept(query: Relation): string | undefined {
    return query.type === 'scan' && query.columns === undefined ? this.#tables.get(query.table)?.kept : undefined;
  }

  async #check(query: Relation): Promise<void> {
    await checkTree(this.#session, query, (relation) => this.#render(relation));
  }

  /** Finds the point-in-time joins of which few entity rows have the same keys. The count reads these rows once more. */
  async #countEntityRows(query: Relation): Promise<void> {
    for (const { entityRows, joins } of asofChains(query)) {
      if (!isCheap(entityRows)) continue;
      const counted = new Map<string, boolean>();
      for (const join of joins.filter(({ unique, keys }) => unique === true && keys.length > 0)) {
        const keys = join.keys.map(({ left }) => identifier(left));
        const id = keys.join();
        const few = counted.get(id) ?? (await this.#hasFewRows(entityRows, keys));
        counted.set(id, few);
        if (few) this.#grouped.add(join);
      }
    }
  }

  async #hasFewRows(rows: Relation, keys: readonly string[]): Promise<boolean> {
    // A NULL key matches nothing.
    const known = keys.map((key) => `${key} IS NOT NULL`).join(' AND ');
    const counts = `SELECT count(*) AS n FROM (${this.#render(rows)}) WHERE ${known} GROUP BY ${keys.join(', ')}`;
    const [found] = await this.#session.rows(`SELECT max(n) AS n FROM (${counts})`);
    return Number(found?.['n'] ?? 0) <= FEW_ROWS_PER_KEY;
  }

  #render(query: Relation): string {
    return new RelationRenderer((name) => {
      const table = this.#tables.get(name);
      if (table === undefined) throw noTable(name, [...this.#tables.keys()]);
      return table.source;
    }, this.#grouped).render(query);
  }
}

/** Returns whether rows are read without joins, groups or user SQL. */
function isCheap(relation: Relation): boolean {
  if (relation.type === 'scan' || relation.type === 'values') return true;
  return (relation.type === 'project' || relation.type === 'filter') && isCheap(relation.from);
}

async function check(
  query: Relation,
  tables: Readonly<Record<string, readonly Column[]>>,
  io: JobIo,
): Promise<readonly Column[]> {
  return await withTables({}, [], io, async ({ session }) => {
    const names = Object.keys(tables);
    for (const [n, columns] of Object.values(tables).entries()) {
      const defined = columns.map(({ name, type }) => `${identifier(name)} ${sqlType(type)}`);
      await session.run(`CREATE TABLE ${STAGE}."~c${n}" (${defined.join(', ')})`);
    }
    const render = (relation: Relation) =>
      new RelationRenderer((name) => {
        if (!names.includes(name)) throw noTable(name, names);
        return `${STAGE}."~c${names.indexOf(name)}"`;
      }).render(relation);
    await checkTree(session, query, render);
    return (await session.bind(render(query))).columns;
  });
}

/**
 * Checks all user SQL in the tree, then binds it, to report errors with the position in it. Also checks every projection that
 * adds columns: a duplicate name would leave the old column readable.
 */
async function checkTree(session: Session, query: Relation, render: (relation: Relation) => string): Promise<void> {
  for (const relation of checkedRelations(query)) {
    if (relation.type === 'project') {
      const { columns } = await session.bind(render(relation.from));
      const there = new Set(columns.map(({ name }) => name.toLowerCase()));
      const without = new Set((relation.without ?? []).map((name) => name.toLowerCase()));
      const twice = relation.columns.find(
        ({ as, replaces }) => replaces !== true && there.has(as.toLowerCase()) && !without.has(as.toLowerCase()),
      );
      if (twice === undefined) continue;
      throw new QueryError(
        'query_invalid',
        `A projection adds the column \`${twice.as}\`, which already exists. Replace the column instead.`,
      );
    }
    await checkUserSql(session, relation);
    const whole = render(relation);
    try {
      await session.bind(whole);
    } catch (error) {
      const start = Buffer.byteLength(whole.slice(0, userSqlStart(whole, relation.sql)));
      const columns = async () => {
        const names = new Set<string>();
        for (const view of Object.values(relation.views))
          for (const { name } of (await session.bind(render(view))).columns) names.add(name);
        return [...names];
      };
      throw await userSqlError(error, { sql: relation.sql, start, columns });
    }
  }
}

/** Inner relations first: views before the SQL that reads them. */
function checkedRelations(value: unknown): readonly (SqlRelation | ProjectRelation)[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(checkedRelations);
  const relation = value as Relation;
  const checked =
    relation.type === 'sql' ||
    (relation.type === 'project' &&
      relation.keep === 'all' &&
      relation.columns.some(({ replaces }) => replaces !== true));
  return checked ? [...inner, relation] : inner;
}

function noTable(name: string, names: readonly string[]): QueryError {
  return new QueryError(
    'query_invalid',
    `The job has no table \`${name}\`; it has ${names.map((each) => `\`${each}\``).join(', ') || 'none'}.`,
  );
}
