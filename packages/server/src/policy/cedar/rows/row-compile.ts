/** Policies over a collection: all is known but the row. */
import type { Attribute } from '@dais/api';
import type {
  BinaryJson,
  ConstraintJson,
  ExpressionJson,
  LikeJson,
  PolicyJson,
} from '#policy/cedar/language/cedar-json.ts';
import { uidOf } from '#policy/cedar/language/cedar-json.ts';
import {
  compileExpression,
  construct,
  type Evaluate,
  type RequestScope,
} from '#policy/cedar/language/compile-expression.ts';
import { subexpressions } from '#policy/cedar/language/compile-policy.ts';
import { literalPieces } from '#policy/cedar/language/like.ts';
import type { KindModel } from '#policy/cedar/model.ts';
import {
  all,
  ALWAYS,
  any,
  constant,
  mayBeUnknown,
  NEVER,
  not,
  UNKNOWN,
  type RowCondition,
  type RowOperand,
} from './row-condition.ts';
import { CedarSet, EntityUid, equal, EvaluationError, isIn, type CedarValue } from '#policy/cedar/language/values.ts';

/** The rows of one kind in one place. */
export interface Collection {
  readonly kind: KindModel;
  /** Keys of the parents of every row: its project, the organization. */
  readonly ancestors: ReadonlySet<string>;
  /** The name that a row must have to be this entity; undefined when none here is. */
  nameOf(entity: EntityUid): string | undefined;
}

/** What is left of an expression for one request. */
type Residual<T> = (request: RequestScope, rows: Collection) => T;

/** A policy uses an attribute that lists cannot be filtered by. */
export class Inexpressible extends Error {
  /** The attribute or expression, for the error message. */
  readonly what: string;
  constructor(what: string) {
    super(`lists cannot be filtered by ${what}`);
    this.name = 'Inexpressible';
    this.what = what;
  }
}

/** @throws Inexpressible, UnknownConstruct */
export function compileRows(policy: PolicyJson, kind: KindModel): Residual<RowCondition> {
  const principal = scopeTest(policy.principal);
  const resource = scopeRows(policy.resource);
  const conditions = policy.conditions.map(({ kind: when, body }) => {
    const residual = compileBoolean(body, kind);
    return when === 'when' ? residual : (request: RequestScope, rows: Collection) => not(residual(request, rows));
  });
  return (request, rows) => {
    if (!principal(request)) return NEVER;
    const parts: RowCondition[] = [resource(rows)];
    for (const condition of conditions) {
      // As in Cedar, the right side is not evaluated if the left side determines the result.
      if (parts.some((part) => part.op === 'never')) return NEVER;
      if (parts.some(mayBeUnknown)) return UNKNOWN;
      parts.push(condition(request, rows));
    }
    return all(parts);
  };
}

function scopeTest(constraint: ConstraintJson): (request: RequestScope) => boolean {
  const { op, entity, entity_type: type } = constraint;
  const within = op === 'is' ? constraint.in?.entity : entity;
  const target = within === undefined ? undefined : uidOf(within);
  return ({ principal, entities }) => {
    if (op === 'is' && principal.type !== type) return false;
    if (target === undefined) return true;
    return op === '==' ? principal.key === target.key : isIn(entities, principal, target);
  };
}

function scopeRows({ op, entity, entity_type: type, in: within }: ConstraintJson): (rows: Collection) => RowCondition {
  const target = op === 'is' ? within?.entity : entity;
  const uid = target === undefined ? undefined : uidOf(target);
  return (rows) => {
    if (op === 'is' && rows.kind.type !== type) return NEVER;
    if (uid === undefined) return ALWAYS;
    return op === '==' ? rowIs(rows, uid) : rowIn(rows, uid);
  };
}

const NAME: Attribute = { name: 'name', path: 'metadata.name', type: 'string', fallback: '', description: '' };

function rowIs(rows: Collection, entity: EntityUid): RowCondition {
  const name = rows.nameOf(entity);
  return name === undefined ? NEVER : { op: '=', left: { column: NAME }, right: { value: name } };
}

export function rowIn(rows: Collection, entity: EntityUid): RowCondition {
  return rows.ancestors.has(entity.key) ? ALWAYS : rowIs(rows, entity);
}

function mentionsResource(expression: ExpressionJson): boolean {
  const [name, body] = construct(expression);
  if (name === 'Value') return false;
  return name === 'Var' ? body === 'resource' : subexpressions(name, body).some(mentionsResource);
}

function isResource(expression: ExpressionJson): boolean {
  return expression['Var'] === 'resource';
}

/** Evaluates an expression without the row. Returns `unknown` if it has no value. */
function ground<T>(
  evaluate: Evaluate,
  use: (value: CedarValue, request: RequestScope, rows: Collection) => T,
  fallback: T,
): Residual<T> {
  return (request, rows) => {
    try {
      return use(evaluate(request), request, rows);
    } catch (error) {
      if (error instanceof EvaluationError) return fallback;
      throw error;
    }
  };
}

function compileBoolean(expression: ExpressionJson, kind: KindModel): Residual<RowCondition> {
  if (!mentionsResource(expression)) {
    return ground(
      compileExpression(expression),
      (value) => (typeof value === 'boolean' ? constant(value) : UNKNOWN),
      UNKNOWN,
    );
  }
  const [name, body] = construct(expression);
  const compile = Object.hasOwn(booleans, name) ? booleans[name] : undefined;
  if (compile !== undefined) return compile(body as never, kind);
  const operand = compileOperand(expression, kind);
  return (request, rows) => comparison('=', operand(request, rows), { value: true });
}

type CompileBoolean = (body: never, kind: KindModel) => Residual<RowCondition>;

const booleans: Readonly<Record<string, CompileBoolean>> = {
  '!': ({ arg }: { arg: ExpressionJson }, kind) => {
    const inner = compileBoolean(arg, kind);
    return (request, rows) => not(inner(request, rows));
  },
  '&&': ({ left, right }: BinaryJson, kind) => shortCircuit(left, right, kind, 'never', all),
  '||': ({ left, right }: BinaryJson, kind) => shortCircuit(left, right, kind, 'always', any),
  'if-then-else': (body: { if: ExpressionJson; then: ExpressionJson; else: ExpressionJson }, kind) => {
    const condition = compileBoolean(body.if, kind);
    const [yes, no] = [compileBoolean(body.then, kind), compileBoolean(body.else, kind)];
    return (request, rows) => {
      const chosen = condition(request, rows);
      if (mayBeUnknown(chosen)) return UNKNOWN;
      if (chosen.op === 'always') return yes(request, rows);
      if (chosen.op === 'never') return no(request, rows);
      return any([all([chosen, yes(request, rows)]), all([not(chosen), no(request, rows)])]);
    };
  },
  '==': (body: BinaryJson, kind) => compileEquality(body, kind),
  '!=': (body: BinaryJson, kind) => {
    const same = compileEquality(body, kind);
    return (request, rows) => not(same(request, rows));
  },
  '<': ({ left, right }: BinaryJson, kind) => compileOrder('<', left, right, kind),
  '<=': ({ left, right }: BinaryJson, kind) => compileOrder('<=', left, right, kind),
  '>': ({ left, right }: BinaryJson, kind) => compileOrder('<', right, left, kind),
  '>=': ({ left, right }: BinaryJson, kind) => compileOrder('<=', right, left, kind),
  in: ({ left, right }: BinaryJson) => compileIn(left, right),
  is: ({ left, entity_type: type, in: within }: { left: ExpressionJson; entity_type: string; in?: ExpressionJson }) => {
    if (!isResource(left)) throw new Inexpressible('the type of a part of the resource');
    const inside = within === undefined ? () => ALWAYS : compileIn(left, within);
    return (request, rows) => (rows.kind.type === type ? inside(request, rows) : NEVER);
  },
  has: ({ left, attr }: { left: ExpressionJson; attr: string | readonly string[] }, kind) => {
    const [first, ...more] = typeof attr === 'string' ? [attr] : attr;
    if (!isResource(left) || first === undefined || more.length > 0 || columnOf(kind, first) === undefined) {
      throw new Inexpressible(`the existence of the attribute "${typeof attr === 'string' ? attr : attr.join('.')}"`);
    }
    // Declared attributes are always there.
    return () => ALWAYS;
  },
  like: ({ left, pattern }: LikeJson, kind) => {
    const operand = compileOperand(left, kind);
    const pieces = literalPieces(pattern);
    return (request, rows) => guarded(() => ({ op: 'like', operand: operand(request, rows), pieces }));
  },
  hasTag: ({ left, right }: BinaryJson) => {
    if (!isResource(left) || mentionsResource(right)) throw new Inexpressible('tags of another entity');
    return ground<RowCondition>(
      compileExpression(right),
      (label) => (typeof label === 'string' ? { op: 'hasLabel', label } : UNKNOWN),
      UNKNOWN,
    );
  },
  contains: (body: BinaryJson, kind) => compileContains(body, kind),
  containsAny: (body: BinaryJson, kind) => compileSets(body, kind, 'hasAny', 'hasAny'),
  containsAll: (body: BinaryJson, kind) => compileSets(body, kind, 'hasAll', 'within'),
  isEmpty: ({ arg }: { arg: ExpressionJson }, kind) => {
    const column = listOf(arg, kind);
    return () => ({ op: 'within', column, values: [] });
  },
};

function shortCircuit(
  left: ExpressionJson,
  right: ExpressionJson,
  kind: KindModel,
  decides: 'never' | 'always',
  join: (parts: readonly RowCondition[]) => RowCondition,
): Residual<RowCondition> {
  const [first, second] = [compileBoolean(left, kind), compileBoolean(right, kind)];
  return (request, rows) => {
    const one = first(request, rows);
    if (one.op === decides) return one;
    // A left side without a value makes the whole expression have no value, independent of the right side. If this
    // holds for some rows, it is assumed for all: the result can hide rows, but never reveal any.
    return mayBeUnknown(one) ? UNKNOWN : join([one, second(request, rows)]);
  };
}

function columnOf(kind: KindModel, name: string): Attribute | undefined {
  return kind.attributes.find((attribute) => attribute.name === name);
}

/** A single value that the row has, or one that is known. */
function compileOperand(expression: ExpressionJson, kind: KindModel): Residual<RowOperand> {
  if (!mentionsResource(expression)) {
    const evaluate = compileExpression(expression);
    return (request) => {
      const value = evaluate(request);
      if (typeof value === 'object') throw new EvaluationError('expected a number, a string or a Boolean');
      return { value };
    };
  }
  const [name, body] = construct(expression);
  if (name === '.') {
    const { left, attr } = body as { left: ExpressionJson; attr: string };
    const column = isResource(left) ? columnOf(kind, attr) : undefined;
    if (column === undefined) throw new Inexpressible(`\`${isResource(left) ? 'resource' : '…'}.${attr}\``);
    if (column.type === 'strings') throw new Inexpressible(`\`resource.${attr}\` as a single value`);
    return () => ({ column });
  }
  if (name === 'getTag') {
    const { left, right } = body as BinaryJson;
    if (!isResource(left) || !('Value' in right)) throw new Inexpressible('a tag whose name is not a literal');
    const label = String(right['Value']);
    return () => ({ label });
  }
  throw new Inexpressible(`the result of \`${name}\` on the resource`);
}

function typeOfOperand(operand: RowOperand): string {
  if ('label' in operand) return 'string';
  if ('value' in operand) return typeof operand.value;
  return { string: 'string', long: 'bigint', bool: 'boolean', strings: 'object' }[operand.column.type];
}

function comparison(op: '=' | '<' | '<=', left: RowOperand, right: RowOperand): RowCondition {
  // Different types are unequal, and have no order.
  if (typeOfOperand(left) !== typeOfOperand(right)) return op === '=' ? NEVER : UNKNOWN;
  if (op !== '=' && typeOfOperand(left) !== 'bigint') return UNKNOWN;
  return { op, left, right };
}

function guarded(work: () => RowCondition): RowCondition {
  try {
    return work();
  } catch (error) {
    if (error instanceof EvaluationError) return UNKNOWN;
    throw error;
  }
}

function compileOrder(
  op: '<' | '<=',
  left: ExpressionJson,
  right: ExpressionJson,
  kind: KindModel,
): Residual<RowCondition> {
  const [one, two] = [compileOperand(left, kind), compileOperand(right, kind)];
  return (request, rows) => guarded(() => comparison(op, one(request, rows), two(request, rows)));
}

function compileEquality({ left, right }: BinaryJson, kind: KindModel): Residual<RowCondition> {
  if (isResource(left) && isResource(right)) return () => ALWAYS;
  if (isResource(left) || isResource(right)) {
    const other = isResource(left) ? right : left;
    if (mentionsResource(other)) throw new Inexpressible('a comparison of a part of the resource with the resource');
    return ground<RowCondition>(
      compileExpression(other),
      (value, _request, rows) => (value instanceof EntityUid ? rowIs(rows, value) : NEVER),
      UNKNOWN,
    );
  }
  const list = findList(left, kind) ?? findList(right, kind);
  if (list !== undefined) {
    const other = findList(left, kind) === undefined ? left : right;
    return againstTexts(other, (values) =>
      all([
        { op: 'hasAll', column: list, values },
        { op: 'within', column: list, values },
      ]),
    );
  }
  const [one, two] = [compileOperand(left, kind), compileOperand(right, kind)];
  return (request, rows) => guarded(() => comparison('=', one(request, rows), two(request, rows)));
}

function compileIn(left: ExpressionJson, right: ExpressionJson): Residual<RowCondition> {
  if (isResource(left) && isResource(right)) return () => ALWAYS;
  if (isResource(left) && !mentionsResource(right)) {
    return ground<RowCondition>(
      compileExpression(right),
      (value, _request, rows) => {
        const outer = value instanceof CedarSet ? value.items : [value];
        if (!outer.every((one) => one instanceof EntityUid)) return UNKNOWN;
        return any(outer.map((one) => rowIn(rows, one)));
      },
      UNKNOWN,
    );
  }
  if (!mentionsResource(left) && isResource(right)) {
    return ground<RowCondition>(
      compileExpression(left),
      (value, { entities }, rows) => {
        if (!(value instanceof EntityUid)) return UNKNOWN;
        const prefix = `${rows.kind.type}::"`;
        const above = [...(entities.get(value.key)?.ancestors ?? []), value.key].filter((key) =>
          key.startsWith(prefix),
        );
        return any(above.map((key) => rowIs(rows, new EntityUid(rows.kind.type, key.slice(prefix.length)))));
      },
      UNKNOWN,
    );
  }
  throw new Inexpressible('the parents of a part of the resource');
}

function findList(expression: ExpressionJson, kind: KindModel): Attribute | undefined {
  const [name, body] = construct(expression);
  if (name !== '.' || !isResource((body as { left: ExpressionJson }).left)) return undefined;
  const column = columnOf(kind, (body as { attr: string }).attr);
  return column?.type === 'strings' ? column : undefined;
}

function listOf(expression: ExpressionJson, kind: KindModel): Attribute {
  const column = findList(expression, kind);
  if (column === undefined) throw new Inexpressible('a set computed from the resource');
  return column;
}

/** Compares with a known set of texts; other members never match a member of a row. */
function againstTexts(
  expression: ExpressionJson,
  use: (values: readonly string[], rest: readonly CedarValue[]) => RowCondition,
): Residual<RowCondition> {
  if (mentionsResource(expression)) throw new Inexpressible('two parts of the resource compared as sets');
  return ground(
    compileExpression(expression),
    (value) => {
      if (!(value instanceof CedarSet)) return UNKNOWN;
      const texts = value.items.filter((item) => typeof item === 'string');
      return use(
        texts,
        value.items.filter((item) => typeof item !== 'string'),
      );
    },
    UNKNOWN,
  );
}

function compileContains({ left, right }: BinaryJson, kind: KindModel): Residual<RowCondition> {
  if (mentionsResource(left)) {
    const column = listOf(left, kind);
    if (mentionsResource(right)) throw new Inexpressible('two parts of the resource compared as sets');
    return ground<RowCondition>(
      compileExpression(right),
      (value) => (typeof value === 'string' ? { op: 'hasAny', column, values: [value] } : NEVER),
      UNKNOWN,
    );
  }
  const set = compileExpression(left);
  if (isResource(right)) {
    return ground<RowCondition>(
      set,
      (value, _request, rows) => {
        if (!(value instanceof CedarSet)) return UNKNOWN;
        return any(value.items.map((item) => (item instanceof EntityUid ? rowIs(rows, item) : NEVER)));
      },
      UNKNOWN,
    );
  }
  const operand = compileOperand(right, kind);
  return ground<RowCondition>(
    set,
    (value, request, rows) => {
      if (!(value instanceof CedarSet)) return UNKNOWN;
      const made = operand(request, rows);
      if (typeOfOperand(made) === 'string') {
        return { op: 'oneOf', operand: made, values: value.items.filter((item) => typeof item === 'string') };
      }
      const distinct = value.items.filter((item, index) => value.items.findIndex((one) => equal(one, item)) === index);
      return any(distinct.map((item) => (typeof item === 'object' ? NEVER : comparison('=', made, { value: item }))));
    },
    UNKNOWN,
  );
}

function compileSets(
  { left, right }: BinaryJson,
  kind: KindModel,
  whenLeft: 'hasAny' | 'hasAll',
  whenRight: 'hasAny' | 'within',
): Residual<RowCondition> {
  if (mentionsResource(left)) {
    const column = listOf(left, kind);
    return againstTexts(right, (values, rest) =>
      whenLeft === 'hasAll' && rest.length > 0 ? NEVER : { op: whenLeft, column, values },
    );
  }
  const column = listOf(right, kind);
  return againstTexts(left, (values) => ({ op: whenRight, column, values }));
}
