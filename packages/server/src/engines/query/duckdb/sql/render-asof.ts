/** Renders the point-in-time join as SQL of DuckDB. */
import type { AsofRelation, Relation } from '../../model/query-tree.ts';
import { count, identifier } from './sql-text.ts';

export interface AsofIo {
  relation(relation: Relation): string;
  /** Returns a unique quoted name. */
  alias(): string;
}

export function renderAsof(relation: AsofRelation, io: AsofIo): string {
  return relation.cutoff === undefined ? newestOfEach(relation, io) : newestKnown(relation, io);
}

/**
 * Nested joins on the left side use the same entity rows: these are read once, and each join adds its columns. Of the right
 * side only rows that can match are read (`Windows`), because ASOF sorts both sides.
 */
function newestOfEach(outermost: AsofRelation, io: AsofIo): string {
  const chain = chainOf(outermost);
  const spine = io.alias();
  const windows = new Windows(spine, io);
  const [innermost = outermost] = chain;
  const entityRows = io.relation(innermost.left);
  const joined = chain.reduce((left, each) => `(${joinNewest(left, each, windows, io)})`, spine);
  const tables = [`${spine} AS MATERIALIZED (${entityRows})`, ...windows.tables];
  // Without the parentheses of the last join.
  return `WITH ${tables.join(', ')} ${joined.slice(1, -1)}`;
}

/** From the innermost join on. A join whose keys or time come from an inner join has a separate left side. */
function chainOf(outermost: AsofRelation): readonly AsofRelation[] {
  const chain = [outermost];
  const asked = new Set<string>();
  for (let each = outermost; ;) {
    for (const name of [...each.keys.map(({ left }) => left), each.time.left]) asked.add(name);
    const { left } = each;
    if (left.type !== 'asof' || left.cutoff !== undefined || left.take.some(({ as }) => asked.has(as))) break;
    chain.unshift(left);
    each = left;
  }
  return chain;
}

function joinNewest(leftSource: string, relation: AsofRelation, windows: Windows, io: AsofIo): string {
  const { keys, time, take } = relation;
  const [left, right, bare] = [io.alias(), io.alias(), io.alias()];
  const source = windows.within(relation);
  const taken = [...new Set(take.map(({ column }) => column))];
  const rightKeys = [...new Set(keys.map((key) => key.right)), time.right].map(identifier);
  // One row per keys and time, because the ASOF plan returns any of several.
  const row = `struct_pack(${taken.map((name, n) => `"c${n}" := ${identifier(name)}`).join(', ')})`;
  const chosen =
    relation.tieBreak === undefined
      ? `any_value(${row})`
      : `arg_max(${row}, struct_pack(a := ${identifier(relation.tieBreak)} IS NOT NULL, b := ${identifier(relation.tieBreak)}))`;
  const fields = taken.map((name, n) => `"~v"."c${n}" AS ${identifier(name)}`);
  const names = [...rightKeys, ...taken.map(identifier).filter((name) => !rightKeys.includes(name))];
  const unique =
    relation.unique === true || taken.length === 0
      ? `SELECT ${names.join(', ')} FROM ${source} AS ${bare}`
      : `SELECT ${[...rightKeys, ...fields.filter((_, n) => !rightKeys.includes(identifier(taken[n] ?? '')))].join(', ')} FROM (SELECT ${rightKeys.join(', ')}, ${chosen} AS "~v" FROM ${source} AS ${bare} GROUP BY ALL) AS ${io.alias()}`;
  const [from, to] = [`${right}.${identifier(time.right)}`, `${left}.${identifier(time.left)}`];
  const fresh = relation.ttlUs ? `${from} >= ${to} - to_microseconds(${count(relation.ttlUs)})` : 'TRUE';
  const columns = take.map(
    ({ column, as }) => `CASE WHEN ${fresh} THEN ${right}.${identifier(column)} END AS ${identifier(as)}`,
  );
  const on = [
    ...keys.map((key) => `${left}.${identifier(key.left)} = ${right}.${identifier(key.right)}`),
    `${to} >= ${from}`,
  ];
  return (
    `SELECT ${[`${left}.*`, ...columns].join(', ')} ` +
    `FROM ${leftSource} AS ${left} ASOF LEFT JOIN (${unique}) AS ${right} ON ${on.join(' AND ')}`
  );
}

/** Compares each matching pair: an ASOF plan cannot compare a second time. */
function newestKnown(relation: AsofRelation, io: AsofIo): string {
  const { keys, time, take, cutoff = '', tieBreak = cutoff } = relation;
  const [spine, best, left, right] = [io.alias(), io.alias(), io.alias(), io.alias()];
  const windows = new Windows(spine, io);
  const source = windows.within(relation);
  const of = (name: string) => `${right}.${identifier(name)}`;
  const moment = `${left}.${identifier(time.left)}`;
  const row = `struct_pack("~" := TRUE${take.map(({ column }, n) => `, "c${n}" := ${of(column)}`).join('')})`;
  const rank = `struct_pack(t := ${of(time.right)}, a := ${of(tieBreak)} IS NOT NULL, b := ${of(tieBreak)})`;
  const on = [
    ...keys.map((key) => `${left}.${identifier(key.left)} = ${of(key.right)}`),
    `${of(time.right)} <= ${moment}`,
    `${of(cutoff)} <= ${moment}`,
    ...(relation.ttlUs ? [`${of(time.right)} >= ${moment} - to_microseconds(${count(relation.ttlUs)})`] : []),
  ];
  const columns = take.map(({ as }, n) => `${best}."~v"."c${n}" AS ${identifier(as)}`);
  const entityRows = `SELECT *, row_number() OVER () AS "~row" FROM (${io.relation(relation.left)}) AS ${io.alias()}`;
  const tables = [
    `${spine} AS MATERIALIZED (${entityRows})`,
    ...windows.tables,
    `${best} AS (SELECT ${left}."~row", arg_max(${row}, ${rank}) AS "~v" FROM ${spine} AS ${left} ` +
      `JOIN ${source} AS ${right} ON ${on.join(' AND ')} GROUP BY ${left}."~row")`,
  ];
  return (
    `WITH ${tables.join(', ')} ` +
    `SELECT ${[`${left}.* EXCLUDE ("~row")`, ...columns].join(', ')} FROM ${spine} AS ${left} ` +
    `LEFT JOIN ${best} ON ${left}."~row" = ${best}."~row"`
  );
}

/**
 * The first and the last requested time of each key. Rows older than the first by more than the ttl, or newer than the last,
 * cannot match; rows of the same time are kept or removed together.
 */
class Windows {
  readonly #spine: string;
  readonly #io: AsofIo;
  readonly #made = new Map<string, { readonly name: string; readonly sql: string }>();

  constructor(spine: string, io: AsofIo) {
    this.#spine = spine;
    this.#io = io;
  }

  /** Common table expressions that the result of `within` reads. */
  get tables(): readonly string[] {
    return [...this.#made.values()].map(({ name, sql }) => `${name} AS MATERIALIZED (${sql})`);
  }

  /** Returns the right side, limited to rows that can match. */
  within({ right, keys, time, ttlUs, prefilter }: AsofRelation): string {
    const all = `(${this.#io.relation(right)})`;
    if (prefilter === false || keys.length === 0) return all;
    const asked = this.#window(
      keys.map(({ left }) => left),
      time.left,
    );
    const [row, window] = [this.#io.alias(), this.#io.alias()];
    const moment = `${row}.${identifier(time.right)}`;
    const on = [
      ...keys.map((key, n) => `${row}.${identifier(key.right)} = ${window}."k${n}"`),
      `${moment} <= ${window}."last"`,
      ...(ttlUs ? [`${moment} >= ${window}."first"`] : []),
    ];
    const first = ttlUs ? ` REPLACE ("first" - to_microseconds(${count(ttlUs)}) AS "first")` : '';
    return `(SELECT ${row}.* FROM ${all} AS ${row} JOIN (SELECT *${first} FROM ${asked}) AS ${window} ON ${on.join(' AND ')})`;
  }

  #window(keys: readonly string[], time: string): string {
    const id = JSON.stringify([keys, time]);
    const there = this.#made.get(id);
    if (there !== undefined) return there.name;
    const columns = keys.map((key, n) => `${identifier(key)} AS "k${n}"`);
    const moment = identifier(time);
    const sql = `SELECT ${columns.join(', ')}, min(${moment}) AS "first", max(${moment}) AS "last" FROM ${this.#spine} GROUP BY ALL`;
    const name = this.#io.alias();
    this.#made.set(id, { name, sql });
    return name;
  }
}
