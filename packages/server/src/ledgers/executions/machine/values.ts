/** From bindings and conditions to values. */
import type { Binding, Expression, Json, Task, Value, Values } from './plan.ts';

/** A fault of the plan or of what its tasks gave each other, in words for whoever wrote it: it fails the task. */
export class ValueFault extends Error {}

export type EndState = 'succeeded' | 'failed' | 'skipped' | 'blocked' | 'cancelled';

/** What a task that has ended tells its siblings. */
export interface Ended {
  readonly state: EndState;
  readonly outputs: Values;
  readonly error?: string | undefined;
}

/** The inputs of a task, from those of its graph and from its siblings. @throws ValueFault */
export function resolveInputs(task: Task, given: Values, siblings: ReadonlyMap<string, Ended>): Values {
  return Object.fromEntries(
    Object.entries(task.inputs).flatMap(([name, binding]) => {
      const value = resolve(name, binding, given, siblings);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function resolve(
  name: string,
  binding: Binding,
  given: Values,
  siblings: ReadonlyMap<string, Ended>,
): Value | undefined {
  if ('value' in binding) return { parameter: binding.value };
  if ('statusOf' in binding) {
    const ended = siblings.get(binding.statusOf);
    const error = ended?.error === undefined ? null : ended.error;
    return { parameter: { task: binding.statusOf, state: ended?.state ?? 'skipped', error } };
  }
  const found = 'input' in binding ? given[binding.input] : siblings.get(binding.task)?.outputs[binding.output];
  if (found === undefined) {
    if (binding.optional === true) return undefined;
    const source =
      'input' in binding ? `the input ${binding.input}` : `the output ${binding.output} of ${binding.task}`;
    throw new ValueFault(`${name} has no value: ${source} was not given`);
  }
  if (binding.path === undefined) return found;
  if (!('parameter' in found)) throw new ValueFault(`${name} selects a member of files; only parameters have members`);
  return { parameter: select(found.parameter, binding.path, name) };
}

/** Members of objects by name, of arrays by number; text that is JSON is read first. @throws ValueFault */
function select(value: Json, path: readonly string[], name: string): Json {
  let at = value;
  for (const key of path) {
    if (typeof at === 'string') at = parsed(at, name);
    const next =
      at !== null && typeof at === 'object' && Object.hasOwn(at, key) ? (at as Record<string, Json>)[key] : undefined;
    if (next === undefined) throw new ValueFault(`${name} has no member ${key}`);
    at = next;
  }
  return at;
}

function parsed(text: string, name: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new ValueFault(`${name} is text that is not JSON, so it has no members`);
  }
}

/** The items that a loop goes through: a list, JSON text of one, or artifacts. @throws ValueFault */
export function itemsOf(value: Value | undefined, name: string): readonly Value[] {
  if (value === undefined) throw new ValueFault(`${name} has no value to go through`);
  if ('artifacts' in value) return value.artifacts.map((artifact) => ({ artifact }));
  if ('artifact' in value) return [value];
  const list = typeof value.parameter === 'string' ? parsed(value.parameter, name) : value.parameter;
  if (!Array.isArray(list)) throw new ValueFault(`${name} is not a list`);
  return (list as readonly Json[]).map((parameter) => ({ parameter }));
}

/** One output over all iterations, in their order; those that do not have it are left out. */
export function collect(all: readonly Values[], output: string): Value | undefined {
  const found = all.flatMap((values) => values[output] ?? []);
  const files = found.flatMap((value) =>
    'artifact' in value ? [value.artifact] : 'artifacts' in value ? value.artifacts : [],
  );
  if (files.length > 0) return { artifacts: files };
  return { parameter: found.flatMap((value) => ('parameter' in value ? [value.parameter] : [])) };
}

/** @throws ValueFault */
export function holds(condition: Expression, inputs: Values): boolean {
  const value = evaluate(condition, inputs);
  if (typeof value !== 'boolean') throw new ValueFault(`the condition is ${JSON.stringify(value)}, not true or false`);
  return value;
}

function evaluate(expression: Expression, inputs: Values): Json {
  if ('value' in expression) return expression.value;
  if ('input' in expression) {
    const found = inputs[expression.input];
    if (found === undefined) throw new ValueFault(`the condition needs ${expression.input}, which has no value`);
    if (!('parameter' in found)) throw new ValueFault(`the condition needs ${expression.input}, which is files`);
    return expression.path === undefined ? found.parameter : select(found.parameter, expression.path, expression.input);
  }
  if ('all' in expression) return expression.all.every((one) => holds(one, inputs));
  if ('any' in expression) return expression.any.some((one) => holds(one, inputs));
  if ('not' in expression) return !holds(expression.not, inputs);
  if ('number' in expression) {
    const value = evaluate(expression.number, inputs);
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && !Number.isNaN(number)) return number;
    throw new ValueFault(`the condition needs a number, not ${JSON.stringify(value)}`);
  }
  return compare(expression.compare, evaluate(expression.left, inputs), evaluate(expression.right, inputs));
}

function compare(operator: '==' | '!=' | '<' | '<=' | '>' | '>=', left: Json, right: Json): boolean {
  const comparable = ['string', 'number', 'boolean'].includes(typeof left) && typeof left === typeof right;
  if (operator === '==' && (comparable || left === null || right === null)) return left === right;
  if (operator === '!=' && (comparable || left === null || right === null)) return left !== right;
  if (!comparable) {
    throw new ValueFault(`the condition compares ${JSON.stringify(left)} with ${JSON.stringify(right)}`);
  }
  const [one, other] = [left as string | number | boolean, right as string | number | boolean];
  if (operator === '<') return one < other;
  if (operator === '<=') return one <= other;
  return operator === '>' ? one > other : one >= other;
}
