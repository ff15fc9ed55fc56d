/**
 * The decision trees of an ONNX model whose graph is one TreeEnsemble and nothing before it, so that they can be explained
 * exactly: TreeEnsembleRegressor and TreeEnsembleClassifier of ai.onnx.ml 1 to 3, as converters of XGBoost, LightGBM and
 * scikit-learn write them.
 */
import { ProtobufFault, ProtobufReader } from '../protobuf-reader.ts';
import { DEEPEST, MODES, type Tree, type TreeEnsemble } from './tree-ensemble.ts';

export interface OnnxTrees extends TreeEnsemble {
  /** Name of the input. */
  readonly input: string;
  /** What the sums become in the model's own output: `NONE`, `LOGISTIC`, … The explanation is of the sums. */
  readonly transform: string;
}

interface Node {
  op: string;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly attributes: Map<string, Attribute>;
}

interface Attribute {
  readonly floats: number[];
  readonly ints: number[];
  readonly strings: string[];
  /** Doubles come as tensors; they are left to other methods. */
  tensor: boolean;
}

/** What may stand behind the trees without changing what they say. */
const BEHIND = new Set(['ZipMap', 'Cast', 'Identity', 'Reshape', 'Squeeze', 'Normalizer', 'ArrayFeatureExtractor']);
/** LightGBM's converter multiplies probabilities by a constant one. Of a classifier the sums are explained, not what becomes of them. */
const BEHIND_CLASSES = new Set([...BEHIND, 'Mul']);

/** Undefined where it has another shape, or trees deeper than can be explained. */
export function readOnnxTrees(model: Buffer): OnnxTrees | undefined {
  try {
    const { nodes, inputs } = readModel(model);
    const first = nodes.find(({ op }) => op.startsWith('TreeEnsemble'));
    const behind = first?.op === 'TreeEnsembleClassifier' ? BEHIND_CLASSES : BEHIND;
    if (first === undefined || !nodes.every((node) => node === first || behind.has(node.op))) return undefined;
    const [input = ''] = first.inputs;
    return inputs.length === 1 && inputs[0] === input ? treesOf(first, input) : undefined;
  } catch (error) {
    if (error instanceof ProtobufFault) return undefined;
    throw error;
  }
}

function treesOf({ op, attributes }: Node, input: string): OnnxTrees | undefined {
  const leaves = op === 'TreeEnsembleRegressor' ? 'target' : op === 'TreeEnsembleClassifier' ? 'class' : undefined;
  if (leaves === undefined || [...attributes.values()].some(({ tensor }) => tensor)) return undefined;
  const ints = (name: string) => attributes.get(name)?.ints ?? [];
  const floats = (name: string) => attributes.get(name)?.floats ?? [];
  const text = (name: string, without: string) => attributes.get(name)?.strings[0] ?? without;
  const aggregate = text('aggregate_function', 'SUM');
  if (aggregate !== 'SUM' && aggregate !== 'AVERAGE') return undefined;

  const places = new Places(ints('nodes_treeids'), ints('nodes_nodeids'));
  const leafOutputs = ints(`${leaves}_ids`);
  const outputs =
    1 + Math.max(0, ...new Set(leafOutputs), ints('n_targets').length === 0 ? 0 : ints('n_targets')[0]! - 1);
  const scale = aggregate === 'AVERAGE' ? 1 / places.sizes.length : 1;
  const trees = places.sizes.map((size): Tree => emptyTree(size, outputs));
  const [feature, threshold] = [ints('nodes_featureids'), floats('nodes_values')];
  const modes = attributes.get('nodes_modes')?.strings ?? [];
  const [yes, no, missing] = [
    ints('nodes_truenodeids'),
    ints('nodes_falsenodeids'),
    ints('nodes_missing_value_tracks_true'),
  ];
  let features = 0;
  for (const [index, place] of places.all.entries()) {
    const tree = trees[place.tree] as Tree;
    const mode = modes[index] ?? 'BRANCH_LEQ';
    if (mode === 'LEAF') continue;
    const number = MODES.indexOf(mode.replace('BRANCH_', '') as (typeof MODES)[number]);
    const ways = [yes[index], no[index]].map((node) => places.find(place.tree, node));
    if (number === -1 || ways[0] === undefined || ways[1] === undefined) return undefined;
    features = Math.max(features, 1 + (feature[index] ?? 0));
    tree.feature[place.node] = feature[index] ?? 0;
    tree.threshold[place.node] = threshold[index] ?? 0;
    tree.mode[place.node] = number;
    tree.yes[place.node] = ways[0];
    tree.no[place.node] = ways[1];
    tree.missing[place.node] = missing[index] === 1 ? ways[0] : ways[1];
  }
  const [ofTrees, ofNodes, values] = [
    ints(`${leaves}_treeids`),
    ints(`${leaves}_nodeids`),
    floats(`${leaves}_weights`),
  ];
  for (const [index, output] of leafOutputs.entries()) {
    const tree = places.treeOf(ofTrees[index]);
    const node = tree === undefined ? undefined : places.find(tree, ofNodes[index]);
    if (tree === undefined || node === undefined) return undefined;
    (trees[tree] as Tree).values[node * outputs + output]! += (values[index] ?? 0) * scale;
  }
  if (!trees.every(isTree)) return undefined;
  const base = new Float64Array(outputs);
  for (const [output, value] of floats('base_values').slice(0, outputs).entries()) base[output] = value;
  return { features, outputs, base, trees, input, transform: text('post_transform', 'NONE') };
}

/** Numbers of trees and nodes as files have them, to places from 0 on; the first node of a tree is its root. */
class Places {
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

/** Every node is reached once at most, and none below the deepest: no walk goes round. */
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

function readModel(bytes: Buffer): { readonly nodes: readonly Node[]; readonly inputs: readonly string[] } {
  const nodes: Node[] = [];
  const inputs: string[] = [];
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field !== 7) {
      reader.skip();
      continue;
    }
    reader.message(() => {
      while (reader.next()) {
        if (reader.field === 1) reader.message(() => nodes.push(readNode(reader)));
        else if (reader.field === 11) reader.message(() => inputs.push(readName(reader)));
        else reader.skip();
      }
    });
  }
  return { nodes, inputs };
}

function readName(reader: ProtobufReader): string {
  let name = '';
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else reader.skip();
  }
  return name;
}

function readNode(reader: ProtobufReader): Node {
  const node: Node = { op: '', inputs: [], outputs: [], attributes: new Map() };
  while (reader.next()) {
    if (reader.field === 1) node.inputs.push(reader.text());
    else if (reader.field === 2) node.outputs.push(reader.text());
    else if (reader.field === 4) node.op = reader.text();
    else if (reader.field === 5) {
      reader.message(() => {
        const [name, attribute] = readAttribute(reader);
        node.attributes.set(name, attribute);
      });
    } else reader.skip();
  }
  return node;
}

/** Repeated numbers are packed into one field by some writers, and a field each by others. */
function readAttribute(reader: ProtobufReader): readonly [string, Attribute] {
  let name = '';
  const attribute: Attribute = { floats: [], ints: [], strings: [], tensor: false };
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 3 || reader.field === 8) {
      const value = reader.value();
      if (Buffer.isBuffer(value)) attribute.ints.push(...packedNumbers(value));
      else attribute.ints.push(Number(value));
    } else if (reader.field === 2 || reader.field === 7) {
      const value = reader.value();
      if (!Buffer.isBuffer(value) || value.length % 4 !== 0) throw new ProtobufFault('a number is no float');
      for (let at = 0; at < value.length; at += 4) attribute.floats.push(value.readFloatLE(at));
    } else if (reader.field === 4 || reader.field === 9) attribute.strings.push(reader.bytes().toString('latin1'));
    else {
      if (reader.field === 5) attribute.tensor = true;
      reader.skip();
    }
  }
  return [name, attribute];
}

function* packedNumbers(bytes: Buffer): Generator<number> {
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte >= 128) continue;
    yield value;
    value = 0;
    scale = 1;
  }
}
