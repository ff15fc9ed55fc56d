/** Validates a plan, and reports all errors with their paths. */
import type { Issue } from '@dais/api';
import { needsOf, type Binding, type Composed, type Expression, type Graph, type Task } from './plan.ts';

/** Tasks of a whole plan. A loop counts once. */
const MOST_TASKS = 20_000;
/** Nesting depth of graphs. */
const DEEPEST = 20;
const NAME = /^[A-Za-z0-9_]([A-Za-z0-9._-]{0,126}[A-Za-z0-9_])?$/;

export function planIssues(plan: Graph, inputs: ReadonlySet<string>): Issue[] {
  const issues: Issue[] = [];
  let tasks = 0;
  const visit = (graph: Graph, path: string, given: ReadonlySet<string>, depth: number): void => {
    if (depth > DEEPEST) {
      issues.push({ path, message: `graphs are nested more than ${DEEPEST} levels deep` });
      return;
    }
    for (const [name, task] of Object.entries(graph.tasks)) {
      tasks += 1;
      const at = `${path}tasks.${name}`;
      if (!NAME.test(name))
        issues.push({ path: at, message: 'a name may contain only letters, digits, `.`, `_` and `-`' });
      issues.push(...taskIssues(graph, task, at, given));
      if ('graph' in task.body) visit(task.body.graph, `${at}.`, new Set(inputsOf(task)), depth + 1);
    }
    for (const [name, sources] of Object.entries(graph.outputs)) {
      for (const { task, output } of sources) {
        if (hasOutput(graph, task, output)) continue;
        issues.push({ path: `${path}outputs.${name}`, message: `task ${task} has no output ${output}` });
      }
    }
    const cycle = cycleIn(graph);
    if (cycle !== undefined) {
      issues.push({
        path: `${path}tasks.${cycle[0]}`,
        message: `tasks depend on each other in a cycle: ${cycle.join(' → ')}`,
      });
    }
  };
  visit(plan, '', inputs, 0);
  if (tasks > MOST_TASKS)
    issues.push({ path: 'tasks', message: `the plan has ${tasks} tasks, and the limit is ${MOST_TASKS}` });
  return issues;
}

/** Returns the names of the inputs of the body of a task. */
function inputsOf({ inputs, each }: Task): string[] {
  const names = Object.keys(inputs);
  return each === undefined ? names : [...names.filter((name) => name !== each.items), each.as];
}

function taskIssues(graph: Graph, task: Task, path: string, given: ReadonlySet<string>): Issue[] {
  const issues: Issue[] = [];
  for (const need of needsOf(task)) {
    if (graph.tasks[need] === undefined) issues.push({ path: `${path}.needs`, message: `task ${need} does not exist` });
  }
  for (const [name, binding] of Object.entries(task.inputs)) {
    const at = `${path}.inputs.${name}`;
    if ('input' in binding && !given.has(binding.input)) {
      issues.push({ path: at, message: `input ${binding.input} does not exist` });
    }
    if ('task' in binding && graph.tasks[binding.task] !== undefined) {
      if (!hasOutput(graph, binding.task, binding.output)) {
        issues.push({ path: at, message: `task ${binding.task} has no output ${binding.output}` });
      }
    }
  }
  for (const [name, used] of Object.entries(task.inputs).flatMap(usedByComposed)) {
    const source = task.inputs[used];
    if (source !== undefined && !('compose' in source)) continue;
    const message = source === undefined ? `input ${used} does not exist` : `input ${used} is itself composed`;
    issues.push({ path: `${path}.inputs.${name}`, message });
  }
  if (task.each !== undefined && task.inputs[task.each.items] === undefined) {
    issues.push({ path: `${path}.each`, message: `input ${task.each.items} of the loop does not exist` });
  }
  const names = new Set(Object.keys(task.inputs));
  for (const used of task.when === undefined ? [] : usedIn(task.when)) {
    if (!names.has(used)) issues.push({ path: `${path}.when`, message: `input ${used} does not exist` });
  }
  return issues;
}

function hasOutput(graph: Graph, task: string, output: string): boolean {
  const body = graph.tasks[task]?.body;
  if (body === undefined) return false;
  return Object.hasOwn('step' in body ? body.step.outputs : body.graph.outputs, output);
}

function usedByComposed([name, binding]: [string, Binding]): (readonly [string, string])[] {
  const within = (of: Composed): string[] => {
    if ('text' in of) return of.text.flatMap((part) => (typeof part === 'string' ? [] : [part.input]));
    if ('list' in of) return of.list.flatMap(within);
    return 'members' in of ? Object.values(of.members).flatMap(within) : [];
  };
  return 'compose' in binding ? within(binding.compose).map((used) => [name, used] as const) : [];
}

function usedIn(expression: Expression): readonly string[] {
  if ('input' in expression) return [expression.input];
  if ('compare' in expression) return [...usedIn(expression.left), ...usedIn(expression.right)];
  if ('all' in expression) return expression.all.flatMap(usedIn);
  if ('any' in expression) return expression.any.flatMap(usedIn);
  if ('not' in expression) return usedIn(expression.not);
  if ('text' in expression) return usedIn(expression.text);
  return 'number' in expression ? usedIn(expression.number) : [];
}

/** Returns the names along one cycle, with the first name repeated at the end. */
function cycleIn(graph: Graph): readonly string[] | undefined {
  const done = new Set<string>();
  for (const start of Object.keys(graph.tasks)) {
    // An explicit stack: a chain of ten thousand tasks must not be a recursion of that depth.
    const trail: { readonly name: string; readonly needs: string[] }[] = [];
    const onTrail = new Set<string>();
    const enter = (name: string): void => {
      const task = graph.tasks[name];
      trail.push({ name, needs: task === undefined ? [] : [...needsOf(task)] });
      onTrail.add(name);
    };
    if (!done.has(start)) enter(start);
    for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
      const need = top.needs.pop();
      if (need === undefined) {
        done.add(top.name);
        onTrail.delete(top.name);
        trail.pop();
      } else if (onTrail.has(need)) {
        const names = trail.map(({ name }) => name);
        return [...names.slice(names.indexOf(need)), need];
      } else if (!done.has(need)) enter(need);
    }
  }
  return undefined;
}
