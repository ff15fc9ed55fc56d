/** One policy, compiled: what it is indexed by, and whether it applies to a request. */
import { uidOf, UnknownConstruct, type ConstraintJson, type ExpressionJson, type PolicyJson } from './cedar-json.ts';
import { bool, compileExpression, construct, type RequestScope } from './compile-expression.ts';
import { isIn, type EntityStore, type EntityUid } from './values.ts';

export interface CompiledPolicy {
  /** Unique among all policies in force. */
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly annotations: Readonly<Record<string, string | null>>;
  /** The JSON form, for analysis. */
  readonly json: PolicyJson;
  /** What cedar-wasm reads: its text, when the JSON form is not exact. */
  readonly source: PolicyJson | string;
  /** The only type of resource it can apply to. */
  readonly resourceType: string | undefined;
  /** Whether the policy uses more of the resource than its name, type and ancestors. */
  readonly readsResource: boolean;
  /** Whether the policy uses facts of the resource. */
  readonly readsFacts: boolean;
  /** Names of the used facts; `all` if the text does not determine them. */
  readonly facts: ReadonlySet<string> | 'all';
  /** Depends only on the resource (and the proposed alias, stage or version), not on the principal or the context. */
  readonly isAboutState: boolean;
  /** Whether the policy uses the state of the resource after a write, from the context. */
  readonly readsDesired: boolean;
  /** False: only cedar-wasm can decide whether it applies. */
  readonly exact: boolean;
  appliesToAction(action: EntityUid, actions: EntityStore): boolean;
  /** Whether it applies, the action being one it applies to. @throws EvaluationError */
  applies(request: RequestScope): boolean;
}

/** @throws UnknownConstruct */
export function compilePolicy(id: string, json: PolicyJson): CompiledPolicy {
  const resource = compileConstraint('resource', json.resource);
  const principal = compileConstraint('principal', json.principal);
  const conditions = json.conditions.map(({ kind, body }) => {
    const evaluate = compileExpression(body);
    return kind === 'when'
      ? (request: RequestScope) => bool(evaluate(request))
      : (request: RequestScope) => !bool(evaluate(request));
  });
  const reads = json.conditions.map(({ body }) => resourceReads(body));
  return {
    id,
    effect: json.effect,
    annotations: json.annotations ?? {},
    json,
    source: json,
    resourceType: typeOf(json.resource),
    readsResource: reads.some((one) => one !== 'identity'),
    readsFacts: reads.includes('facts'),
    facts: factsIn(json),
    isAboutState: json.principal.op === 'All' && json.conditions.every(({ body }) => dependsOnState(body)),
    // A false positive costs only an unnecessary evaluation.
    readsDesired: JSON.stringify(json.conditions).includes('"desired"'),
    exact: true,
    appliesToAction: compileAction(json.action),
    applies: (request) => {
      if (!resource(request) || !principal(request)) return false;
      for (const condition of conditions) if (!condition(request)) return false;
      return true;
    },
  };
}

function typeOf({ op, entity, entity_type: type }: ConstraintJson): string | undefined {
  if (op === 'is') return type;
  return op === '==' && entity !== undefined ? uidOf(entity).type : undefined;
}

function compileAction(constraint: ConstraintJson): CompiledPolicy['appliesToAction'] {
  switch (constraint.op) {
    case 'All':
      return () => true;
    case '==': {
      const only = required(constraint.entity);
      return (action) => action.key === only.key;
    }
    case 'in': {
      const groups = (constraint.entities ?? [constraint.entity]).map(required);
      return (action, actions) => groups.some((group) => isIn(actions, action, group));
    }
    default:
      throw new UnknownConstruct(`the constraint ${constraint.op}`);
  }
}

function compileConstraint(
  variable: 'principal' | 'resource',
  constraint: ConstraintJson,
): (request: RequestScope) => boolean {
  switch (constraint.op) {
    case 'All':
      return () => true;
    case '==': {
      const only = required(constraint.entity);
      return (request) => request[variable].key === only.key;
    }
    case 'in': {
      const within = required(constraint.entity);
      return (request) => isIn(request.entities, request[variable], within);
    }
    case 'is': {
      const type = constraint.entity_type;
      if (constraint.in === undefined) return (request) => request[variable].type === type;
      const within = required(constraint.in.entity);
      return (request) => request[variable].type === type && isIn(request.entities, request[variable], within);
    }
    default:
      throw new UnknownConstruct(`the constraint ${constraint.op}`);
  }
}

function required(json: ConstraintJson['entity']): EntityUid {
  // Only a template has a slot where a policy has an entity.
  if (json === undefined) throw new UnknownConstruct('a slot');
  return uidOf(json);
}

type Reads = 'identity' | 'attributes' | 'facts';

/** Determines which parts of the resource an expression uses. Unknown expressions count as uses of attributes. */
function resourceReads(expression: ExpressionJson): Reads {
  const [name, body] = construct(expression);
  if (name === 'Value') return 'identity';
  if (name === 'Var') return body === 'resource' ? 'attributes' : 'identity';
  if ((name === '.' || name === 'has') && isResource((body as { left: ExpressionJson }).left)) {
    const { attr } = body as { attr: string | readonly string[] };
    return (typeof attr === 'string' ? attr : attr[0]) === FACTS ? 'facts' : 'attributes';
  }
  const parts = subexpressions(name, body);
  // Whether it is an entity, of a type or in another needs no attribute of it.
  const harmless = name === 'is' || name === 'in' || name === '==' || name === '!=';
  const reads = parts.map((part) => (harmless && isResource(part) ? 'identity' : resourceReads(part)));
  if (reads.includes('facts')) return 'facts';
  return reads.includes('attributes') ? 'attributes' : 'identity';
}

/** What every `resource.facts.NAME` and `resource.facts has NAME` names. */
function factsIn({ conditions }: PolicyJson): ReadonlySet<string> | 'all' {
  const names = new Set<string>();
  return conditions.every(({ body }) => collectFacts(body, names)) ? names : 'all';
}

/** False: the record of facts is used as a whole. */
function collectFacts(expression: ExpressionJson, names: Set<string>): boolean {
  const [name, body] = construct(expression);
  if (name === '.' || name === 'has') {
    const { left, attr } = body as { left: ExpressionJson; attr: string | readonly string[] };
    const [first, second] = typeof attr === 'string' ? [attr] : attr;
    if (isFacts(left)) {
      if (first !== undefined) names.add(first);
      return true;
    }
    if (isResource(left) && first === FACTS) {
      if (name === '.') return false;
      if (second !== undefined) names.add(second);
      return true;
    }
  }
  return subexpressions(name, body).every((part) => collectFacts(part, names));
}

const FACTS = 'facts';

function isFacts(expression: ExpressionJson): boolean {
  const access = expression['.'] as { readonly left: ExpressionJson; readonly attr: string } | undefined;
  return access?.attr === FACTS && isResource(access.left);
}

/** What a version is put forward as: known without a request. */
const STATE_CONTEXT: ReadonlySet<string> = new Set(['alias', 'stage', 'version']);

function dependsOnState(expression: ExpressionJson): boolean {
  const [name, body] = construct(expression);
  if (name === 'Var') return body === 'resource';
  if (name === '.' || name === 'has') {
    const { left, attr } = body as { left: ExpressionJson; attr: string | readonly string[] };
    const [first = '', ...rest] = typeof attr === 'string' ? [attr] : attr;
    if (left['Var'] === 'context') return STATE_CONTEXT.has(first) && rest.length === 0;
  }
  return subexpressions(name, body).every(dependsOnState);
}

function isResource(expression: ExpressionJson): boolean {
  return expression['Var'] === 'resource';
}

/** The expressions directly below one. */
export function subexpressions(name: string, body: unknown): readonly ExpressionJson[] {
  if (Array.isArray(body)) return body as readonly ExpressionJson[];
  if (typeof body !== 'object' || body === null) return [];
  if (name === 'Record') return Object.values(body as Record<string, ExpressionJson>);
  return ['left', 'right', 'arg', 'if', 'then', 'else', 'in'].flatMap((key) => {
    const part = (body as Readonly<Record<string, ExpressionJson | undefined>>)[key];
    return part === undefined ? [] : [part];
  });
}
