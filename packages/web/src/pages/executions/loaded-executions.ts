/** The loaded executions, patched with changes. Pure functions: unchanged executions stay identical. */
import type { Execution, ExecutionState } from '@dais/api/executions';

export interface ExecutionsPage {
  readonly items: readonly Execution[];
  readonly nextCursor?: string | undefined;
}

export interface ExecutionFilter {
  readonly state: ExecutionState | undefined;
  /** A part of the name. */
  readonly name: string;
}

function fits({ state, name }: ExecutionFilter, run: Execution): boolean {
  return (state === undefined || run.state === state) && run.name.toLowerCase().includes(name.toLowerCase());
}

/**
 * Replaces loaded executions and adds new ones, the newest first; removes those that no longer match the filter and
 * those in `gone`.
 */
export function patchExecutions(
  pages: readonly ExecutionsPage[],
  fresh: readonly Execution[],
  filter: ExecutionFilter,
  gone: ReadonlySet<string> = new Set(),
): readonly ExecutionsPage[] {
  const [head] = pages;
  if (head === undefined) return pages;
  const byId = new Map(fresh.map((run) => [run.id, run]));
  const known = new Set(pages.flatMap(({ items }) => items.map(({ id }) => id)));
  const newest = head.items[0]?.createdAt ?? 0;
  const added = fresh
    .filter((run) => !known.has(run.id) && !gone.has(run.id) && run.createdAt >= newest && fits(filter, run))
    .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
  return pages.map((page, at) => {
    const items = page.items.flatMap((run) => {
      const next = byId.get(run.id) ?? run;
      if (gone.has(run.id) || !fits(filter, next)) return [];
      return same(run, next) ? [run] : [next];
    });
    const whole = at === 0 ? [...added, ...items] : items;
    const stays = whole.length === page.items.length && whole.every((run, index) => run === page.items[index]);
    return stays ? page : { ...page, items: whole };
  });
}

function same(a: Execution, b: Execution): boolean {
  return (
    a === b ||
    (a.state === b.state &&
      a.cancelRequested === b.cancelRequested &&
      a.startedAt === b.startedAt &&
      a.endedAt === b.endedAt)
  );
}
