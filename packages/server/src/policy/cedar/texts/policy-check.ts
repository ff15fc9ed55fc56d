/** Everything that must be right about a text of policies before it is in force. */
import { createHash } from 'node:crypto';
import { nearest, type Issue } from '@dais/api';
import type { PolicyMode } from '@dais/api/access';
import { UnknownConstruct, type ExpressionJson } from '#policy/cedar/language/cedar-json.ts';
import type { CedarWasm } from '#policy/cedar/language/cedar-wasm.ts';
import { compilePolicy, type CompiledPolicy, subexpressions } from '#policy/cedar/language/compile-policy.ts';
import { actionUid, actionWord, type Model, NAMESPACE } from '#policy/cedar/model.ts';
import { runCase, UnreadableCase, type CaseResult, type PolicyCase } from './policy-test.ts';
import { positionOf, readPolicies, type PolicyPart, type PolicyTextIssue } from './policy-text.ts';
import { compileRows, Inexpressible } from '#policy/cedar/rows/row-compile.ts';
import { compileOrDefer, modeOf } from '#policy/cedar/rules.ts';
import { EvaluationError } from '#policy/cedar/language/values.ts';
import { construct } from '#policy/cedar/language/compile-expression.ts';

export interface PolicyText {
  readonly cedar: string;
  readonly tests?: readonly PolicyCase[] | undefined;
  /** Name of its project; empty for the organization. */
  readonly project: string;
}

export interface CheckedPolicy {
  /** Paths refer to the manifest; lines and columns count within the text of the field. */
  readonly issues: readonly Issue[];
  readonly policies: readonly {
    readonly id: string;
    readonly effect: 'permit' | 'forbid';
    readonly message?: string;
  }[];
  /** SHA-256 of the text, hex. */
  readonly digest: string;
  /** Names of the used facts; the facts of all kinds if the text does not determine them. */
  readonly facts: readonly string[];
  /** The mode in effect unless the manifest names one. */
  readonly defaultMode: PolicyMode;
  readonly cases: readonly CaseResult[];
}

export function checkPolicy(cedar: CedarWasm, model: Model, source: PolicyText): CheckedPolicy {
  const digest = createHash('sha256').update(source.cedar).digest('hex');
  const refused = (problems: readonly PolicyTextIssue[]): CheckedPolicy => ({
    issues: problems.map((problem) => issueOf(model, problem)),
    policies: [],
    digest,
    facts: [],
    defaultMode: 'enforce',
    cases: [],
  });
  const read = readPolicies(cedar, model, source.cedar);
  if (!read.ok) return refused(read.problems);
  const issues = read.parts.flatMap((part) => partProblems(model, source.cedar, part));
  if (issues.length > 0) return refused(issues);
  const policies = read.parts.map(({ id, json }) => {
    const message = json.annotations?.['message'];
    return { id, effect: json.effect, ...(typeof message === 'string' && message !== '' && { message }) };
  });
  const compiled = read.parts.map(({ id, json, text }) => compileOrDefer(id, json, text));
  const all = [...new Set([...model.facts.values()].flat())];
  const facts = new Set(
    compiled.filter(({ readsFacts }) => readsFacts).flatMap((one) => (one.facts === 'all' ? all : [...one.facts])),
  );
  const defaultMode = modeOf(compiled);
  return { policies, digest, facts: [...facts].toSorted(), defaultMode, ...runCases(model, read.parts, source) };
}

function issueOf(model: Model, { message, line, column, help }: PolicyTextIssue): Issue {
  const near = nearestAction(model, message) ?? /^did you mean `([^`]+)`\?$/.exec(help ?? '')?.[1];
  return {
    path: 'spec.cedar',
    message,
    line,
    column,
    ...(near !== undefined && { nearest: near }),
    ...(near === undefined && help !== undefined && !help.startsWith('did you mean') && { expected: help }),
  };
}

/** Own suggestion: Cedar's for a misspelled action can have another length and meaning (`self` for `secret:reed`). */
function nearestAction(model: Model, message: string): string | undefined {
  const word = /^unrecognized action `Dais::Action::"([^"]*)"`/.exec(message)?.[1];
  const near = word === undefined ? undefined : nearest(word, [...model.actions.keys()]);
  return near === undefined ? undefined : `Dais::Action::"${near}"`;
}

/** A policy over what lists show must be one that the database can filter by, and each must be able to match. */
function partProblems(model: Model, text: string, { id, json }: PolicyPart): readonly PolicyTextIssue[] {
  const problems: PolicyTextIssue[] = [];
  let compiled: CompiledPolicy;
  try {
    compiled = compilePolicy(id, json);
  } catch (error) {
    if (!(error instanceof UnknownConstruct)) throw error;
    // cedar-wasm decides about it; but only what is known here can filter a list.
    compiled = { ...compilePolicy(id, { ...json, conditions: [] }), json };
  }
  for (const kind of model.kinds.values()) {
    const action = actionUid(`${actionWord(kind.spec.kind)}:read`);
    const covers = compiled.resourceType === undefined || compiled.resourceType === kind.type;
    if (!covers || !compiled.appliesToAction(action, model.actionEntities)) continue;
    try {
      compileRows(compiled.json, kind);
    } catch (error) {
      if (!(error instanceof Inexpressible || error instanceof UnknownConstruct)) throw error;
      const what = error instanceof Inexpressible ? error.what : error.message;
      const known = kind.attributes.map((attribute) => attribute.name).join(', ');
      problems.push({
        message: `policy "${id}" also applies to lists of ${kind.spec.kind}, which cannot be filtered by ${what}`,
        ...positionOf(text, id, /`([^`]+)`/.exec(what)?.[1]),
        help: `use an action other than ${action.id}, or only attributes of lists: ${known} and tags`,
      });
    }
  }
  return [...problems.slice(0, 1), ...impossibleHas(model, text, compiled)];
}

function runCases(model: Model, parts: readonly PolicyPart[], { tests = [], project }: PolicyText) {
  const issues: Issue[] = [];
  const cases: CaseResult[] = [];
  if (tests.length === 0) return { issues, cases };
  const compiled: CompiledPolicy[] = [];
  for (const [index, one] of tests.entries()) {
    const path = `spec.tests[${index}]`;
    try {
      if (compiled.length === 0) compiled.push(...parts.map(({ id, json }) => compilePolicy(id, json)));
      const result = runCase(model, compiled, one, project);
      cases.push(result);
      if (!result.passed) {
        const by = result.reasons.length === 0 ? '' : ` (${result.reasons.join(', ')})`;
        issues.push({ path, message: `test "${one.name}" returned ${result.actual}${by}`, expected: one.expect });
      }
    } catch (error) {
      const known =
        error instanceof UnreadableCase || error instanceof EvaluationError || error instanceof UnknownConstruct;
      if (!known) throw error;
      const near = model.actions.has(one.action) ? undefined : nearest(one.action, [...model.actions.keys()]);
      issues.push({ path, message: `"${one.name}": ${error.message}`, ...(near !== undefined && { nearest: near }) });
    }
  }
  return { issues, cases };
}

const FACTS = 'facts';

/**
 * Cedar's validation accepts `resource has x` for every `x`. A condition that is never true is an error. The most
 * frequent cause is a missing `facts.` before the name of a fact.
 */
function impossibleHas(model: Model, text: string, { id, json, resourceType }: CompiledPolicy): PolicyTextIssue[] {
  const shapes = Object.entries(model.schema[NAMESPACE]?.entityTypes ?? {})
    .filter(([name]) => resourceType === undefined || resourceType === `${NAMESPACE}::${name}`)
    .map(([, type]) => attributesOf((type as { readonly shape?: unknown }).shape));
  const facts = [...new Set(shapes.flatMap((shape) => Object.keys(attributesOf(shape[FACTS]))))];
  const own = [...new Set(shapes.flatMap((shape) => Object.keys(shape)))];
  const known = [...own.map((name) => `resource has ${name}`), ...facts.map((name) => `resource.facts has ${name}`)];
  return json.conditions
    .flatMap(({ body }) => testedAttributes(body))
    .flatMap(([first, second]) => {
      const [name, among] = first === FACTS && second !== undefined ? [second, facts] : [first, own];
      if (among.includes(name)) return [];
      const near = facts.includes(name)
        ? `resource.facts has ${name}`
        : nearest(`${among === facts ? 'resource.facts' : 'resource'} has ${name}`, known);
      return {
        message: `policy "${id}" never matches: it tests for the attribute \`${name}\`, which no resource has`,
        ...positionOf(text, id, name),
        help: near === undefined ? `one of ${[...own, ...facts].toSorted().join(', ')}` : `did you mean \`${near}\`?`,
      };
    });
}

/** Returns the attribute names of every `has` on the resource; below `facts` with the name of the fact. */
function testedAttributes(expression: ExpressionJson): readonly (readonly [string, string | undefined])[] {
  const [name, body] = construct(expression);
  const below = subexpressions(name, body).flatMap(testedAttributes);
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
