/** The steps of a rerun. Pure functions. */
import { downstreamOf, parentOf, type Marks } from './marks.ts';
import type { Edge } from './use-marks.ts';

export interface AgainPlan {
  /** Succeeded steps that run again, for the server. */
  readonly again: readonly string[];
  readonly runs: readonly string[];
  /** Steps that are reused where they would be identical. */
  readonly kept: readonly string[];
}

/** `from`: a step that runs again with its successors; undefined: the unsuccessful steps. */
export function againFrom(marks: Marks, edges: readonly Edge[], from: string | undefined): AgainPlan {
  const outer = [...marks.values()].filter(({ path }) => parentOf(path) === '');
  const anew = from === undefined ? new Set<string>() : downstreamOf(from, edges);
  const runs = outer.filter(({ path, state }) => anew.has(path) || state !== 'succeeded');
  const kept = outer.filter((mark) => !runs.includes(mark));
  const names = (of: typeof outer) => of.map(({ path }) => path).toSorted();
  return { again: names(outer.filter(({ path }) => anew.has(path))), runs: names(runs), kept: names(kept) };
}
