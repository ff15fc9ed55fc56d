/** The steps and groups of an execution by path, received in pages. Pure functions: unchanged marks stay identical. */
import type { ExecutionMark } from '@dais/api/executions';

export type Marks = ReadonlyMap<string, ExecutionMark>;

export interface MarksPatch {
  readonly marks: Marks;
  /** There are new marks. */
  readonly grown: boolean;
}

/** The same map where nothing changed. */
export function patchMarks(marks: Marks, fresh: readonly ExecutionMark[]): MarksPatch {
  const changed = fresh.filter((mark) => {
    const before = marks.get(mark.path);
    return before === undefined || !same(before, mark);
  });
  if (changed.length === 0) return { marks, grown: false };
  const next = new Map(marks);
  for (const mark of changed) next.set(mark.path, mark);
  return { marks: next, grown: next.size > marks.size };
}

function same(a: ExecutionMark, b: ExecutionMark): boolean {
  return (
    a.state === b.state &&
    a.attempts === b.attempts &&
    a.source === b.source &&
    a.items === b.items &&
    a.startedAt === b.startedAt &&
    a.endedAt === b.endedAt
  );
}

/** Path of the parent group; '' is the execution itself. */
export function parentOf(path: string): string {
  const cut = path.lastIndexOf('/');
  return cut === -1 ? '' : path.slice(0, cut);
}

/** The children of each group, sorted by name; iterations by number. */
export function childrenOf(paths: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  const children = new Map<string, string[]>();
  for (const path of paths) {
    const parent = parentOf(path);
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [path]);
    else siblings.push(path);
  }
  for (const siblings of children.values()) siblings.sort(byName);
  return children;
}

const NUMBER = /^\d+$/;

function byName(a: string, b: string): number {
  const [one, other] = [a.slice(a.lastIndexOf('/') + 1), b.slice(b.lastIndexOf('/') + 1)];
  if (NUMBER.test(one) && NUMBER.test(other)) return Number(one) - Number(other);
  return one < other ? -1 : one > other ? 1 : 0;
}

export interface GroupCount {
  readonly steps: number;
  readonly ended: number;
  readonly failed: number;
  readonly running: number;
}

const ENDED: ReadonlySet<ExecutionMark['state']> = new Set(['succeeded', 'failed', 'skipped', 'blocked', 'canceled']);

export function hasEnded({ state }: Pick<ExecutionMark, 'state'>): boolean {
  return ENDED.has(state);
}

/** Progress of each group, with all descendants. Groups that have not opened are absent. */
export function countGroups(marks: Marks): ReadonlyMap<string, GroupCount> {
  const counts = new Map<string, { steps: number; ended: number; failed: number; running: number }>();
  for (const mark of marks.values()) {
    if (mark.kind !== 'step') continue;
    for (let path = mark.path; path !== '';) {
      path = parentOf(path);
      const count = counts.get(path) ?? { steps: 0, ended: 0, failed: 0, running: 0 };
      count.steps += 1;
      if (hasEnded(mark)) count.ended += 1;
      if (mark.state === 'failed') count.failed += 1;
      if (mark.state === 'running') count.running += 1;
      counts.set(path, count);
    }
  }
  return counts;
}

/** Returns a step and all its successors on the same level, which a rerun includes. */
export function downstreamOf(
  from: string,
  edges: readonly (readonly [from: string, to: string])[],
): ReadonlySet<string> {
  const after = new Map<string, string[]>();
  for (const [source, target] of edges) after.set(source, [...(after.get(source) ?? []), target]);
  const found = new Set([from]);
  for (const path of found) for (const next of after.get(path) ?? []) found.add(next);
  return found;
}
