/**
 * Validates user SQL: one SELECT over the given views. The check uses the parse tree of DuckDB and an allow list; everything
 * unknown is rejected. In addition, the session is locked, so that a gap here opens no file.
 */
import type { SqlRelation } from '../../model/query-tree.ts';
import { QueryError } from '../../model/query-error.ts';
import { allowedFunctions, allowedTableFunctions, allowedTypes } from './allowed-functions.ts';
import { duckdbError } from './duckdb-error.ts';
import { similarColumns } from './similar-columns.ts';
import type { Session } from '../session.ts';
import { text } from './sql-text.ts';

const MOST_SQL = 100_000;
/** Number of listed columns when none is similar. */
const SOME_COLUMNS = 10;

type Node = Readonly<Record<string, unknown>>;

/** @throws QueryError `query_invalid` with the position in the user's text. */
export async function checkUserSql(session: Session, relation: SqlRelation): Promise<void> {
  const { sql, dialect, views } = relation;
  if ((dialect as string) !== 'duckdb') {
    throw new QueryError('query_invalid', `The SQL dialect \`${dialect}\` is not supported. Use \`duckdb\`.`);
  }
  if (sql.length > MOST_SQL) throw new QueryError('query_invalid', `SQL can have at most ${MOST_SQL} characters.`);
  if (sql.includes('\0')) throw new QueryError('query_invalid', 'SQL cannot contain NUL characters.');
  const [row] = await session.rows(`SELECT json_serialize_sql(${text(sql)}) AS tree`);
  const tree = JSON.parse(String(row?.['tree'])) as Node;
  if (tree['error'] === true) throw notParsed(sql, tree);
  const statements = tree['statements'] as readonly Node[];
  const [statement] = statements;
  if (statement === undefined || statements.length !== 1) {
    throw new QueryError('query_invalid', 'Write a single statement.');
  }
  new Walker(sql, Object.keys(views)).walk(statement, new Set(Object.keys(views).map(lowered)));
}

function notParsed(sql: string, tree: Node): QueryError {
  if (tree['error_type'] === 'not implemented') {
    return new QueryError('query_invalid', 'Only SELECT statements are supported.');
  }
  const at = Number(tree['position']);
  const message = String(tree['error_message']);
  return new QueryError('query_invalid', sentence(message), {
    position: positionIn(sql, Number.isInteger(at) ? at : undefined),
  });
}

/** Returns line and column, from 1, of a byte in the text. */
function positionIn(
  sql: string,
  byte: number | undefined,
): { readonly line: number; readonly column: number } | undefined {
  if (byte === undefined || byte < 0 || byte > Buffer.byteLength(sql)) return undefined;
  const before = Buffer.from(sql).subarray(0, byte).toString('utf8').split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** Converts a binding error of user SQL that starts at byte `start` of `whole`. `columns`: all readable columns. */
export async function userSqlError(
  error: unknown,
  { sql, start, columns }: { readonly sql: string; readonly start: number; readonly columns: () => Promise<string[]> },
): Promise<unknown> {
  const failure = duckdbError(error);
  if (
    failure === undefined ||
    !/^(?:Binder|Catalog|Parser|Syntax|Invalid Input|Not implemented|Mismatch Type)$/.test(failure.type)
  )
    return error;
  const position = failure.position === undefined ? undefined : positionIn(sql, failure.position - start);
  // The list of function candidates can be very long.
  const detail =
    failure.subtype === 'COLUMN_NOT_FOUND'
      ? noColumn(failure.name ?? '', failure.candidates, await columns())
      : sentence(failure.message.split('\n')[0] ?? '');
  return new QueryError('query_invalid', detail, { position });
}

function noColumn(name: string, candidates: readonly string[], columns: readonly string[]): string {
  const near = similarColumns(name, columns);
  const quoted = (names: readonly string[]) => names.map((each) => `\`${each}\``).join(', ');
  if (near.length > 0) return `Column \`${name}\` does not exist. Similar columns: ${quoted(near)}.`;
  // The suggestions of DuckDB come first; it always has some.
  const all = [...new Set([...candidates, ...columns])];
  const first = all.slice(0, SOME_COLUMNS);
  if (first.length === 0) return `Column \`${name}\` does not exist.`;
  const more = all.length - first.length;
  return `Column \`${name}\` does not exist. Existing columns: ${quoted(first)}${more > 0 ? ` and ${more} more` : ''}.`;
}

function sentence(message: string): string {
  const capital = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

const lowered = (name: string): string => name.toLowerCase();

const RELATIONS: ReadonlySet<string> = new Set([
  'BASE_TABLE',
  'SUBQUERY',
  'JOIN',
  'EXPRESSION_LIST',
  'TABLE_FUNCTION',
  'EMPTY',
]);
const NODES: ReadonlySet<string> = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE', 'CTE_NODE']);
const CLASSES: ReadonlySet<string> = new Set([
  'BETWEEN',
  'CASE',
  'CAST',
  'COLLATE',
  'COLUMN_REF',
  'COMPARISON',
  'CONJUNCTION',
  'CONSTANT',
  'FUNCTION',
  'LAMBDA',
  'LAMBDA_REF',
  'OPERATOR',
  'POSITIONAL_REFERENCE',
  'STAR',
  'SUBQUERY',
  'WINDOW',
]);
const MODIFIERS: ReadonlySet<string> = new Set([
  'ORDER_MODIFIER',
  'LIMIT_MODIFIER',
  'LIMIT_PERCENT_MODIFIER',
  'DISTINCT_MODIFIER',
]);

class Walker {
  readonly #sql: string;
  readonly #views: readonly string[];

  constructor(sql: string, views: readonly string[]) {
    this.#sql = sql;
    this.#views = views;
  }

  /** `scope`: readable relation names, in lower case. */
  walk(value: unknown, scope: ReadonlySet<string>): void {
    if (Array.isArray(value)) {
      for (const each of value) this.walk(each, scope);
    } else if (typeof value === 'object' && value !== null) {
      this.#node(value as Node, scope);
    }
  }

  #node(node: Node, scope: ReadonlySet<string>): void {
    this.#checkNode(node, scope);
    let inner = scope;
    const ctes = (node['cte_map'] as { readonly map?: readonly Node[] } | undefined)?.map ?? [];
    for (const { key, value } of ctes as readonly { readonly key: string; readonly value: Node }[]) {
      const recursive =
        (value['query'] as { readonly node?: Node } | undefined)?.node?.['type'] === 'RECURSIVE_CTE_NODE';
      const extended = new Set([...inner, lowered(key)]);
      this.walk(value, recursive ? extended : inner);
      inner = extended;
    }
    if (node['type'] === 'CTE_NODE' || node['type'] === 'RECURSIVE_CTE_NODE') {
      const name = lowered(String(node['cte_name']));
      if (node['type'] === 'CTE_NODE') this.walk(node['query'], inner);
      const below = new Set([...inner, name]);
      for (const [key, value] of Object.entries(node))
        if (key !== 'cte_map' && key !== 'query') this.walk(value, below);
      return;
    }
    for (const [key, value] of Object.entries(node)) {
      if (key === 'cte_map') continue;
      if (key === 'function' && node['type'] === 'TABLE_FUNCTION') this.walk((value as Node)['children'], inner);
      else this.walk(value, inner);
    }
  }

  #checkNode(node: Node, scope: ReadonlySet<string>): void {
    const type = typeof node['type'] === 'string' ? node['type'] : '';
    if (typeof node['class'] === 'string') {
      this.#expression(node, node['class']);
      return;
    }
    if ('at_clause' in node && node['at_clause'] !== null)
      throw this.#refusal(node, 'AT clauses are not supported. Use a dataset reference with a version.');
    if (type === 'BASE_TABLE') this.#table(node, scope);
    else if (type === 'TABLE_FUNCTION') this.#tableFunction(node);
    else if (type === 'UNBOUND_TYPE_INFO') this.#type(node);
    else if (type.endsWith('_NODE') && !NODES.has(type))
      throw this.#refusal(node, 'This type of query is not supported.');
    else if (type.endsWith('_MODIFIER') && !MODIFIERS.has(type))
      throw this.#refusal(node, 'This type of query is not supported.');
    else if ('column_name_alias' in node && !RELATIONS.has(type))
      throw this.#refusal(node, 'Only tables, subqueries, VALUES and joins are supported after FROM.');
    else if (type === 'SHOW_REF' || type === 'PIVOT' || type === 'COLUMN_DATA' || type === 'DELIM_GET')
      throw this.#refusal(node, 'DESCRIBE, SHOW, SUMMARIZE and PIVOT are not supported.');
  }

  #table(node: Node, scope: ReadonlySet<string>): void {
    const name = String(node['table_name']);
    if (node['schema_name'] === '' && node['catalog_name'] === '' && scope.has(lowered(name))) return;
    const nearest = this.#views.map((each) => `\`${each}\``).join(', ');
    const whole = [node['catalog_name'], node['schema_name'], name].filter((part) => part !== '').join('.');
    throw this.#refusal(
      node,
      `Table \`${whole}\` does not exist. Available tables: ${nearest === '' ? 'none' : nearest}.`,
    );
  }

  #tableFunction(node: Node): void {
    const called = node['function'] as Node | undefined;
    const name = String(called?.['function_name']);
    if (called?.['class'] === 'FUNCTION' && isPlain(called) && allowedTableFunctions.has(lowered(name))) return;
    throw this.#refusal(
      node,
      `\`${name}\` is not supported after FROM. Use the tables of the query, range, generate_series or unnest.`,
    );
  }

  #expression(node: Node, kind: string): void {
    if (kind === 'PARAMETER') throw this.#refusal(node, 'Parameters are not supported. Write the value.');
    if (!CLASSES.has(kind)) throw this.#refusal(node, 'This type of expression is not supported.');
    if (kind !== 'FUNCTION' && kind !== 'WINDOW') return;
    const name = String(node['function_name']);
    // Operators are functions with symbols as names.
    if (isPlain(node) && (allowedFunctions.has(lowered(name)) || /^[^\w\s]+$/.test(name) || name === '__postfix'))
      return;
    throw this.#refusal(node, `The function \`${name}\` is not available.`);
  }

  #type(node: Node): void {
    const name = lowered(String(node['name']));
    if (node['schema'] === '' && node['catalog'] === '' && allowedTypes.has(name)) return;
    throw this.#refusal(node, `The type \`${name}\` is not available.`);
  }

  #refusal(node: Node, detail: string): QueryError {
    const at = Number(node['query_location']);
    return new QueryError('query_invalid', detail, {
      position: positionIn(this.#sql, Number.isSafeInteger(at) ? at : undefined),
    });
  }
}

function isPlain(called: Node): boolean {
  const { schema, catalog } = called as { readonly schema?: unknown; readonly catalog?: unknown };
  return (
    (schema === '' || schema === 'main' || schema === undefined) &&
    (catalog === '' || catalog === 'system' || catalog === undefined)
  );
}
