/** Questions of a policy that nothing can answer with yes: whether a resource has what none of its kind ever has. */
import { nearest } from '@dais/api';
import type { ExpressionJson } from './cedar-json.ts';
import { construct } from './compile-expression.ts';
import { subexpressions, type CompiledPolicy } from './compile-policy.ts';
import { NAMESPACE, type Model } from './model.ts';
import { placeOf, type PolicyTextIssue } from './policy-text.ts';

const FACTS = 'facts';

/**
 * Cedar's validation accepts `resource has x` for every `x`. A condition that is never true is an error. The most
 * frequent cause is a missing `facts.` before the name of a fact.
 */
export function impossibleHas(model: Model, text: string, { id, json, resourceType }: CompiledPolicy): PolicyTextIssue[] {
  const shapes = Object.entries(model.schema[NAMESPACE]?.entityTypes ?? {})
    .filter(([name]) => resourceType === undefined || resourceType === `${NAMESPACE}::${name}`)
    .map(([, type]) => attributesOf((type as { readonly shape?: unknown }).shape));
  const facts = [...new Set(shapes.flatMap((shape) => Object.keys(attributesOf(shape[FACTS]))))];
  const own = [...new Set(shapes.flatMap((shape) => Object.keys(shape)))];
  const known = [...own.map((name) => `resource has ${name}`), ...facts.map((name) => `resource.facts has ${name}`)];
  return json.conditions
    .flatMap(({ body }) => askedOf(body))
    .flatMap(([first, second]) => {
      const [name, among] = first === FACTS && second !== undefined ? [second, facts] : [first, own];
      if (among.includes(name)) return [];
      const near = facts.includes(name)
        ? `resource.facts has ${name}`
        : nearest(`${among === facts ? 'resource.facts' : 'resource'} has ${name}`, known);
      return {
        message: `policy "${id}" never matches: it tests for the attribute \`${name}\`, which no resource has`,
        ...placeOf(text, id, name),
        help: near === undefined ? `one of ${[...own, ...facts].toSorted().join(', ')}` : `did you mean \`${near}\`?`,
      };
    });
}

/** What every `has` about the resource asks for: the name, below `facts` the one there too. */
function askedOf(expression: ExpressionJson): readonly (readonly [string, string | undefined])[] {
  const [name, body] = construct(expression);
  const below = subexpressions(name, body).flatMap(askedOf);
  if (name !== 'has') return below;
  const { left, attr } = body as { readonly left: ExpressionJson; readonly attr: string | readonly string[] };
  const [first, second] = typeof attr === 'string' ? [attr] : attr;
  if (first === undefined) return below;
  if (left['Var'] === 'resource') return [[first, second], ...below];
  const inner = left['.'] as { readonly left: ExpressionJson; readonly attr: string } | undefined;
  return inner?.left['Var'] === 'resource' && inner.attr === FACTS ? [[FACTS, first], ...below] : below;
}

function attributesOf(record: unknown): Readonly<Record<string, unknown>> {
  return (record as { readonly attributes?: Readonly<Record<string, unknown>> } | undefined)?.attributes ?? {};
}
