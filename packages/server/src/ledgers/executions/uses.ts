/** What the steps of a plan use that somebody must be permitted to use. */
import type { Call } from '#kernel/dispatch.ts';
import type { Graph } from './machine/plan.ts';

type PlanUse = { readonly secret: string } | { readonly unisolated: true };

/** Whoever has a step use a Secret uses it. @throws DaisError `forbidden` */
export async function authorizePlan(call: Pick<Call, 'authorize' | 'tenant'>, plan: Graph): Promise<void> {
  const { tenant } = call;
  for (const use of usesOf(plan)) {
    await ('secret' in use
      ? call.authorize({ kind: 'Secret', name: use.secret }, tenant, 'secret:use')
      : call.authorize({ kind: 'Execution' }, tenant, 'execution:unisolated'));
  }
}

/** Each once. */
function usesOf(plan: Graph): readonly PlanUse[] {
  const secrets = new Set<string>();
  let unisolated = false;
  const visit = ({ tasks }: Graph): void => {
    for (const { body } of Object.values(tasks)) {
      if ('graph' in body) visit(body.graph);
      else {
        unisolated ||= body.step.isolation === 'none';
        for (const { secret } of Object.values(body.step.secrets)) secrets.add(secret);
      }
    }
  };
  visit(plan);
  return [...[...secrets].map((secret) => ({ secret })), ...(unisolated ? [{ unisolated: true as const }] : [])];
}
