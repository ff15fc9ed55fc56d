import type { Resource } from '@dais/api';
import type { ControllerPlan } from '#kernel/kind.ts';
import { presentReport, type ProbeRow } from '#ledgers/executions/index.ts';

/** A target with problems is tested every minute, so that it is ready soon after the remedy. */
const RETRY_MS = 60_000;
const RECHECK_MS = 10 * 60_000;

/** Returns whether a probe is too old to be reported. */
export function isStale({ report, at, generation }: ProbeRow, current: number, now: number): boolean {
  const age = now - at.getTime();
  // The timer of a recheck can be a little early.
  const limit = (report.problems.length > 0 ? RETRY_MS : RECHECK_MS) * 0.9;
  return generation !== current || age >= limit;
}

/** Pure: computes the status of a target from its newest probe. Has no effects. */
export function planTarget({ metadata: { name } }: Resource, probe: ProbeRow | undefined): ControllerPlan<never> {
  if (probe === undefined) return { effects: [], conditions: [] };
  const { report, at } = probe;
  const [problem, ...others] = report.problems;
  const isReady = problem === undefined;
  const more = others.length === 0 ? '' : ` ${others.length} more: see \`status.problems\`.`;
  return {
    effects: [],
    conditions: [
      {
        type: 'Ready',
        status: isReady ? 'True' : 'False',
        reason: isReady ? 'Ready' : 'Problems',
        message: isReady ? 'Steps can run there.' : `${problem}${more}`,
      },
    ],
    status: { used: isReady, ...presentReport(report), probedAt: at.toISOString() },
    recheckAfterMs: isReady ? RECHECK_MS : RETRY_MS,
    wakeOn: [`Target/${name}`],
  };
}
