/**
 * Sums of decision trees, and their exact Shapley values against background rows (interventional TreeSHAP: Lundberg et al.,
 * "From local explanations to global understanding with explainable AI for trees", 2020, algorithm of appendix; v(S) is the
 * mean over the background rows r of f(x on S, r elsewhere)). Path-dependent TreeSHAP needs how many training rows reached
 * each node, which ONNX files do not have: converters write 1 there.
 */

/** The condition of the `yes` branch: value ≤ threshold, and so on, in float32 as the runtime compares. */
export const MODES = ['LEQ', 'LT', 'GTE', 'GT', 'EQ', 'NEQ'] as const;

/** Nodes by number, the root is 0. */
export interface Tree {
  /** -1 for a leaf. */
  readonly feature: Int32Array;
  readonly threshold: Float32Array;
  /** Index in MODES. */
  readonly mode: Uint8Array;
  readonly yes: Int32Array;
  readonly no: Int32Array;
  /** The branch of a missing value (NaN). */
  readonly missing: Int32Array;
  /** Of leaves: nodes × outputs. */
  readonly values: Float64Array;
}

export interface TreeEnsemble {
  readonly features: number;
  readonly outputs: number;
  /** One for each output. */
  readonly base: Float64Array;
  readonly trees: readonly Tree[];
}

/** More differing features than this on one path are refused when a model is read. */
export const DEEPEST = 64;

/** f(row) before any transformation of the sum. */
export function treeSum(ensemble: TreeEnsemble, row: ArrayLike<number>, output: number): number {
  let sum = ensemble.base[output] ?? 0;
  for (const tree of ensemble.trees) {
    let node = 0;
    while ((tree.feature[node] as number) >= 0) node = childOf(tree, node, row);
    sum += tree.values[node * ensemble.outputs + output] as number;
  }
  return sum;
}

/**
 * Adds φ of each feature for one row, exactly; Σφ + the mean of f over the background = f(row). O(background × trees ×
 * leaves).
 */
export function treeShapley(
  ensemble: TreeEnsemble,
  row: ArrayLike<number>,
  background: readonly ArrayLike<number>[],
  output: number,
): Float64Array {
  const walk = new Walk(ensemble, row, output, 1 / background.length);
  for (const other of background) for (const tree of ensemble.trees) walk.add(tree, other);
  return walk.attributions;
}

/** The source of each feature's value on the path to a node: the row or the background. */
const OPEN = 0;
const OF_ROW = 1;
const OF_BACKGROUND = 2;

class Walk {
  readonly attributions: Float64Array;
  readonly #row: ArrayLike<number>;
  readonly #outputs: number;
  readonly #output: number;
  readonly #share: number;
  readonly #side: Uint8Array;
  readonly #fromRow = new Int32Array(DEEPEST);
  readonly #fromBackground = new Int32Array(DEEPEST);
  #ofRow = 0;
  #ofBackground = 0;

  constructor(ensemble: TreeEnsemble, row: ArrayLike<number>, output: number, share: number) {
    this.attributions = new Float64Array(ensemble.features);
    this.#side = new Uint8Array(ensemble.features);
    this.#row = row;
    this.#outputs = ensemble.outputs;
    this.#output = output;
    this.#share = share;
  }

  add(tree: Tree, other: ArrayLike<number>): void {
    this.#visit(tree, other, 0);
  }

  #visit(tree: Tree, other: ArrayLike<number>, node: number): void {
    const feature = tree.feature[node] as number;
    if (feature < 0) {
      this.#leaf((tree.values[node * this.#outputs + this.#output] as number) * this.#share);
      return;
    }
    const here = childOf(tree, node, this.#row);
    const there = childOf(tree, node, other);
    const side = this.#side[feature];
    if (here === there || side === OF_ROW) this.#visit(tree, other, here);
    else if (side === OF_BACKGROUND) this.#visit(tree, other, there);
    else {
      this.#side[feature] = OF_ROW;
      this.#fromRow[this.#ofRow++] = feature;
      this.#visit(tree, other, here);
      this.#ofRow--;
      this.#side[feature] = OF_BACKGROUND;
      this.#fromBackground[this.#ofBackground++] = feature;
      this.#visit(tree, other, there);
      this.#ofBackground--;
      this.#side[feature] = OPEN;
    }
  }

  /** A leaf reached with p features of the row and q of the background: (p-1)! q! / (p+q)! to each of p, less p! (q-1)! / (p+q)! to each of q. */
  #leaf(value: number): void {
    const p = this.#ofRow;
    const q = this.#ofBackground;
    if (p > 0) {
      const gain = value * weight(p, q);
      for (let at = 0; at < p; at++) this.attributions[this.#fromRow[at] as number]! += gain;
    }
    if (q > 0) {
      const loss = value * weight(q, p);
      for (let at = 0; at < q; at++) this.attributions[this.#fromBackground[at] as number]! -= loss;
    }
  }
}

/** (own-1)! others! / (own+others)!; 128! is 4e215, so none overflows. */
const FACTORIALS = new Float64Array(2 * DEEPEST + 1).fill(1);
for (let at = 1; at < FACTORIALS.length; at++) FACTORIALS[at] = at * (FACTORIALS[at - 1] as number);

function weight(own: number, others: number): number {
  return ((FACTORIALS[own - 1] as number) * (FACTORIALS[others] as number)) / (FACTORIALS[own + others] as number);
}

function childOf(tree: Tree, node: number, row: ArrayLike<number>): number {
  const value = row[tree.feature[node] as number] as number;
  if (Number.isNaN(value)) return tree.missing[node] as number;
  return (
    holds(tree.mode[node] as number, Math.fround(value), tree.threshold[node] as number)
      ? tree.yes[node]
      : tree.no[node]
  ) as number;
}

function holds(mode: number, value: number, threshold: number): boolean {
  switch (mode) {
    case 0:
      return value <= threshold;
    case 1:
      return value < threshold;
    case 2:
      return value >= threshold;
    case 3:
      return value > threshold;
    case 4:
      return value === threshold;
    default:
      return value !== threshold;
  }
}
