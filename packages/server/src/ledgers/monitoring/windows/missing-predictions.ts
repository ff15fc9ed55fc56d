/** Predictions that nodes have captured and not collected. */
import type { MissingCollections } from '#ledgers/predictions/index.ts';
import type { OpenWindow } from './window.ts';

/** Returns problems for nodes whose predictions of the window that starts at `cursor` (in ms) can be missing. Pure. */
export function missingPredictions({ late, gone }: MissingCollections, cursor: number): OpenWindow['problems'] {
  // A node without contact since then has none.
  const stopped = gone.filter(({ lastContactAt }) => lastContactAt.getTime() >= cursor).map(({ host }) => host);
  const problem = (hosts: readonly string[], why: string) =>
    hosts.length === 0 ? [] : [{ metric: 'missing_predictions', reason: `${hosts.join(', ')}: ${why}` }];
  return [
    ...problem(late, 'not collected within a minute. Predictions of the window can be missing.'),
    ...problem(stopped, 'not running. Predictions of the window that are only on disk there are missing.'),
  ];
}
