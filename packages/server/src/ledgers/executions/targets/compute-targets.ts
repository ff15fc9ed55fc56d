/** Where attempts run: on the machines of the server, or on a compute target. */
import type { Compute } from '#engines/compute/contract.ts';
import type { TargetCompute, TargetReport } from '#engines/compute/model/target.ts';

/** The compute targets outside of the machines of the server. */
export interface ComputeTargets {
  /**
   * Returns the engine of a project on a target, opened with the present spec of the target. Undefined: the target was deleted.
   * @throws DaisError `target_unavailable`
   */
  open(uid: string, projectId: string): Promise<TargetCompute | undefined>;
  /** Undefined: the target was deleted. */
  probe(
    uid: string,
    options: { readonly pods: boolean; readonly signal: AbortSignal },
  ): Promise<TargetReport | undefined>;
}

const PREFIX = 'target/';

/** Returns the place of the attempts of a target: any process that reaches the target can supervise them. */
export function placeOfTarget(uid: string): string {
  return `${PREFIX}${uid}`;
}

/** Returns the uid of the target of a place. Undefined for the machines of the server. */
export function targetOfPlace(place: string): string | undefined {
  return place.startsWith(PREFIX) ? place.slice(PREFIX.length) : undefined;
}

export interface PlacedEngines {
  readonly place: () => string;
  readonly compute: () => Promise<Compute>;
  readonly targets?: ComputeTargets | undefined;
}

export type PlacedCompute =
  | { readonly compute: Compute; readonly target?: undefined }
  | { readonly compute: TargetCompute; readonly target: TargetCompute };

/**
 * Returns the engine that has an attempt. Undefined: another machine has it, or the target was deleted.
 * @throws DaisError `target_unavailable`
 */
export async function computeAt(
  { place, compute, targets }: PlacedEngines,
  attempt: { readonly place: string; readonly projectId: string },
): Promise<PlacedCompute | undefined> {
  if (attempt.place === place()) return { compute: await compute() };
  const uid = targetOfPlace(attempt.place);
  const target = uid === undefined ? undefined : await targets?.open(uid, attempt.projectId);
  return target && { compute: target, target };
}
