/** Renders expressions of the query model as SQL of DuckDB. */
import type {
  AggregateExpression,
  Expression,
  FunctionName,
  HmacExpression,
  LiteralExpression,
  LiteralValue,
  SortKey,
  WindowExpression,
} from '../../model/query-tree.ts';
import { QueryError } from '../../model/query-error.ts';
import { sqlType } from './column-types.ts';
import { identifier, text } from './sql-text.ts';

/** Aliases of the sides of a join. */
export interface Sides {
  readonly left: string;
  readonly right: string;
}

export function renderExpression(expression: Expression, sides?: Sides): string {
  const render = (inner: Expression) => renderExpression(inner, sides);
  switch (expression.type) {
    case 'column':
      return renderColumn(expression.name, expression.side, sides);
    case 'literal':
      return renderLiteral(expression);
    case 'call':
      return renderCall(expression.function, expression.arguments.map(render));
    case 'in':
      return expression.options.length === 0
        ? 'FALSE'
        : `(${render(expression.value)} IN (${expression.options.map(render).join(', ')}))`;
    case 'case': {
      const branches = expression.branches.map(({ when, then }) => `WHEN ${render(when)} THEN ${render(then)}`);
      const rest = expression.otherwise === undefined ? '' : ` ELSE ${render(expression.otherwise)}`;
      return `(CASE ${branches.join(' ')}${rest} END)`;
    }
    case 'cast':
      return `${expression.lenient === true ? 'TRY_CAST' : 'CAST'}(${render(expression.value)} AS ${sqlType(expression.to)})`;
    case 'hmac':
      return renderHmac(expression, render(expression.value));
    case 'aggregate':
      return renderAggregate(expression, render);
    default:
      return renderWindow(expression, render);
  }
}

export function renderSortKeys(keys: readonly SortKey[], sides?: Sides): string {
  return keys
    .map(
      ({ expression, descending, nulls }) =>
        `${renderExpression(expression, sides)} ${descending === true ? 'DESC' : 'ASC'} NULLS ${nulls === 'first' ? 'FIRST' : 'LAST'}`,
    )
    .join(', ');
}

function renderColumn(name: string, side: 'left' | 'right' | undefined, sides: Sides | undefined): string {
  if (side === undefined) return identifier(name);
  if (sides === undefined)
    throw new QueryError('query_invalid', `Column \`${name}\` refers to a side of a join outside a join.`);
  return `${sides[side]}.${identifier(name)}`;
}

function renderLiteral({ value, as }: LiteralExpression): string {
  const plain = literalText(value);
  if (as === undefined) return plain;
  if (as === 'binary' && typeof value === 'string') return `from_base64(${text(value)})`;
  return `CAST(${plain} AS ${sqlType(as)})`;
}

export function literalText(value: LiteralValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'number') return `[${value.map(literalText).join(', ')}]`;
  if (Number.isSafeInteger(value)) return `CAST(${value} AS BIGINT)`;
  return `CAST(${text(String(value))} AS DOUBLE)`;
}

type CallRule = { readonly count: readonly [number, number]; readonly sql: (values: readonly string[]) => string };

const many = Number.POSITIVE_INFINITY;
const operator = (sign: string): CallRule => ({ count: [2, 2], sql: ([a, b]) => `(${a} ${sign} ${b})` });
const named = (name: string, least: number, most = least): CallRule => ({
  count: [least, most],
  sql: (values) => `${name}(${values.join(', ')})`,
});

const CALLS: Readonly<Record<FunctionName, CallRule>> = {
  '=': operator('='),
  '!=': operator('<>'),
  '<': operator('<'),
  '<=': operator('<='),
  '>': operator('>'),
  '>=': operator('>='),
  same: operator('IS NOT DISTINCT FROM'),
  differs: operator('IS DISTINCT FROM'),
  'is-null': { count: [1, 1], sql: ([a]) => `(${a} IS NULL)` },
  'is-not-null': { count: [1, 1], sql: ([a]) => `(${a} IS NOT NULL)` },
  and: { count: [1, many], sql: (values) => `(${values.join(' AND ')})` },
  or: { count: [1, many], sql: (values) => `(${values.join(' OR ')})` },
  not: { count: [1, 1], sql: ([a]) => `(NOT ${a})` },
  coalesce: named('coalesce', 1, many),
  'null-if': named('nullif', 2),
  '+': operator('+'),
  '-': operator('-'),
  '*': operator('*'),
  // `/` of DuckDB returns infinity for a division of floats by zero.
  '/': { count: [2, 2], sql: ([a, b]) => `(CAST(${a} AS DOUBLE) / nullif(CAST(${b} AS DOUBLE), 0))` },
  '%': operator('%'),
  negate: { count: [1, 1], sql: ([a]) => `(- ${a})` },
  abs: named('abs', 1),
  floor: named('floor', 1),
  ceil: named('ceil', 1),
  round: { count: [1, 2], sql: ([a, digits]) => `round(${a}, CAST(${digits ?? '0'} AS INTEGER))` },
  sqrt: named('sqrt', 1),
  ln: named('ln', 1),
  exp: named('exp', 1),
  power: named('pow', 2),
  least: named('least', 1, many),
  greatest: named('greatest', 1, many),
  'is-nan': { count: [1, 1], sql: ([a]) => `isnan(CAST(${a} AS DOUBLE))` },
  'is-finite': { count: [1, 1], sql: ([a]) => `isfinite(CAST(${a} AS DOUBLE))` },
  bucket: { count: [2, 2], sql: ([a, width]) => `(floor(${a} / ${width}) * ${width})` },
  lower: named('lower', 1),
  upper: named('upper', 1),
  trim: named('trim', 1),
  length: named('length', 1),
  concat: named('concat', 1, many),
  substring: { count: [2, 3], sql: ([a, from, count]) => `substring(${[a, from, count].filter(Boolean).join(', ')})` },
  left: named('left', 2),
  right: named('right', 2),
  'starts-with': named('starts_with', 2),
  contains: named('contains', 2),
  matches: named('regexp_matches', 2),
  extract: {
    count: [2, 3],
    sql: ([a, pattern, group]) => `nullif(regexp_extract(${a}, ${pattern}, CAST(${group ?? '0'} AS INTEGER)), '')`,
  },
  replace: named('replace', 3),
  'replace-matches': { count: [3, 3], sql: ([a, pattern, by]) => `regexp_replace(${a}, ${pattern}, ${by}, 'g')` },
  'split-part': named('split_part', 3),
  similarity: named('jaro_winkler_similarity', 2),
  'date-trunc': named('date_trunc', 2),
  'date-part': named('date_part', 2),
  'epoch-us': named('epoch_us', 1),
  'from-epoch-us': {
    count: [1, 1],
    sql: ([a]) => `CAST(make_timestamp(CAST(${a} AS BIGINT)) AS TIMESTAMP WITH TIME ZONE)`,
  },
  'add-us': { count: [2, 2], sql: ([a, us]) => `(${a} + to_microseconds(CAST(${us} AS BIGINT)))` },
  'diff-us': { count: [2, 2], sql: ([a, b]) => `(epoch_us(${a}) - epoch_us(${b}))` },
  hash64: named('hash', 1, many),
  sha256: { count: [1, 1], sql: ([a]) => `sha256(CAST(${a} AS VARCHAR))` },
  md5: { count: [1, 1], sql: ([a]) => `md5(CAST(${a} AS VARCHAR))` },
  element: named('list_extract', 2),
  size: named('len', 1),
  field: named('struct_extract', 2),
  pack: named('list_value', 1, many),
};

function renderCall(name: FunctionName, values: readonly string[]): string {
  const rule = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
  if (rule === undefined) throw new QueryError('query_invalid', `Function \`${name}\` does not exist.`);
  const [least, most] = rule.count;
  if (values.length < least || values.length > most) {
    throw new QueryError(
      'query_invalid',
      `Function \`${name}\` accepts ${least} to ${most} arguments, not ${values.length}.`,
    );
  }
  return rule.sql(values);
}

/** RFC 2104 with SHA-256 (blocks of 64 bytes), with functions of DuckDB. */
function renderHmac({ key, digits }: HmacExpression, value: string): string {
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length === 0 || bytes.length > 64) {
    throw new QueryError('query_invalid', 'The key of an HMAC has 1 to 64 bytes.');
  }
  const block = Buffer.alloc(64);
  bytes.copy(block);
  const padded = (by: number) => `unhex('${Buffer.from(block.map((byte) => byte ^ by)).toString('hex')}')`;
  const inner = `unhex(sha256(${padded(0x36)} || encode(CAST(${value} AS VARCHAR))))`;
  const whole = `sha256(${padded(0x5c)} || ${inner})`;
  return digits === undefined ? whole : `left(${whole}, ${Math.trunc(digits)})`;
}

type Render = (expression: Expression) => string;

function renderAggregate(expression: AggregateExpression, render: Render): string {
  const values = expression.arguments.map(render);
  const conditions = expression.where === undefined ? [] : [render(expression.where)];
  const order = expression.order === undefined ? '' : ` ORDER BY ${renderSortKeys(expression.order)}`;
  const of = (name: string, given: readonly string[], more: readonly string[] = []) => {
    const where = [...conditions, ...more];
    return `${name}(${given.join(', ')}${order})${where.length === 0 ? '' : ` FILTER (WHERE ${where.join(' AND ')})`}`;
  };
  const [first = '*', second = ''] = values;
  const parameters = expression.parameters ?? [];
  const numbers = `[${parameters.map((each) => literalText(Number(each))).join(', ')}]`;
  const shares = `[${parameters.map((each) => String(Number(each))).join(', ')}]`;
  switch (expression.function) {
    case 'count':
      // FILTER costs four times as much.
      return values.length === 0 && conditions.length > 0
        ? `count(CASE WHEN ${conditions.join(' AND ')} THEN 1 END)`
        : of('count', [first]);
    case 'count-distinct':
      return values.length < 2
        ? of('count', [`DISTINCT ${first}`])
        : of(
            'count',
            [`DISTINCT struct_pack(${values.map((value, n) => `c${n} := ${value}`).join(', ')})`],
            [values.map((value) => `${value} IS NOT NULL`).join(' AND ')],
          );
    case 'approx-count-distinct':
      return of('approx_count_distinct', [first]);
    case 'mean':
      return of('avg', [first]);
    case 'stddev':
      return of('stddev_samp', [first]);
    case 'variance':
      return of('var_samp', [first]);
    case 'stddev-population':
      return of('stddev_pop', [first]);
    case 'quantiles':
      return of('quantile_cont', [first, shares]);
    case 'approx-quantiles':
      return of('approx_quantile', [first, shares]);
    case 'histogram':
      // NaN would be counted below the first edge.
      return `map_values(${of(
        'histogram',
        [`CAST(${first} AS DOUBLE)`, numbers],
        expression.withoutNan === true ? [] : [`NOT isnan(CAST(${first} AS DOUBLE))`],
      )})`;
    case 'any-value':
      return of('any_value', [first]);
    case 'arg-min':
      return of('arg_min', [first, second]);
    case 'arg-max':
      return of('arg_max', [first, second]);
    case 'all':
      return of('bool_and', [first]);
    case 'some':
      return of('bool_or', [first]);
    case 'correlation':
      return of('corr', [first, second]);
    case 'covariance':
      return of('covar_samp', [first, second]);
    case 'list': {
      const slice = parameters[0] === undefined ? '' : `[:${Math.trunc(Number(parameters[0]))}]`;
      return `${of('list', [first])}${slice}`;
    }
    case 'concat-text':
      return of('string_agg', [`CAST(${first} AS VARCHAR)`, text(String(parameters[0] ?? ', '))]);
    case 'approx-top':
      return of('approx_top_k', [first, String(Math.trunc(Number(parameters[0] ?? 10)))]);
    case 'bit-hash':
      return of('sum', [`CAST(hash(${values.join(', ')}) AS HUGEINT)`]);
    default:
      return of(expression.function, [first]);
  }
}

function renderWindow(expression: WindowExpression, render: Render): string {
  const by = expression.by.length === 0 ? '' : `PARTITION BY ${expression.by.map(render).join(', ')} `;
  const order = expression.order.length === 0 ? '' : `ORDER BY ${renderSortKeys(expression.order)} `;
  const values = (expression.arguments ?? []).map(render).join(', ');
  if (typeof expression.function === 'string') {
    return `${expression.function.replace('-', '_')}(${values}) OVER (${by}${order})`;
  }
  const running = expression.frame === 'running' || (expression.frame === undefined && expression.order.length > 0);
  const frame = running ? 'ROWS UNBOUNDED PRECEDING' : 'ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING';
  return `${render(expression.function)} OVER (${by}${order}${frame})`;
}
