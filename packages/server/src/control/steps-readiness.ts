import { nodeWork, rolesWith, type NodeRole } from '@dais/api/access';
import { countNoun } from '@dais/api';
import type { OpenedLedgers } from '#compose/open-ledgers.ts';
import type { ReadinessCheck } from '#http/metrics/probe-routes.ts';

type Ledgers = Pick<OpenedLedgers, 'nodes' | 'executions'>;

/**
 * Warns while steps wait and no live node runs steps. The check never fails: the process itself works. Only on nodes that accept or
 * schedule jobs.
 */
export async function stepsReadiness(
  role: NodeRole,
  { nodes, executions }: Ledgers,
): Promise<readonly ReadinessCheck[]> {
  const work = nodeWork[role];
  if ((!work.api && !work.controller) || nodes.liveWorkers() > 0) return [];
  const roles = rolesWith('steps').join(' or ');
  const queued = await executions.countQueued().catch(() => undefined);
  // Without the database, its own check fails.
  if (queued === undefined) return [];
  const waiting = queued === 0 ? 'no step waits' : `${countNoun(queued, 'step')} wait${queued === 1 ? 's' : ''}`;
  const detail = `no ready node has the role ${roles}, so no node runs steps; ${waiting}`;
  return [
    { name: 'steps', ok: true, detail, remedy: 'Start a node with `role: worker`, or resume one that was drained.' },
  ];
}
