/**
 * Reads the decision trees of an ONNX model whose graph is one TreeEnsemble, with at most a concatenation of columns
 * before it, for exact explanations: TreeEnsembleRegressor and TreeEnsembleClassifier of ai.onnx.ml 1 to 3, as written
 * by converters of XGBoost, LightGBM and scikit-learn, and with the columns of a signature as in `dais model convert`.
 */
import { ProtobufError } from '#lib/formats/protobuf-reader.ts';
import { readGraph, type GraphInput, type Node, type OnnxGraph } from './onnx-graph.ts';
import { DEEPEST, MODES, type Tree, type TreeEnsemble } from './tree-ensemble.ts';

export interface OnnxTrees extends TreeEnsemble {
  /** The elements, in order, are the features. */
  readonly inputs: readonly Pick<GraphInput, 'name' | 'width'>[];
  /** What the sums become in the model's own output: `NONE`, `LOGISTIC`, … The explanation is of the sums. */
  readonly transform: string;
}

/** Operators after the trees that do not change their output. */
const BEHIND = new Set(['ZipMap', 'Cast', 'Identity', 'Reshape', 'Squeeze', 'Normalizer', 'ArrayFeatureExtractor']);
/** Of Cast: the types in which a number stays what it is, but for what float32 has no room for. */
const WIDE = new Set([1, 11]);
/** Of inputs: float32, integers, truth values, float64. */
const NUMBERS = new Set([1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13]);
/** LightGBM's converter multiplies probabilities by a constant one. Of a classifier the sums are explained, not what becomes of them. */
const BEHIND_CLASSES = new Set([...BEHIND, 'Mul', 'Gather']);

/** Undefined where it has another shape, or trees deeper than can be explained. */
export function readOnnxTrees(model: Buffer): OnnxTrees | undefined {
  try {
    const graph = readGraph(model);
    const { nodes } = graph;
    const first = nodes.find(({ op }) => op.startsWith('TreeEnsemble'));
    const behind = first?.op === 'TreeEnsembleClassifier' ? BEHIND_CLASSES : BEHIND;
    if (first === undefined) return undefined;
    const before = new Set<Node>();
    const inputs = sourcesOf(first.inputs[0] ?? '', graph, before);
    const isAll = nodes.every((node) => node === first || before.has(node) || behind.has(node.op));
    if (!isAll || inputs === undefined || !areWhole(inputs, graph)) return undefined;
    return treesOf(first, inputs);
  } catch (error) {
    if (error instanceof ProtobufError) return undefined;
    throw error;
  }
}

/**
 * Returns the columns that `name` is computed from; undefined if a node changes the numbers. `before`: the nodes in
 * between.
 */
function sourcesOf(name: string, graph: OnnxGraph, before: Set<Node>): readonly GraphInput[] | undefined {
  const input = graph.inputs.find((one) => one.name === name);
  if (input !== undefined) return NUMBERS.has(input.type) ? [input] : undefined;
  const node = graph.nodes.find(({ outputs }) => outputs.includes(name));
  // A value that is used twice, or a cycle, is not a concatenation of columns.
  if (node === undefined || before.has(node)) return undefined;
  before.add(node);
  const int = (attribute: string) => node.attributes.get(attribute)?.ints[0];
  const isColumns = node.op === 'Concat' && int('axis') === 1;
  if (!isColumns && node.op !== 'Identity' && !(node.op === 'Cast' && WIDE.has(int('to') ?? 0))) return undefined;
  const parts = node.inputs.map((one) => sourcesOf(one, graph, before));
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

/** Each input of the model once; of several, how many elements each has must be known. */
function areWhole(inputs: readonly GraphInput[], graph: OnnxGraph): boolean {
  const names = new Set(inputs.map(({ name }) => name));
  const isEach = names.size === inputs.length && names.size === graph.inputs.length;
  return isEach && (inputs.length === 1 || inputs.every(({ width }) => width > 0));
}

function treesOf({ op, attributes }: Node, inputs: OnnxTrees['inputs']): OnnxTrees | undefined {
  const leaves = op === 'TreeEnsembleRegressor' ? 'target' : op === 'TreeEnsembleClassifier' ? 'class' : undefined;
  if (leaves === undefined || [...attributes.values()].some(({ tensor }) => tensor)) return undefined;
  const ints = (name: string) => attributes.get(name)?.ints ?? [];
  const floats = (name: string) => attributes.get(name)?.floats ?? [];
  const text = (name: string, without: string) => attributes.get(name)?.strings[0] ?? without;
  const aggregate = text('aggregate_function', 'SUM');
  if (aggregate !== 'SUM' && aggregate !== 'AVERAGE') return undefined;

  const nodes = new NodePositions(ints('nodes_treeids'), ints('nodes_nodeids'));
  const leafOutputs = ints(`${leaves}_ids`);
  const outputs =
    1 + Math.max(0, ...new Set(leafOutputs), ints('n_targets').length === 0 ? 0 : ints('n_targets')[0]! - 1);
  const scale = aggregate === 'AVERAGE' ? 1 / nodes.sizes.length : 1;
  const trees = nodes.sizes.map((size): Tree => emptyTree(size, outputs));
  const [feature, threshold] = [ints('nodes_featureids'), floats('nodes_values')];
  const modes = attributes.get('nodes_modes')?.strings ?? [];
  const [yes, no, missing] = [
    ints('nodes_truenodeids'),
    ints('nodes_falsenodeids'),
    ints('nodes_missing_value_tracks_true'),
  ];
  let features = 0;
  for (const [index, position] of nodes.all.entries()) {
    const tree = trees[position.tree] as Tree;
    const mode = modes[index] ?? 'BRANCH_LEQ';
    if (mode === 'LEAF') continue;
    const number = MODES.indexOf(mode.replace('BRANCH_', '') as (typeof MODES)[number]);
    const ways = [yes[index], no[index]].map((node) => nodes.find(position.tree, node));
    if (number === -1 || ways[0] === undefined || ways[1] === undefined) return undefined;
    features = Math.max(features, 1 + (feature[index] ?? 0));
    tree.feature[position.node] = feature[index] ?? 0;
    tree.threshold[position.node] = threshold[index] ?? 0;
    tree.mode[position.node] = number;
    tree.yes[position.node] = ways[0];
    tree.no[position.node] = ways[1];
    tree.missing[position.node] = missing[index] === 1 ? ways[0] : ways[1];
  }
  const [ofTrees, ofNodes, values] = [
    ints(`${leaves}_treeids`),
    ints(`${leaves}_nodeids`),
    floats(`${leaves}_weights`),
  ];
  for (const [index, output] of leafOutputs.entries()) {
    const tree = nodes.treeOf(ofTrees[index]);
    const node = tree === undefined ? undefined : nodes.find(tree, ofNodes[index]);
    if (tree === undefined || node === undefined) return undefined;
    (trees[tree] as Tree).values[node * outputs + output]! += (values[index] ?? 0) * scale;
  }
  if (!trees.every(isTree)) return undefined;
  const base = new Float64Array(outputs);
  for (const [output, value] of floats('base_values').slice(0, outputs).entries()) base[output] = value;
  return { features, outputs, base, trees, inputs, transform: text('post_transform', 'NONE') };
}

/** Numbers of trees and nodes as files have them, to places from 0 on; the first node of a tree is its root. */
class NodePositions {
  readonly all: readonly { readonly tree: number; readonly node: number }[];
  readonly sizes: readonly number[];
  readonly #trees = new Map<number, number>();
  readonly #nodes: Map<number, number>[] = [];

  constructor(treeIds: readonly number[], nodeIds: readonly number[]) {
    this.all = treeIds.map((id, index) => {
      const tree = this.#trees.get(id) ?? this.#trees.size;
      this.#trees.set(id, tree);
      const nodes = (this.#nodes[tree] ??= new Map<number, number>());
      nodes.set(nodeIds[index] ?? -1, nodes.size);
      return { tree, node: nodes.size - 1 };
    });
    this.sizes = this.#nodes.map(({ size }) => size);
  }

  treeOf(id: number | undefined): number | undefined {
    return id === undefined ? undefined : this.#trees.get(id);
  }

  find(tree: number, node: number | undefined): number | undefined {
    return node === undefined ? undefined : this.#nodes[tree]?.get(node);
  }
}

function emptyTree(size: number, outputs: number): Tree {
  return {
    feature: new Int32Array(size).fill(-1),
    threshold: new Float32Array(size),
    mode: new Uint8Array(size),
    yes: new Int32Array(size),
    no: new Int32Array(size),
    missing: new Int32Array(size),
    values: new Float64Array(size * outputs),
  };
}

/** Every node is reached at most once, and none is too deep: there are no cycles. */
function isTree(tree: Tree): boolean {
  const seen = new Uint8Array(tree.feature.length);
  const todo: (readonly [node: number, depth: number])[] = [[0, 0]];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const [node, depth] = next;
    if (seen[node] === 1 || depth > DEEPEST) return false;
    seen[node] = 1;
    if ((tree.feature[node] as number) < 0) continue;
    todo.push([tree.yes[node] as number, depth + 1], [tree.no[node] as number, depth + 1]);
  }
  return true;
}
