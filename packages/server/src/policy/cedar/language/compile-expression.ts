/** Expressions of Cedar's JSON form, compiled to closures. Semantics: Cedar language reference, “Operators”. */
import { UnknownConstruct, valueOf, type BinaryJson, type ExpressionJson, type LikeJson } from './cedar-json.ts';
import { constructors, methods } from './extensions.ts';
import { likeMatcher } from './like.ts';
import {
  CedarSet,
  Datetime,
  Duration,
  EntityUid,
  equal,
  EvaluationError,
  isIn,
  isRecord,
  long,
  type CedarRecord,
  type CedarValue,
  type EntityStore,
} from './values.ts';

/** What one request is about. */
export interface RequestScope {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: CedarRecord;
  readonly entities: EntityStore;
}

/** @throws EvaluationError */
export type Evaluate = (request: RequestScope) => CedarValue;

/** Returns the only construct of an expression with its value. */
export function construct(expression: ExpressionJson): readonly [string, unknown] {
  const [entry, more] = Object.entries(expression);
  if (entry === undefined || more !== undefined) throw new UnknownConstruct('an expression with several constructs');
  return entry;
}

/** @throws UnknownConstruct when any part of it is not known exactly. */
export function compileExpression(expression: ExpressionJson): Evaluate {
  const [name, body] = construct(expression);
  const special = own(specials, name);
  if (special !== undefined) return special(body as never);
  const binary = own(binaries, name);
  if (binary !== undefined) {
    const { left, right } = body as BinaryJson;
    return binary(compileExpression(left), compileExpression(right));
  }
  return compileCall(name, body);
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

const specials: Readonly<Record<string, (body: never) => Evaluate>> = {
  Value: (body: unknown) => {
    const value = literal(body);
    return () => value();
  },
  Var: (name: string) => {
    switch (name) {
      case 'principal':
        return (request) => request.principal;
      case 'action':
        return (request) => request.action;
      case 'resource':
        return (request) => request.resource;
      case 'context':
        return (request) => request.context;
      default:
        throw new UnknownConstruct(`the variable ${name}`);
    }
  },
  '!': ({ arg }: { arg: ExpressionJson }) => {
    const inner = compileExpression(arg);
    return (request) => !bool(inner(request));
  },
  neg: ({ arg }: { arg: ExpressionJson }) => {
    const inner = compileExpression(arg);
    return (request) => long(-number(inner(request)));
  },
  isEmpty: ({ arg }: { arg: ExpressionJson }) => {
    const inner = compileExpression(arg);
    return (request) => set(inner(request)).items.length === 0;
  },
  '.': ({ left, attr }: { left: ExpressionJson; attr: string }) => {
    const inner = compileExpression(left);
    return (request) => attributeOf(request.entities, inner(request), attr);
  },
  has: ({ left, attr }: { left: ExpressionJson; attr: string | readonly string[] }) => {
    const inner = compileExpression(left);
    const path = typeof attr === 'string' ? [attr] : attr;
    return (request) => hasPath(request.entities, inner(request), path);
  },
  is: ({ left, entity_type: type, in: within }: { left: ExpressionJson; entity_type: string; in?: ExpressionJson }) => {
    const inner = compileExpression(left);
    if (within === undefined) return (request) => entity(inner(request)).type === type;
    const outer = compileExpression(within);
    return (request) => entity(inner(request)).type === type && isInAny(request, inner(request), outer(request));
  },
  like: ({ left, pattern }: LikeJson) => {
    const inner = compileExpression(left);
    const matches = likeMatcher(pattern);
    return (request) => matches(text(inner(request)));
  },
  'if-then-else': (body: { if: ExpressionJson; then: ExpressionJson; else: ExpressionJson }) => {
    const condition = compileExpression(body.if);
    const [yes, no] = [compileExpression(body.then), compileExpression(body.else)];
    return (request) => (bool(condition(request)) ? yes(request) : no(request));
  },
  Set: (items: readonly ExpressionJson[]) => {
    const compiled = items.map(compileExpression);
    return constantly(items, (request) => new CedarSet(compiled.map((item) => item(request))));
  },
  Record: (fields: Readonly<Record<string, ExpressionJson>>) => {
    const compiled = Object.entries(fields).map(([key, value]) => [key, compileExpression(value)] as const);
    return (request) => new Map(compiled.map(([key, value]) => [key, value(request)]));
  },
};

const binaries: Readonly<Record<string, (left: Evaluate, right: Evaluate) => Evaluate>> = {
  '&&': (left, right) => (request) => bool(left(request)) && bool(right(request)),
  '||': (left, right) => (request) => bool(left(request)) || bool(right(request)),
  '==': (left, right) => (request) => equal(left(request), right(request)),
  '!=': (left, right) => (request) => !equal(left(request), right(request)),
  '<': (left, right) => (request) => compared(left(request), right(request), (a, b) => a < b),
  '<=': (left, right) => (request) => compared(left(request), right(request), (a, b) => a <= b),
  '>': (left, right) => (request) => compared(left(request), right(request), (a, b) => a > b),
  '>=': (left, right) => (request) => compared(left(request), right(request), (a, b) => a >= b),
  '+': (left, right) => (request) => long(number(left(request)) + number(right(request))),
  '-': (left, right) => (request) => long(number(left(request)) - number(right(request))),
  '*': (left, right) => (request) => long(number(left(request)) * number(right(request))),
  in: (left, right) => (request) => isInAny(request, left(request), right(request)),
  contains: (left, right) => (request) => {
    const [whole, one] = [left(request), right(request)];
    return set(whole).has(one);
  },
  containsAll: (left, right) => (request) => {
    const [whole, part] = [set(left(request)), set(right(request))];
    return part.items.every((item) => whole.has(item));
  },
  containsAny: (left, right) => (request) => {
    const [whole, part] = [set(left(request)), set(right(request))];
    return part.items.some((item) => whole.has(item));
  },
  hasTag: (left, right) => (request) => {
    const [of, tag] = [entity(left(request)), text(right(request))];
    return request.entities.get(of.key)?.tags.has(tag) === true;
  },
  getTag: (left, right) => (request) => {
    const [of, tag] = [entity(left(request)), text(right(request))];
    const value = request.entities.get(of.key)?.tags.get(tag);
    if (value === undefined) throw new EvaluationError(`there is no tag "${tag}"`);
    return value;
  },
};

function compileCall(name: string, body: unknown): Evaluate {
  if (!Array.isArray(body)) throw new UnknownConstruct(name);
  const args = (body as readonly ExpressionJson[]).map(compileExpression);
  const make = own(constructors, name);
  if (make !== undefined) {
    const [only] = args;
    if (only === undefined || args.length !== 1) throw new UnknownConstruct(`${name} with ${args.length} arguments`);
    return constantly(body as readonly ExpressionJson[], (request) => make(text(only(request))));
  }
  const method = own(methods, name);
  if (method === undefined) throw new UnknownConstruct(name);
  return (request) => method(args.map((arg) => arg(request)));
}

/** Request-independent parts are computed once. */
function constantly(parts: readonly ExpressionJson[], evaluate: Evaluate): Evaluate {
  if (!parts.every((part) => 'Value' in part)) return evaluate;
  const value = once(() => evaluate(NO_REQUEST));
  return () => value();
}

function literal(json: unknown): () => CedarValue {
  return once(() => valueOf(json));
}

/**
 * The first result is cached, including errors: an EvaluationError belongs to the evaluation, not to the compilation.
 */
function once(make: () => CedarValue): () => CedarValue {
  try {
    const value = make();
    return () => value;
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return () => {
      throw error;
    };
  }
}

const MISSING_USER_UID = new EntityUid('', '');
const NO_REQUEST: RequestScope = {
  principal: MISSING_USER_UID,
  action: MISSING_USER_UID,
  resource: MISSING_USER_UID,
  context: new Map(),
  entities: new Map(),
};

function attributesOf(entities: EntityStore, value: CedarValue): CedarRecord | undefined {
  if (value instanceof EntityUid) return entities.get(value.key)?.attributes;
  if (isRecord(value)) return value;
  throw new EvaluationError('expected a record or an entity');
}

function attributeOf(entities: EntityStore, value: CedarValue, attribute: string): CedarValue {
  const found = attributesOf(entities, value)?.get(attribute);
  if (found === undefined) throw new EvaluationError(`there is no attribute "${attribute}"`);
  return found;
}

function hasPath(entities: EntityStore, value: CedarValue, path: readonly string[]): boolean {
  let here = value;
  for (const attribute of path) {
    const found = attributesOf(entities, here)?.get(attribute);
    if (found === undefined) return false;
    here = found;
  }
  return true;
}

function isInAny({ entities }: RequestScope, left: CedarValue, right: CedarValue): boolean {
  const inner = entity(left);
  if (right instanceof EntityUid) return isIn(entities, inner, right);
  return set(right)
    .items.map(entity)
    .some((outer) => isIn(entities, inner, outer));
}

function compared(left: CedarValue, right: CedarValue, test: (a: bigint, b: bigint) => boolean): boolean {
  if (left instanceof Datetime && right instanceof Datetime) return test(left.ms, right.ms);
  if (left instanceof Duration && right instanceof Duration) return test(left.ms, right.ms);
  return test(number(left), number(right));
}

/** @throws EvaluationError */
export function bool(value: CedarValue): boolean {
  if (typeof value !== 'boolean') throw new EvaluationError('expected true or false');
  return value;
}

function number(value: CedarValue): bigint {
  if (typeof value !== 'bigint') throw new EvaluationError('expected a number');
  return value;
}

function text(value: CedarValue): string {
  if (typeof value !== 'string') throw new EvaluationError('expected a string');
  return value;
}

function set(value: CedarValue): CedarSet {
  if (!(value instanceof CedarSet)) throw new EvaluationError('expected a set');
  return value;
}

function entity(value: CedarValue): EntityUid {
  if (!(value instanceof EntityUid)) throw new EvaluationError('expected an entity');
  return value;
}
