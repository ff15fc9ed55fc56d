/** Evaluates everything in production in a project, page by page. */
import type { Transaction } from '#kernel/transaction.ts';
import {
  evaluateResource,
  statePolicies,
  type EvaluationScope,
  type ProductionDependencies,
  type StatePolicy,
} from './evaluate-production.ts';
import type { ProductionScope } from './contract.ts';
import type { Rules } from '#policy/cedar/rules.ts';
import { endEvaluation, lockEvaluation, projectsWithViolations, storeViolation } from './violation-store.ts';

export interface EvaluatedProject {
  readonly projectId: string;
  readonly project: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

/** The position of an evaluation in the list of production resources. */
export interface EvaluationPosition {
  readonly source: number;
  readonly after?: ProductionScope;
}

export interface EvaluatedPage {
  readonly resources: number;
  readonly violations: number;
  /** Absent: the project is evaluated completely. */
  readonly next?: EvaluationPosition;
}

export interface PageLimits {
  readonly resources: number;
  readonly milliseconds: number;
}

const ROWS = 100;

/** In a transaction in the project. */
export async function evaluatePage(
  dependencies: ProductionDependencies,
  tx: Transaction,
  { projectId, project, startedAt }: EvaluatedProject,
  from: EvaluationPosition,
  limits: PageLimits,
): Promise<EvaluatedPage> {
  await lockEvaluation(tx);
  const rules = await dependencies.engine.rules.current(tx.sql);
  const policies = statePolicies(rules, project);
  const scope: EvaluationScope = { project, projectId, rules, policies };
  const end = performance.now() + limits.milliseconds;
  let [resources, violations] = [0, 0];
  for (let source = from.source; policies.length > 0 && source < dependencies.sources.length; source++) {
    let after = source === from.source ? from.after : undefined;
    for (;;) {
      const rows = (await dependencies.sources[source]?.list(tx, after, ROWS)) ?? [];
      for (const resource of rows) {
        if (resources >= limits.resources || performance.now() > end) {
          return { resources, violations, next: { source, ...(after !== undefined && { after }) } };
        }
        const found = await evaluateResource(dependencies, tx, scope, resource);
        for (const one of found) await storeViolation(tx, { ...one, uid: resource.uid }, startedAt);
        resources += 1;
        violations += found.length;
        after = { name: resource.name, alias: resource.alias ?? '' };
      }
      if (rows.length < ROWS) break;
    }
  }
  await endEvaluation(tx, startedAt);
  return { resources, violations };
}

/** Whether an evaluation of a project can find or end a violation. */
export async function needsEvaluation(
  tx: Transaction,
  rules: Rules,
  { projectId, project }: Pick<EvaluatedProject, 'projectId' | 'project'>,
): Promise<boolean> {
  if (evaluated(rules, project).length > 0) return true;
  const [row] = await tx.sql.query(
    'select 1 from policy.violation where project_id = $1 limit 1',
    [projectId],
    'has_violations',
  );
  return row !== undefined;
}

/** Returns every project of which an evaluation can find or end a violation; in a transaction that sees all projects. */
export async function projectsToEvaluate(tx: Transaction, rules: Rules): Promise<readonly string[]> {
  const violated = new Set(await projectsWithViolations(tx));
  const projects = await tx.sql.query<{ id: string; name: string }>(
    `select t.id, t.name from kernel.tenant t where t.name <> '' order by t.id`,
    [],
    'projects_of_policies',
  );
  return projects.flatMap(({ id, name }) => (violated.has(id) || evaluated(rules, name).length > 0 ? [id] : []));
}

const known = new WeakMap<Rules, Map<string, readonly StatePolicy[]>>();

/** Like `statePolicies`, which is called for every event. */
function evaluated(rules: Rules, project: string): readonly StatePolicy[] {
  const byProject = known.get(rules) ?? new Map<string, readonly StatePolicy[]>();
  known.set(rules, byProject);
  const found = byProject.get(project) ?? statePolicies(rules, project);
  byProject.set(project, found);
  return found;
}
