import type { Resource, Attribute } from '@dais/api';
import type { RowFilter } from '#kernel/principal.ts';
import type { Bind } from '#lib/composed-sql.ts';
import { holds, type RowCondition, type RowOperand } from './row-condition.ts';

/** Rows of resources. Only a condition that is surely true lets one be seen. */
export function resourceFilter(condition: RowCondition): RowFilter {
  return {
    sql: (bind) => `(${conditionSql(condition, bind)}) is true`,
    matches: (object: Resource | undefined) => object !== undefined && holds(condition, object) === true,
  };
}

/**
 * Filters events to kinds that the caller may read without exception. Events of other kinds and events without a kind
 * are hidden, because a stream cannot distinguish them.
 */
export function eventFilter(kinds: readonly string[]): RowFilter {
  return {
    sql: (bind) => `r.subject_kind = any(${bind(kinds)}::text[])`,
    matches: (object: Resource | undefined) => object !== undefined && kinds.includes(object.kind),
  };
}

function conditionSql(condition: RowCondition, bind: Bind): string {
  switch (condition.op) {
    case 'always':
      return 'true';
    case 'never':
      return 'false';
    case 'unknown':
      return 'null::boolean';
    case 'not':
      return `not (${conditionSql(condition.part, bind)})`;
    case 'known':
      return `(${conditionSql(condition.part, bind)}) is not null`;
    case 'and':
    case 'or':
      return `(${condition.parts.map((part) => conditionSql(part, bind)).join(` ${condition.op} `)})`;
    case '=':
    case '<':
    case '<=':
      return `${operandSql(condition.left, bind)} ${condition.op} ${operandSql(condition.right, bind)}`;
    case 'oneOf':
      return `${operandSql(condition.operand, bind)} = any(${bind(condition.values)}::text[])`;
    case 'like':
      // An escape of our own, so that the server's setting for backslashes does not matter.
      return `${operandSql(condition.operand, bind)} like ${bind(likePattern(condition.pieces))} escape '!'`;
    case 'hasLabel':
      return `r.labels ? ${bind(condition.label)}::text`;
    default:
      return `${listSql(condition.column, bind)} ${LIST_OPERATORS[condition.op]} ${bind(condition.values)}::text[]`;
  }
}

const LIST_OPERATORS = { hasAny: '&&', hasAll: '@>', within: '<@' } as const;

function likePattern(pieces: readonly string[]): string {
  return pieces.map((piece) => piece.replaceAll(/[!%_]/g, '!$&')).join('%');
}

function operandSql(operand: RowOperand, bind: Bind): string {
  if ('label' in operand) return `(r.labels ->> ${bind(operand.label)}::text)`;
  if ('column' in operand) return columnSql(operand.column, bind);
  const { value } = operand;
  if (typeof value === 'boolean') return `${bind(value)}::boolean`;
  return typeof value === 'bigint' ? `${bind(String(value))}::numeric` : `${bind(value)}::text`;
}

const CASTS = { string: 'text', long: 'numeric', bool: 'boolean', strings: 'jsonb' } as const;

function columnSql(column: Attribute, bind: Bind): string {
  const attribute = attributeSql(column, '#>>', bind);
  const cast = CASTS[column.type];
  return `coalesce((${attribute})::${cast}, ${bind(String(column.fallback))}::${cast})`;
}

function listSql(column: Attribute, bind: Bind): string {
  const list = `coalesce((${attributeSql(column, '#>', bind)})::jsonb, ${bind(JSON.stringify(column.fallback))}::jsonb)`;
  return `array(select jsonb_array_elements_text(${list}))`;
}

const METADATA = new Map([
  ['metadata.name', 'r.name'],
  ['metadata.origin', 'r.origin'],
  ['metadata.owner', 'r.owner'],
]);

function attributeSql({ path }: Attribute, operator: '#>' | '#>>', bind: Bind): string {
  const column = METADATA.get(path);
  if (column !== undefined) return column;
  const [part, ...keys] = path.split('.');
  if (part !== 'spec' && part !== 'status') throw new Error(`no policy can filter by ${path}`);
  return `r.${part} ${operator} ${bind(keys)}::text[]`;
}
