/** Evaluates bindings and conditions. */
import type {
  Artifact,
  Binding,
  Composed,
  Expression,
  Json,
  ParameterType,
  Task,
  BindingOptions,
  Value,
  Values,
} from './plan.ts';

/** An error in the plan or in the outputs of its tasks. It fails the task, and its author reads the message. */
export class ValueError extends Error {}

export type EndState = 'succeeded' | 'failed' | 'skipped' | 'blocked' | 'canceled';

/** The result of an ended task, for its siblings. */
export interface Ended {
  readonly state: EndState;
  readonly outputs: Values;
  readonly error?: string | undefined;
}

/** Returns the inputs of a task, from the inputs of its graph and the outputs of its siblings. @throws ValueError */
export function resolveInputs(task: Task, given: Values, siblings: ReadonlyMap<string, Ended>): Values {
  const inputs: Record<string, Value> = {};
  const composed: [string, Composed][] = [];
  for (const [name, binding] of Object.entries(task.inputs)) {
    if ('compose' in binding) composed.push([name, binding.compose]);
    else {
      const value = resolve(name, binding, given, siblings);
      if (value !== undefined) inputs[name] = value;
    }
  }
  // Composed inputs use only inputs that are not composed themselves.
  const made = composed.map(([name, of]): [string, Value] => [name, { parameter: compose(of, inputs) }]);
  return { ...inputs, ...Object.fromEntries(made) };
}

function resolve(
  name: string,
  binding: Exclude<Binding, { readonly compose: Composed }>,
  given: Values,
  siblings: ReadonlyMap<string, Ended>,
): Value | undefined {
  if ('value' in binding) return { parameter: binding.value };
  if ('artifact' in binding) return binding;
  if ('statusOf' in binding) {
    const ended = siblings.get(binding.statusOf);
    const error = ended?.error === undefined ? null : ended.error;
    return { parameter: { task: binding.statusOf, state: ended?.state ?? 'skipped', error } };
  }
  const found = 'input' in binding ? given[binding.input] : siblings.get(binding.task)?.outputs[binding.output];
  const isNull = found !== undefined && 'parameter' in found && found.parameter === null;
  if (binding.otherwise !== undefined && (found === undefined || isNull)) return { parameter: binding.otherwise };
  if (found === undefined) {
    if (binding.optional === true) return undefined;
    const source = 'input' in binding ? `input ${binding.input}` : `output ${binding.output} of task ${binding.task}`;
    throw new ValueError(`${name} has no value: ${source} is missing`);
  }
  if (isNull && binding.optional === true) return found;
  return typed(selected(found, binding, name), binding, name);
}

function selected(found: Value, { path }: BindingOptions, name: string): Value {
  if (path === undefined) return found;
  if (!('parameter' in found))
    throw new ValueError(`${name} selects a member of an artifact; only parameters have members`);
  return { parameter: select(found.parameter, path, name) };
}

/** @throws ValueError */
function typed(value: Value, { as }: BindingOptions, name: string): Value {
  if (as === undefined) return value;
  if (!('parameter' in value)) throw new ValueError(`${name} is an artifact, not ${WORDS[as]}`);
  const { parameter } = value;
  if (parameter === null) throw new ValueError(`${name} has no value: it is null`);
  if (as === 'text') return { parameter: textOf(parameter) };
  if (typeOf(parameter) === as) return value;
  throw new ValueError(`${name} is ${WORDS[typeOf(parameter)]}, not ${WORDS[as]}`);
}

const WORDS: Readonly<Record<ParameterType, string>> = {
  text: 'text',
  number: 'a number',
  boolean: 'a boolean',
  list: 'a list',
  object: 'an object',
};

function typeOf(value: NonNullable<Json>): ParameterType {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  return Array.isArray(value) ? 'list' : 'object';
}

/** Returns text unchanged, and other values as compact JSON. */
export function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function compose(of: Composed, inputs: Values): Json {
  if ('value' in of) return of.value;
  if ('list' in of) return of.list.map((one) => compose(one, inputs));
  if ('members' in of) {
    return Object.fromEntries(Object.entries(of.members).map(([key, one]) => [key, compose(one, inputs)]));
  }
  return of.text
    .map((part) => {
      if (typeof part === 'string') return part;
      const value = inputs[part.input];
      if (value === undefined) return '';
      if (!('parameter' in value))
        throw new ValueError(`${part.input} is an artifact, which cannot be inserted into text`);
      return value.parameter === null ? '' : textOf(value.parameter);
    })
    .join('');
}

/** Selects members of objects by name and of arrays by index. JSON text is parsed first. @throws ValueError */
function select(value: Json, path: readonly string[], name: string): Json {
  let at = value;
  for (const key of path) {
    if (typeof at === 'string') at = parsed(at, name);
    const next =
      at !== null && typeof at === 'object' && Object.hasOwn(at, key) ? (at as Record<string, Json>)[key] : undefined;
    if (next === undefined) throw new ValueError(`${name} has no member ${key}`);
    at = next;
  }
  return at;
}

function parsed(text: string, name: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new ValueError(`${name} is not JSON, so it has no members`);
  }
}

/** Returns the items of a loop: of a list, of a list as JSON text, or artifacts. @throws ValueError */
export function itemsOf(value: Value | undefined, name: string): readonly Value[] {
  if (value === undefined) throw new ValueError(`${name} has no value, so the loop has no items`);
  if ('artifacts' in value) return value.artifacts.map((artifact) => ({ artifact }));
  if ('artifact' in value) return [value];
  const list = typeof value.parameter === 'string' ? parsed(value.parameter, name) : value.parameter;
  if (!Array.isArray(list)) throw new ValueError(`${name} is not a list, so the loop cannot iterate over it`);
  return (list as readonly Json[]).map((parameter) => ({ parameter }));
}

/** Returns one output of all iterations, in order. Iterations without the output are omitted. */
export function collect(all: readonly Values[], output: string): Value | undefined {
  const found = all.flatMap((values) => values[output] ?? []);
  const files = found.flatMap((value) =>
    'artifact' in value ? [value.artifact] : 'artifacts' in value ? value.artifacts : [],
  );
  if (files.length > 0) return { artifacts: files };
  return { parameter: found.flatMap((value) => ('parameter' in value ? [value.parameter] : [])) };
}

/** @throws ValueError */
export function isTrue(condition: Expression, inputs: Values): boolean {
  const value = evaluate(condition, inputs);
  if (typeof value !== 'boolean')
    throw new ValueError(`the condition evaluates to ${JSON.stringify(value)}, not to true or false`);
  return value;
}

function evaluate(expression: Expression, inputs: Values): Json {
  if ('value' in expression) return expression.value;
  if ('input' in expression) return valueOf(expression, inputs);
  if ('all' in expression) return expression.all.every((one) => isTrue(one, inputs));
  if ('any' in expression) return expression.any.some((one) => isTrue(one, inputs));
  if ('not' in expression) return !isTrue(expression.not, inputs);
  if ('text' in expression) return textOf(evaluate(expression.text, inputs));
  if ('number' in expression) return numberOf(evaluate(expression.number, inputs), expression.whole === true);
  return compare(expression.compare, evaluate(expression.left, inputs), evaluate(expression.right, inputs));
}

function valueOf(
  { input, artifact, path = [] }: Extract<Expression, { readonly input: string }>,
  inputs: Values,
): Json {
  const found = inputs[input];
  if (found === undefined) throw new ValueError(`the condition uses ${input}, which has no value`);
  if (artifact !== undefined) {
    if ('parameter' in found) throw new ValueError(`the condition uses ${input} as an artifact, but it is a parameter`);
    const one = 'artifact' in found ? [found.artifact][artifact] : found.artifacts[artifact];
    if (one === undefined)
      throw new ValueError(`the condition uses artifact ${artifact} of ${input}, which does not exist`);
    return select(knownOf(one), path, input);
  }
  if (!('parameter' in found))
    throw new ValueError(`the condition uses ${input} as a parameter, but it is an artifact`);
  return select(found.parameter, path, input);
}

function knownOf({ label = '', uri = '', metadata = {} }: Artifact): Json {
  return { name: label, uri, metadata };
}

function numberOf(value: Json, isWhole: boolean): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && !Number.isNaN(number)) return isWhole ? Math.trunc(number) : number;
  throw new ValueError(`the condition requires a number, not ${JSON.stringify(value)}`);
}

function compare(operator: '==' | '!=' | '<' | '<=' | '>' | '>=', left: Json, right: Json): boolean {
  const comparable = ['string', 'number', 'boolean'].includes(typeof left) && typeof left === typeof right;
  if (operator === '==' && (comparable || left === null || right === null)) return left === right;
  if (operator === '!=' && (comparable || left === null || right === null)) return left !== right;
  if (!comparable) {
    throw new ValueError(
      `the condition compares ${JSON.stringify(left)} with ${JSON.stringify(right)}, which have different types`,
    );
  }
  const [one, other] = [left as string | number | boolean, right as string | number | boolean];
  if (operator === '<') return one < other;
  if (operator === '<=') return one <= other;
  return operator === '>' ? one > other : one >= other;
}
