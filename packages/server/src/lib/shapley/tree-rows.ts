/** The explanation of one row of a tree ensemble. Pure. */
import type { Shapley } from './coalitions.ts';
import { treeShapley, treeSum, type TreeEnsemble } from './tree-ensemble.ts';

export interface ExplainableRow {
  readonly row: ArrayLike<number>;
  readonly background: readonly ArrayLike<number>[];
  /** Default: that with the largest sum. */
  readonly output: number | undefined;
}

export interface ExplainedRow {
  readonly shapley: Shapley;
  readonly output: number;
}

export function explainTrees(trees: TreeEnsemble, { row, background, output: request }: ExplainableRow): ExplainedRow {
  const sums = Array.from({ length: trees.outputs }, (_, at) => treeSum(trees, row, at));
  const output = request ?? sums.reduce((best, value, at) => (value > (sums[best] as number) ? at : best), 0);
  const attributions = treeShapley(trees, row, background, output);
  const baseline = background.reduce((sum, other) => sum + treeSum(trees, other, output), 0) / background.length;
  return { shapley: { attributions, baseline, instance: sums[output] ?? 0, error: 0 }, output };
}
