/** The runs that were loaded so far, patched by what happened since. Pure: runs that stay the same stay identical. */
import type { Run } from '@dais/api/tracking';

export interface RunsPage {
  readonly items: readonly Run[];
  /** Where the next one begins; undefined: this was the last. */
  readonly next: RunsPosition | undefined;
}

export interface RunsPosition {
  /** Which of the experiments, where these are read one after the other. */
  readonly at: number;
  readonly cursor: string | undefined;
}

/** Replaces those that are there. */
export function replaceRuns(pages: readonly RunsPage[], fresh: readonly Run[]): readonly RunsPage[] {
  const byId = new Map(fresh.map((run) => [run.id, run]));
  return pages.map((page) =>
    page.items.some(({ id }) => byId.has(id))
      ? { ...page, items: page.items.map((run) => byId.get(run.id) ?? run) }
      : page,
  );
}

/** Adds those that are not there, where the server would have them: the newest first. Older than all: a later page has them. */
export function insertRuns(pages: readonly RunsPage[], fresh: readonly Run[]): readonly RunsPage[] {
  const known = new Set(pages.flatMap(({ items }) => items.map(({ id }) => id)));
  let after = pages;
  for (const run of fresh) {
    if (!known.has(run.id)) after = insertRun(after, run);
  }
  return after;
}

function insertRun(pages: readonly RunsPage[], run: Run): readonly RunsPage[] {
  const isBehind = (other: Run) =>
    other.startedAt < run.startedAt || (other.startedAt === run.startedAt && other.id > run.id);
  const at = pages.findIndex(({ items }) => items.some(isBehind));
  const last = pages.at(-1);
  if (at < 0) {
    if (last === undefined || last.next !== undefined) return pages;
    return [...pages.slice(0, -1), { ...last, items: [...last.items, run] }];
  }
  return pages.map((page, index) => {
    if (index !== at) return page;
    const position = page.items.findIndex(isBehind);
    return { ...page, items: [...page.items.slice(0, position), run, ...page.items.slice(position)] };
  });
}
