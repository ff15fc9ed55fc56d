/** Whether the new version of an endpoint does as well as the one before, by what was counted in one step. */
import type { EndpointSpec, RolloutFigures } from '@dais/api/serving';

type Limits = EndpointSpec['rollout'];

export interface RolloutEvaluation {
  readonly status: 'pending' | 'passed' | 'failed';
  readonly message: string;
}

/** Enough failures to decide without more requests. */
const OBVIOUS = { failed: 5, share: 0.2 };

/** Pure. `stable`: of this step, or of the last one in which it answered enough; undefined: of none. */
export function evaluateRollout(
  limits: Limits,
  elapsedMs: number,
  canary: RolloutFigures,
  stable: RolloutFigures | undefined,
): RolloutEvaluation {
  const share = (of: RolloutFigures) => (of.requests === 0 ? 0 : of.failed / of.requests);
  const before = stable === undefined ? 0 : share(stable);
  const now = share(canary);
  const obvious = canary.failed >= OBVIOUS.failed && now > before + Math.max(limits.errorShare, OBVIOUS.share);
  const enough = canary.requests >= limits.minimumRequests;
  if ((obvious || enough) && now > before + limits.errorShare) {
    const detail = `${canary.failed} of ${canary.requests} requests failed (${percent(now)}), compared with ${percent(before)} of the active version`;
    return { status: 'failed', message: `${detail}. The limit for the difference is ${percent(limits.errorShare)}.` };
  }
  const limit = Math.max(limits.latencyMs, (stable?.p99Ms ?? 0) * limits.latencyRatio);
  // Without a latency of the active version there is no comparison.
  const slow = stable?.p99Ms != null && canary.p99Ms !== null && canary.p99Ms > limit;
  if (enough && slow) {
    const detail = `The p99 latency is ${canary.p99Ms} ms, compared with ${stable?.p99Ms} ms of the active version`;
    return { status: 'failed', message: `${detail}. The limit is ${round(limit)} ms.` };
  }
  if (!enough) {
    const message = `${canary.requests} of ${limits.minimumRequests} required requests received before evaluation.`;
    return { status: 'pending', message };
  }
  const leftMs = limits.bakeSeconds * 1000 - elapsedMs;
  if (leftMs > 0) return { status: 'pending', message: `Passing. The step ends in ${Math.ceil(leftMs / 1000)} s.` };
  const seen =
    canary.requests === 0 ? 'No requests were received' : `${canary.failed} of ${canary.requests} requests failed`;
  const latency = canary.p99Ms === null ? '' : `, p99 latency ${canary.p99Ms} ms`;
  return { status: 'passed', message: `${seen}${latency}.` };
}

const percent = (share: number) => `${round(share * 100)} %`;
const round = (value: number) => Math.round(value * 100) / 100;
