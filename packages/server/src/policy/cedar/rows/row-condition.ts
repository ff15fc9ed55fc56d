/**
 * The residual of policies when everything except the row is known: a condition on the row. It can be evaluated in SQL
 * and in memory, both with three-valued logic; only `true` makes a row visible.
 */
import type { Attribute, Resource } from '@dais/api';
import { piecesMatcher } from '#policy/cedar/language/like.ts';

export type RowValue = string | bigint | boolean;

/** Something that a row has for itself. */
export type RowOperand =
  | { readonly column: Attribute }
  /** The value of a label; unknown when the row does not have it. */
  | { readonly label: string }
  | { readonly value: RowValue };

export type RowCondition =
  | { readonly op: 'always' }
  | { readonly op: 'never' }
  /** An expression without a value. */
  | { readonly op: 'unknown' }
  | { readonly op: 'and' | 'or'; readonly parts: readonly RowCondition[] }
  | { readonly op: 'not'; readonly part: RowCondition }
  /** It has a value. */
  | { readonly op: 'known'; readonly part: RowCondition }
  | { readonly op: '=' | '<' | '<='; readonly left: RowOperand; readonly right: RowOperand }
  | { readonly op: 'oneOf'; readonly operand: RowOperand; readonly values: readonly string[] }
  /** `pieces` are the texts between wildcards. */
  | { readonly op: 'like'; readonly operand: RowOperand; readonly pieces: readonly string[] }
  | { readonly op: 'hasLabel'; readonly label: string }
  | ListCondition;

/** Of a list of texts: has one of them, has all of them, has none but them. */
interface ListCondition {
  readonly op: 'hasAny' | 'hasAll' | 'within';
  readonly column: Attribute;
  readonly values: readonly string[];
}

export const ALWAYS: RowCondition = { op: 'always' };
export const NEVER: RowCondition = { op: 'never' };
export const UNKNOWN: RowCondition = { op: 'unknown' };

export function constant(value: boolean): RowCondition {
  return value ? ALWAYS : NEVER;
}

export function all(parts: readonly RowCondition[]): RowCondition {
  return joined('and', parts, NEVER, ALWAYS);
}

export function any(parts: readonly RowCondition[]): RowCondition {
  return joined('or', parts, ALWAYS, NEVER);
}

/** `decides`: the operand that determines the result; `neutral`: the operand without an effect. */
function joined(op: 'and' | 'or', parts: readonly RowCondition[], decides: RowCondition, neutral: RowCondition) {
  if (parts.some((part) => part.op === decides.op)) return decides;
  const rest = parts.filter((part) => part.op !== neutral.op);
  if (rest.length === 0) return neutral;
  const [only] = rest;
  return rest.length === 1 && only !== undefined ? only : ({ op, parts: rest } as const);
}

export function not(part: RowCondition): RowCondition {
  if (part.op === 'always') return NEVER;
  if (part.op === 'never') return ALWAYS;
  if (part.op === 'not') return part.part;
  return part.op === 'unknown' ? part : { op: 'not', part };
}

/** Returns whether some row could have no value, which would be an error of the policy. */
export function mayBeUnknown(condition: RowCondition): boolean {
  if (condition.op === 'unknown') return true;
  if (condition.op === 'not') return mayBeUnknown(condition.part);
  return (condition.op === 'and' || condition.op === 'or') && condition.parts.some(mayBeUnknown);
}

/** The value of an attribute of a resource. */
export function attributeValue(resource: Resource, { path, fallback }: Attribute): unknown {
  let here: unknown = resource;
  for (const key of path.split('.')) {
    here = typeof here === 'object' && here !== null && Object.hasOwn(here, key) ? Reflect.get(here, key) : undefined;
  }
  return here ?? fallback;
}

/** Undefined: unknown. */
export function holds(condition: RowCondition, row: Resource): boolean | undefined {
  switch (condition.op) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'unknown':
      return undefined;
    case 'not': {
      const value = holds(condition.part, row);
      return value === undefined ? undefined : !value;
    }
    case 'known':
      return holds(condition.part, row) !== undefined;
    case 'and':
    case 'or': {
      const decides = condition.op === 'or';
      const values = condition.parts.map((part) => holds(part, row));
      if (values.includes(decides)) return decides;
      return values.includes(undefined) ? undefined : !decides;
    }
    case '=':
    case '<':
    case '<=': {
      const [left, right] = [operandValue(condition.left, row), operandValue(condition.right, row)];
      if (left === undefined || right === undefined) return undefined;
      if (condition.op === '=') return left === right;
      return condition.op === '<' ? left < right : left <= right;
    }
    case 'oneOf': {
      const value = operandValue(condition.operand, row);
      return value === undefined ? undefined : condition.values.includes(String(value));
    }
    case 'like': {
      const value = operandValue(condition.operand, row);
      return value === undefined ? undefined : piecesMatcher(condition.pieces)(String(value));
    }
    case 'hasLabel':
      return Object.hasOwn(row.metadata.labels, condition.label);
    default:
      return listHolds(condition, row);
  }
}

function listHolds({ op, column, values: allowed }: ListCondition, row: Resource): boolean {
  const values = attributeValue(row, column) as readonly string[];
  if (op === 'hasAny') return allowed.some((value) => values.includes(value));
  if (op === 'hasAll') return allowed.every((value) => values.includes(value));
  return values.every((value) => allowed.includes(value));
}

function operandValue(operand: RowOperand, row: Resource): RowValue | undefined {
  if ('value' in operand) return operand.value;
  if ('label' in operand) {
    const { labels } = row.metadata;
    return Object.hasOwn(labels, operand.label) ? labels[operand.label] : undefined;
  }
  const value = attributeValue(row, operand.column);
  return typeof value === 'number' ? BigInt(value) : (value as string | boolean);
}
