/** What the steps of a plan use that somebody must be permitted to use. */
import type { Call } from '#kernel/dispatch.ts';
import type { Graph } from './machine/plan.ts';

type PlanUse = { readonly secret: string } | { readonly kind: string; readonly may: string };

/** What the platform writes for a step, whoever has it run may write. */
const TRACKED = [
  { kind: 'Experiment', may: 'experiment:create' },
  { kind: 'Run', may: 'run:create' },
];

/** Whoever has a step use a Secret uses it. @throws DaisError `forbidden` */
export async function authorizePlan(call: Pick<Call, 'authorize' | 'tenant'>, plan: Graph): Promise<void> {
  const { tenant } = call;
  for (const use of usesOf(plan)) {
    await ('secret' in use
      ? call.authorize({ kind: 'Secret', name: use.secret }, tenant, 'secret:use')
      : call.authorize({ kind: use.kind }, tenant, use.may));
  }
}

/** Each once. */
function usesOf(plan: Graph): readonly PlanUse[] {
  const secrets = new Set<string>();
  let unisolated = false;
  let tracked = false;
  const visit = ({ tasks }: Graph): void => {
    for (const { body } of Object.values(tasks)) {
      if ('graph' in body) visit(body.graph);
      else {
        unisolated ||= body.step.isolation === 'none';
        tracked ||= body.step.tracking !== undefined;
        for (const { secret } of Object.values(body.step.secrets)) secrets.add(secret);
      }
    }
  };
  visit(plan);
  return [
    ...[...secrets].map((secret) => ({ secret })),
    ...(unisolated ? [{ kind: 'Execution', may: 'execution:unisolated' }] : []),
    ...(tracked ? TRACKED : []),
  ];
}
