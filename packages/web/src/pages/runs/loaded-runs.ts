/** The loaded runs, patched with changes. Pure functions: unchanged runs stay identical. */
import type { Run } from '@dais/api/tracking';

export interface RunsPage {
  readonly items: readonly Run[];
  /** Cursor of the next page; undefined: this is the last. */
  readonly next: RunsPosition | undefined;
}

export interface RunsPosition {
  /** Index of the experiment, where these are read one after the other. */
  readonly at: number;
  readonly cursor: string | undefined;
}

/** Replaces loaded runs. */
export function replaceRuns(pages: readonly RunsPage[], fresh: readonly Run[]): readonly RunsPage[] {
  const byId = new Map(fresh.map((run) => [run.id, run]));
  return pages.map((page) =>
    page.items.some(({ id }) => byId.has(id))
      ? { ...page, items: page.items.map((run) => byId.get(run.id) ?? run) }
      : page,
  );
}

/** Adds new runs in the server's order, newest first. A later page has runs older than all loaded ones. */
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
