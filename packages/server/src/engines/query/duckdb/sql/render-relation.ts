/** Renders relations of the query model as SQL of DuckDB: each is one SELECT that can be put in parentheses. */
import type {
  AsofRelation,
  JoinRelation,
  LiteralValue,
  ProjectRelation,
  Relation,
  SampleRelation,
  SqlRelation,
  ValuesRelation,
} from '../../model/query-tree.ts';
import { QueryError } from '../../model/query-error.ts';
import { sqlType } from './column-types.ts';
import { renderAsof } from './render-asof.ts';
import { literalText, renderExpression, renderSortKeys } from './render-expression.ts';
import { count, identifier, text } from './sql-text.ts';

/** Deeper trees are rejected: the parser of DuckDB stops at about 1,000. */
const DEEPEST = 200;
const MOST_VALUES = 100_000;

export class RelationRenderer {
  readonly #source: (table: string) => string;
  readonly #grouped: ReadonlySet<AsofRelation>;
  #aliases = 0;
  #depth = 0;

  /**
   * @param source returns the quoted SQL name of a table. Throws for unknown tables.
   * @param grouped point-in-time joins of which few entity rows have the same keys
   */
  constructor(source: (table: string) => string, grouped: ReadonlySet<AsofRelation> = new Set()) {
    this.#source = source;
    this.#grouped = grouped;
  }

  render(relation: Relation): string {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new QueryError('query_invalid', `A query can nest at most ${DEEPEST} relations.`);
    try {
      return this.#render(relation);
    } finally {
      this.#depth -= 1;
    }
  }

  #render(relation: Relation): string {
    switch (relation.type) {
      case 'scan':
        return `SELECT ${relation.columns?.map(identifier).join(', ') ?? '*'} FROM ${this.#source(relation.table)}`;
      case 'project':
        return this.#project(relation);
      case 'filter':
        return `SELECT * FROM ${this.#from(relation.from)} WHERE ${renderExpression(relation.where)}`;
      case 'aggregate': {
        const columns = [...relation.by, ...relation.columns].map(named);
        const by = relation.by.length === 0 ? '' : ` GROUP BY ${relation.by.map((_, n) => n + 1).join(', ')}`;
        const grouped = `SELECT ${columns.join(', ')} FROM ${this.#from(relation.from)}${by}`;
        if (relation.having === undefined) return grouped;
        return `SELECT * FROM (${grouped}) AS ${this.#alias()} WHERE ${renderExpression(relation.having)}`;
      }
      case 'join':
        return this.#join(relation);
      case 'asof':
        return renderAsof(relation, {
          relation: (each) => this.render(each),
          alias: () => this.#alias(),
          hasFewRowsPerKey: (each) => this.#grouped.has(each),
        });
      case 'union':
        if (relation.of.length === 0) throw new QueryError('query_invalid', 'A union needs at least one relation.');
        return relation.of.map((each) => `(${this.render(each)})`).join(' UNION ALL BY NAME ');
      case 'latest': {
        if (relation.order.length === 0)
          throw new QueryError('query_invalid', 'The latest row needs at least one sort key.');
        const order = renderSortKeys(relation.order);
        const by = relation.by.length === 0 ? '' : `PARTITION BY ${relation.by.map(identifier).join(', ')} `;
        return `SELECT * FROM ${this.#from(relation.from)} QUALIFY row_number() OVER (${by}ORDER BY ${order}) = 1`;
      }
      case 'sort':
        if (relation.by.length === 0) return this.render(relation.from);
        return `SELECT * FROM ${this.#from(relation.from)} ORDER BY ${renderSortKeys(relation.by)}`;
      case 'limit': {
        const offset = relation.offset === undefined ? '' : ` OFFSET ${count(relation.offset)}`;
        return `SELECT * FROM ${this.#from(relation.from)} LIMIT ${count(relation.count)}${offset}`;
      }
      case 'distinct':
        return `SELECT DISTINCT * FROM ${this.#from(relation.from)}`;
      case 'sample':
        return this.#sample(relation);
      case 'values':
        return renderValues(relation);
      case 'unnest': {
        const name = identifier(relation.column);
        return `SELECT * REPLACE (unnest(${name}) AS ${name}) FROM ${this.#from(relation.from)}`;
      }
      default:
        return this.#sql(relation);
    }
  }

  #alias(): string {
    this.#aliases += 1;
    return `"~${this.#aliases}"`;
  }

  #from(relation: Relation): string {
    return `(${this.render(relation)}) AS ${this.#alias()}`;
  }

  #project(relation: ProjectRelation): string {
    const without = relation.without ?? [];
    if (relation.keep !== 'all') {
      if (relation.columns.length === 0)
        throw new QueryError('query_invalid', 'A projection needs at least one column.');
      return `SELECT ${relation.columns.map(named).join(', ')} FROM ${this.#from(relation.from)}`;
    }
    const replaced = relation.columns.filter(({ replaces }) => replaces === true);
    const added = relation.columns.filter(({ replaces }) => replaces !== true).map(named);
    const exclude = without.length === 0 ? '' : ` EXCLUDE (${without.map(identifier).join(', ')})`;
    const replace = replaced.length === 0 ? '' : ` REPLACE (${replaced.map(named).join(', ')})`;
    return `SELECT ${[`*${exclude}${replace}`, ...added].join(', ')} FROM ${this.#from(relation.from)}`;
  }

  #join(relation: JoinRelation): string {
    const sides = { left: this.#alias(), right: this.#alias() };
    const { left, right } = sides;
    const equal = relation.nullsMeet === true ? 'IS NOT DISTINCT FROM' : '=';
    const keys = relation.keys ?? [];
    const conditions = [
      ...keys.map((key) => `${left}.${identifier(key.left)} ${equal} ${right}.${identifier(key.right)}`),
      ...(relation.on === undefined ? [] : [renderExpression(relation.on, sides)]),
    ];
    const cross = relation.kind === 'cross';
    if (cross ? conditions.length > 0 : conditions.length === 0) {
      throw new QueryError('query_invalid', cross ? 'A cross join has no keys.' : 'A join needs keys or a condition.');
    }
    const half = relation.kind === 'semi' || relation.kind === 'anti';
    const taken =
      relation.take?.map(({ column, as }) => `${right}.${identifier(column)} AS ${identifier(as)}`) ??
      (keys.length === 0
        ? [`${right}.*`]
        : [`${right}.* EXCLUDE (${keys.map((key) => identifier(key.right)).join(', ')})`]);
    const columns = half ? `${left}.*` : [`${left}.*`, ...taken].join(', ');
    const on = cross ? '' : ` ON ${conditions.join(' AND ')}`;
    const sources = `(${this.render(relation.left)}) AS ${left} ${relation.kind.toUpperCase()} JOIN (${this.render(relation.right)}) AS ${right}`;
    return `SELECT ${columns} FROM ${sources}${on}`;
  }

  /** By row number, so that it does not depend on the number of threads. */
  #sample(relation: SampleRelation): string {
    const numbered = `SELECT *, row_number() OVER () AS "~row" FROM ${this.#from(relation.from)}`;
    const dice = `hash("~row", ${count(relation.seed)})`;
    if ('share' in relation.size) {
      const share = Math.round(Math.min(1, Math.max(0, relation.size.share)) * 1e9);
      return `SELECT * EXCLUDE ("~row") FROM (${numbered}) AS ${this.#alias()} WHERE ${dice} % 1000000000 < ${share}`;
    }
    const drawn = `SELECT * FROM (${numbered}) AS ${this.#alias()} ORDER BY ${dice}, "~row" LIMIT ${count(relation.size.rows)}`;
    return `SELECT * EXCLUDE ("~row") FROM (${drawn}) AS ${this.#alias()} ORDER BY "~row"`;
  }

  /** Checked before (see user-sql.ts): it is one SELECT over the views. */
  #sql(relation: SqlRelation): string {
    const views = Object.entries(relation.views).map(([name, view]) => `${identifier(name)} AS (${this.render(view)})`);
    const withViews = views.length === 0 ? '' : `WITH ${views.join(', ')} `;
    return `${withViews}SELECT * FROM ${SQL_START}${bareStatement(relation.sql)}\n) AS ${this.#alias()}`;
  }
}

const SQL_START = '(\n';

/** Start of the text of the outermost SQL relation in the rendered SQL. */
export function userSqlStart(whole: string, sql: string): number {
  return whole.lastIndexOf(`${SQL_START}${bareStatement(sql)}\n`) + SQL_START.length;
}

/** Without the statement terminator, because it is put in parentheses. */
function bareStatement(sql: string): string {
  return sql.replace(/[\s;]+$/, '');
}

function named({
  as,
  expression,
}: {
  readonly as: string;
  readonly expression: Parameters<typeof renderExpression>[0];
}) {
  return `${renderExpression(expression)} AS ${identifier(as)}`;
}

function renderValues({ columns, rows }: ValuesRelation): string {
  if (columns.length === 0) throw new QueryError('query_invalid', 'Values need at least one column.');
  if (rows.length * columns.length > MOST_VALUES) {
    throw new QueryError(
      'too_large',
      `A query can contain at most ${MOST_VALUES} values. Put more values into a table.`,
    );
  }
  const typed = columns.map(({ name, type }, n) => {
    const given = `"c${n}"`;
    const value = type === 'binary' ? `from_base64(CAST(${given} AS VARCHAR))` : `CAST(${given} AS ${sqlType(type)})`;
    return `${value} AS ${identifier(name)}`;
  });
  const names = columns.map((_, n) => `"c${n}"`).join(', ');
  if (rows.length === 0) {
    const nulls = columns.map((_, n) => `NULL AS "c${n}"`).join(', ');
    return `SELECT ${typed.join(', ')} FROM (SELECT ${nulls} WHERE FALSE) AS "~values"`;
  }
  const lines = rows.map((row) => `(${columns.map((_, n) => cell(row[n] ?? null)).join(', ')})`);
  return `SELECT ${typed.join(', ')} FROM (VALUES ${lines.join(', ')}) AS "~values"(${names})`;
}

/** A column may mix integers and fractions: as text, both are cast to its type. */
function cell(value: LiteralValue): string {
  return typeof value === 'number' ? text(String(value)) : literalText(value);
}
