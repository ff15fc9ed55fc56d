/** What runs when a run is done again. Pure. */
import { downstreamOf, parentOf, type Marks } from './marks.ts';
import type { Edge } from './use-marks.ts';

export interface AgainPlan {
  /** Steps that run although they succeeded: what the server is told. */
  readonly again: readonly string[];
  readonly runs: readonly string[];
  /** Taken over, where they would be the same. */
  readonly kept: readonly string[];
}

/** `from`: a step that runs anew with all that comes after it; undefined: what did not succeed. */
export function againFrom(marks: Marks, edges: readonly Edge[], from: string | undefined): AgainPlan {
  const outer = [...marks.values()].filter(({ path }) => parentOf(path) === '');
  const anew = from === undefined ? new Set<string>() : downstreamOf(from, edges);
  const runs = outer.filter(({ path, state }) => anew.has(path) || state !== 'succeeded');
  const kept = outer.filter((mark) => !runs.includes(mark));
  const names = (of: typeof outer) => of.map(({ path }) => path).toSorted();
  return { again: names(outer.filter(({ path }) => anew.has(path))), runs: names(runs), kept: names(kept) };
}
