import type { Run } from '@dais/api/tracking';

/** Names of runs as headings: equal names are distinguished by ids. */
export function runTitles(runs: readonly Run[]): readonly string[] {
  return runs.map(({ id, name }) =>
    runs.some((other) => other.name === name && other.id !== id) ? `${name} (${id.slice(0, 8)})` : name,
  );
}
