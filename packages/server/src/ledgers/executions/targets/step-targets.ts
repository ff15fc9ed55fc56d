/** Chooses the target of each step of a plan when its run starts, and checks what the steps request there. */
import { DaisError, nearest, type Issue } from '@dais/api';
import type { TargetSpec } from '@dais/api/executions';
import { readResource } from '#kernel/store.ts';
import { ORGANIZATION, tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Graph, Step, Task } from '../machine/plan.ts';
import { readTargets } from './target-rows.ts';

/** The machines of the server. This target exists even without a Target resource. */
export const LOCAL_TARGET = 'local';

/** Reads a resource of the organization, whose rows are outside of the project. */
export async function readOfOrganization<Spec>(tx: Transaction, kind: string, name: string): Promise<Spec | undefined> {
  const home = tx.projectId;
  await tx.enter(ORGANIZATION);
  const row = await readResource(tx.sql, ORGANIZATION, kind, name);
  await tx.enter(home);
  return row?.spec as Spec | undefined;
}

/** Returns the target of steps that name none, which may not exist. */
export async function defaultTarget(tx: Transaction): Promise<string> {
  return (await readDefault(tx)).target;
}

async function readDefault(tx: Transaction): Promise<{ readonly project: string; readonly target: string }> {
  const project = (await tenantNames(tx.sql, [tx.projectId])).get(tx.projectId) ?? '';
  const spec = await readOfOrganization<{ readonly target?: string }>(tx, 'Project', project);
  return { project, target: spec?.target ?? LOCAL_TARGET };
}

/**
 * Returns the plan with the target of each step that does not run on the machines of the server. In the plan of a former run (`isPlaced`), steps
 * without a target ran there, whatever the project names now.
 * @throws DaisError `invalid_request` for targets and pools that do not exist
 */
export async function chooseTargets(tx: Transaction, plan: Graph, { isPlaced = false } = {}): Promise<Graph> {
  const { project, target: ofProject } = await readDefault(tx);
  const preset = isPlaced ? LOCAL_TARGET : ofProject;
  const named = stepsOf(plan);
  const isLocal = ({ target = preset, pool }: Step) => target === LOCAL_TARGET && pool === undefined;
  if (named.every(({ step }) => isLocal(step))) return mapSteps(plan, withoutTarget);
  const known = (await readTargets(tx.sql)).map(({ name }) => name);
  const specs = new Map<string, TargetSpec | undefined>();
  const issues: Issue[] = [];
  for (const { path, step } of named) {
    if (isLocal(step)) continue;
    const { target = preset, pool } = step;
    if (target !== LOCAL_TARGET && !known.includes(target)) {
      issues.push(unknownTarget(path, target, [LOCAL_TARGET, ...known], step.target === undefined));
      continue;
    }
    if (!specs.has(target)) specs.set(target, await readOfOrganization<TargetSpec>(tx, 'Target', target));
    const { projects, pools = {} } = specs.get(target) ?? {};
    if (projects?.includes(project) === false) issues.push(foreignTarget(path, target, project));
    else if (pool !== undefined && pools[pool] === undefined) {
      issues.push(unknownPool(path, { target, pool, pools: Object.keys(pools) }));
    }
  }
  if (issues.length > 0) throw new DaisError('invalid_request', 'The targets of the steps are not valid.', { issues });
  return mapSteps(plan, (step) => {
    const { target = preset } = step;
    return target === LOCAL_TARGET ? withoutTarget(step) : { ...step, target };
  });
}

function withoutTarget(step: Step): Step {
  const { target: _, ...rest } = step;
  return rest;
}

function unknownTarget(path: string, target: string, known: readonly string[], isDefault: boolean): Issue {
  const similar = nearest(target, known);
  const from = isDefault ? ' (`spec.target` of the project)' : '';
  return {
    path: `steps.${path}.target`,
    message: `the target "${target}"${from} does not exist`,
    expected: similar ?? `one of ${known.join(', ')}`,
  };
}

function foreignTarget(path: string, target: string, project: string): Issue {
  return {
    path: `steps.${path}.target`,
    message: `the target "${target}" is not for the project "${project}"`,
    expected: `another target, or "${project}" in \`spec.projects\` of the target`,
  };
}

function unknownPool(
  path: string,
  { target, pool, pools }: { readonly target: string; readonly pool: string; readonly pools: readonly string[] },
): Issue {
  return {
    path: `steps.${path}.pool`,
    message: `the target "${target}" has no pool "${pool}"`,
    expected: pools.length === 0 ? 'no pool' : (nearest(pool, pools) ?? `one of ${pools.join(', ')}`),
  };
}

interface StepAt {
  readonly path: string;
  readonly step: Step;
}

function stepsOf(graph: Graph, below = ''): StepAt[] {
  return Object.entries(graph.tasks).flatMap(([name, { body }]) => {
    const path = `${below}${name}`;
    return 'graph' in body ? stepsOf(body.graph, `${path}/`) : [{ path, step: body.step }];
  });
}

function mapSteps(graph: Graph, change: (step: Step) => Step): Graph {
  const tasks = Object.entries(graph.tasks).map(([name, task]): [string, Task] => {
    const { body } = task;
    return [
      name,
      { ...task, body: 'graph' in body ? { graph: mapSteps(body.graph, change) } : { step: change(body.step) } },
    ];
  });
  return { ...graph, tasks: Object.fromEntries(tasks) };
}
