/** Whether the new version of an endpoint is worse than the current one: when an interval ends, and what its evidence means. */
import {
  describeRolloutCheck,
  type EndpointSpec,
  type RolloutAnalysis,
  type RolloutCheck,
  type RolloutFigures,
} from '@dais/api/serving';
import {
  addInterval,
  analyzeEvidence,
  settingsOf,
  weightOf,
  type RecordedInterval,
  type RolloutRow,
  type StepFacts,
} from '#ledgers/serving/index.ts';

type Limits = EndpointSpec['rollout'];

export interface RolloutEvaluation {
  readonly status: 'pending' | 'passed' | 'failed';
  readonly message: string;
}

/** An interval ends after this time, if both versions have served some requests, and after a minute in any case. */
const SHORTEST_MS = 5000;
const LONGEST_MS = 60_000;
const SOME_REQUESTS = 5;
/** Intervals of a long step are longer, so that it has some hundred of them. */
const PART_OF_STEP = 50;

/**
 * Returns the interval in progress with its evidence, if it ends now. That depends on times and numbers of requests alone:
 * ends that depended on failures or latencies would raise the false-alarm rate. Pure.
 */
export function takeInterval(
  limits: Limits,
  rollout: Pick<RolloutRow, 'weights' | 'step' | 'automatic' | 'evidence'>,
  { startedMs, canary: total, interval, counters }: StepFacts,
  nowMs: number,
): RecordedInterval | undefined {
  if (interval === undefined) return undefined;
  const { stable, canary } = interval;
  const weight = weightOf(rollout);
  const age = nowMs - interval.startedMs;
  const few = Math.min(canary.requests, weight >= 100 ? Infinity : stable.requests) < SOME_REQUESTS;
  const elapsed = nowMs - startedMs;
  const isLong = age >= Math.min(LONGEST_MS, Math.max(SHORTEST_MS, elapsed / PART_OF_STEP));
  // The last interval of a step ends with it, so that no step passes without evidence.
  const isLast = rollout.automatic && canary.requests > 0 && isComplete(limits, elapsed, total);
  if (!isLast && !(isLong && !few) && age < LONGEST_MS) return undefined;
  const evidence = addInterval(settingsOf(limits), rollout.evidence ?? undefined, { weight, stable, canary });
  return {
    weight,
    stable,
    canary,
    startedMs: interval.startedMs,
    endedMs: nowMs,
    evidence,
    analysis: analyzeEvidence(limits, evidence),
    next: counters,
  };
}

function isComplete({ minimumRequests, bakeSeconds }: Limits, elapsedMs: number, { requests }: RolloutFigures) {
  return requests >= minimumRequests && elapsedMs >= bakeSeconds * 1000;
}

/** `canary`: requests of this step. `analysis`: of all steps; undefined: no interval has ended. Pure. */
export function evaluateRollout(
  limits: Limits,
  elapsedMs: number,
  canary: RolloutFigures,
  analysis: RolloutAnalysis | undefined,
): RolloutEvaluation {
  const failing = analysis?.checks.find(({ status }) => status === 'failing');
  if (analysis !== undefined && failing !== undefined) {
    return { status: 'failed', message: describeFailure(failing, analysis, limits) };
  }
  if (canary.requests < limits.minimumRequests) {
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

function describeFailure(check: RolloutCheck, { canary, stable }: RolloutAnalysis, limits: Limits): string {
  const share = ({ failed, requests }: RolloutFigures) => (requests === 0 ? 0 : failed / requests);
  const texts = describeRolloutCheck(check);
  const evidence = `Evidence: ${texts.evidence}.`;
  const interval = texts.interval === '' ? '' : ` (${texts.interval})`;
  switch (check.check) {
    case 'errors': {
      const rates = `${canary.failed} of ${canary.requests} requests failed (${percent(share(canary))}), compared with ${percent(share(stable))} of the active version in the same intervals`;
      return `${rates}. The increase is ${texts.estimate}${interval}. ${evidence}`;
    }
    case 'latency': {
      const times = `The latency is ${texts.estimate} that of the active version in the same intervals${interval}`;
      return `${times}. The median is ${canary.p50Ms} ms, compared with ${stable.p50Ms} ms. ${evidence}`;
    }
    case 'tailLatency': {
      const p99 = `The p99 latency is ${canary.p99Ms} ms, compared with ${stable.p99Ms} ms of the active version in the same intervals`;
      return `${p99}. The limit is ${texts.limit}. ${evidence}`;
    }
    case 'errorsAtFullTraffic':
      return `${texts.estimate} of the requests failed at full traffic. The limit is ${texts.limit}. ${evidence}`;
    default: {
      const part = `The p99 latency exceeded ${limits.latencyRatio} times that of the active version in ${texts.estimate} of the intervals at full traffic`;
      return `${part}. The limit is ${texts.limit}. ${evidence}`;
    }
  }
}

const percent = (share: number) => `${round(share * 100)} %`;
const round = (value: number) => Math.round(value * 100) / 100;
