/** Finds the engine of an attempt: that of this machine, or that of a compute target. */
import { computeAt, targetOfPlace, type PlacedCompute, type PlacedEngines } from '../targets/compute-targets.ts';
import type { Step } from '../machine/plan.ts';
import type { AttemptClaim } from './attempts.ts';
import { CANCELED, lost, refusal, refused, type Outcome } from './step-outcome.ts';

/**
 * Returns the engine of the attempt, or the end of an attempt that has none.
 * @throws DaisError `target_unavailable`: the attempt waits
 */
export async function placeStep(
  engines: PlacedEngines,
  claim: AttemptClaim,
  { step, canceled }: { readonly step: Step; readonly canceled: AbortSignal },
): Promise<PlacedCompute | Outcome> {
  try {
    const placed = await computeAt(engines, claim);
    if (placed !== undefined) return placed;
  } catch (error) {
    const refusedAs = refusal(error);
    if (refusedAs !== undefined) return refusedAs;
    // Nobody waits for the target any more. The worker removes the task when it can.
    if (canceled.aborted && !claim.started) return CANCELED;
    throw error;
  }
  if (targetOfPlace(claim.place) === undefined) {
    return lost('the process that ran it, on another machine, no longer exists');
  }
  const remedy = 'Apply it again, or choose another target with `target` of the step or of the project.';
  return refused(`The target "${step.target ?? ''}" does not exist. ${remedy}`);
}
