/** Searches one table by the fields of its records: composes conditions, order and page as SQL. All values are bound. */
import { DaisError, type Issue } from '@dais/api';
import type { RecordCondition, RecordSearch } from '@dais/api/tracking';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { compareText } from '#lib/comparison-sql.ts';
import { allOf, composeStatement, type Bind } from '#lib/composed-sql.ts';
import { behind, isPosition, orderBy, positionOf, sortColumns, type SortKey } from '#lib/keyset.ts';

export interface RecordColumn {
  /** SQL expression on the row `r`. */
  readonly sql: string;
  readonly type: 'text' | 'moment' | 'flag';
  /** The value can be null. */
  readonly missing?: true;
}

export interface RecordTable<Row, Item = unknown> {
  /** The `from` clause; the row is `r`. */
  readonly from: string;
  /** The unique column. */
  readonly id: string;
  readonly columns: string;
  readonly fields: Readonly<Record<string, RecordColumn>>;
  /** Default conditions by field. A condition applies unless the search filters by its field. */
  readonly unless: Readonly<Record<string, string>>;
  /** Name in the cursor. */
  readonly name: string;
  /** Limit of counting. */
  readonly counted: number;
  present(row: Row): Item;
}

/** @throws DaisError `invalid_request` with all invalid conditions, `invalid_cursor`. */
export async function searchRecords<Row extends object, Item>(
  { sql, projectId }: Transaction,
  table: RecordTable<Row, Item>,
  { limit, cursor, count, ...of }: RecordSearch,
  /** Further conditions on the row `r`. */
  also: (bind: Bind) => readonly string[] = () => [],
) {
  const issues: Issue[] = [];
  const conditionsOf = (bind: Bind) => [
    `r.project_id = ${bind(projectId)}::uuid`,
    ...Object.entries(table.unless).flatMap(([field, condition]) =>
      of.where.some((one) => one.field === field) ? [] : condition,
    ),
    ...also(bind),
    ...of.where.map((one, index) => conditionSql(table.fields[one.field], one, bind, index, issues)),
  ];
  const keys = keysOf(table, of);
  const binding = [projectId, table.name, of];
  const { text, values } = composeStatement((bind) => {
    const conditions = conditionsOf(bind);
    if (issues.length > 0) throw new DaisError('invalid_request', 'The search conditions are not valid.', { issues });
    const position = decodePageCursor(binding, cursor);
    if (position !== undefined && !isPosition(keys, position)) {
      throw new DaisError('invalid_cursor', 'The cursor belongs to another list. Start again without a cursor.');
    }
    const after = position !== undefined && behind(keys, position, bind);
    return `select ${table.columns}, ${sortColumns(keys)} from ${table.from} where ${allOf([...conditions, after])}
     order by ${orderBy(keys)} limit ${bind(limit + 1)}`;
  });
  // Not a named statement, because each search has its own text.
  const rows = await sql.query<Row & Record<string, unknown>>(text, values);
  const { page, next } = cutPage(rows, limit, binding, (row) => positionOf(keys, row));
  const total = count ? { total: await countRecords(sql, table, conditionsOf) } : {};
  return { items: page.map((row) => table.present(row)), ...next, ...total };
}

async function countRecords<Row>(
  sql: Transaction['sql'],
  { from, counted }: RecordTable<Row>,
  conditionsOf: (bind: Bind) => readonly string[],
): Promise<number> {
  const { text, values } = composeStatement(
    (bind) =>
      `select count(*)::int as n from (select from ${from} where ${allOf(conditionsOf(bind))} limit ${counted}) found`,
  );
  const [row] = await sql.query<{ n: number }>(text, values);
  return row?.n ?? 0;
}

function keysOf<Row>(
  { fields, id }: RecordTable<Row>,
  { sortBy = 'createdAt', descending }: Pick<RecordSearch, 'sortBy' | 'descending'>,
) {
  const column = fields[sortBy];
  if (column === undefined) throw new Error(`no column of ${sortBy}`);
  const ascending = !descending;
  const first: SortKey = {
    ...(column.type === 'moment'
      ? { sql: `(extract(epoch from ${column.sql}) * 1000000)::bigint`, type: 'bigint' }
      : { sql: `((${column.sql})::text collate "C")`, type: 'text' }),
    ascending,
    ...(column.missing === true && { missing: true }),
  };
  return [first, { sql: `(${id}::text collate "C")`, type: 'text' as const, ascending }];
}

const SIGNS: Readonly<Record<string, string>> = { '=': '=', '!=': '<>', '<': '<', '<=': '<=', '>': '>', '>=': '>=' };
/** The latest timestamp of PostgreSQL. */
const LATEST_MS = 8_640_000_000_000_000 / 100;

function conditionSql(
  column: RecordColumn | undefined,
  { field, is, value }: RecordCondition,
  bind: Bind,
  index: number,
  issues: Issue[],
): string {
  const refuse = (expected: string): string => {
    issues.push({
      path: `where[${index}]`,
      message: `the condition ${field} ${is} ${JSON.stringify(value).slice(0, 100)} is not supported`,
      expected,
    });
    return 'false';
  };
  if (column === undefined) throw new Error(`no column of ${field}`);
  if (column.type === 'flag') {
    if (typeof value !== 'boolean' || (is !== '=' && is !== '!=')) return refuse('= or != with a boolean');
    return `${column.sql} ${SIGNS[is]} ${bind(value)}::boolean`;
  }
  if (column.type === 'moment') {
    const sign = SIGNS[is];
    if (sign === undefined || typeof value !== 'number') return refuse('a comparison with milliseconds since 1970');
    if (Math.abs(value) > LATEST_MS) return refuse('a timestamp that PostgreSQL supports');
    return `${column.sql} ${sign} timestamptz 'epoch' + ${bind(value)}::float8 * interval '1 millisecond'`;
  }
  const text = `(${column.sql})::text`;
  if (Array.isArray(value)) {
    if (is !== 'in' || !value.every((one: string) => isStorable(one)))
      return refuse('a list of texts for in, one text for the other operators');
    return compareText(text, { operator: 'IN', value }, bind);
  }
  if (typeof value !== 'string' || is === 'in' || !isStorable(value)) {
    return refuse('a list of texts for in, one text for the other operators');
  }
  if (is === 'contains') return `position(lower(${bind(value)}::text) in lower(${text} collate "default")) > 0`;
  // A missing value differs from every text.
  if (is === '!=') return `${text} is distinct from ${bind(value)}::text`;
  return compareText(text, { operator: is, value }, bind);
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
