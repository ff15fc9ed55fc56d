/** Writes ONNX files for tests: only the messages that they need. */
import { bytesField, messageOf, numberField, type ProtobufField } from '#lib/formats/protobuf-writer.ts';
import type { Datatype } from '../contract.ts';

const ELEMENT_TYPES: Readonly<Record<Datatype, number>> = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
  BF16: 16,
};

export type Attribute =
  | number
  | string
  | { readonly floats: readonly number[] }
  | { readonly ints: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly float: number }
  | { readonly tensor: Weights }
  | { readonly graph: Buffer };

export interface NodeText {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export interface ValueText {
  readonly name: string;
  readonly datatype: Datatype;
  /** A text is an open dimension. */
  readonly shape: readonly (number | string)[];
}

export interface Weights {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array | Uint8Array;
  readonly datatype?: Datatype;
  /** Its bytes are in this file instead. */
  readonly location?: string;
  /** Where in the file they start, and how many they are. */
  readonly offset?: number;
  readonly length?: number;
}

export interface GraphText {
  readonly nodes: readonly NodeText[];
  readonly inputs: readonly ValueText[];
  readonly outputs: readonly ValueText[];
  readonly weights?: readonly Weights[];
  /** Mostly zeros: the first tensor holds the others, the second says where. */
  readonly sparse?: readonly {
    readonly values: Weights;
    readonly indices: Weights;
    readonly shape: readonly number[];
  }[];
}

export interface FunctionText {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeText[];
}

export interface FileText {
  readonly functions?: readonly FunctionText[];
  /** Of `ai.onnx`. Default 17. */
  readonly opset?: number;
  /** Of further domains. */
  readonly domains?: readonly string[];
}

export function onnxFile(graph: GraphText, { functions = [], opset = 17, domains = [] }: FileText = {}): Buffer {
  return messageOf(
    numberField(1, 8),
    bytesField(7, onnxGraph(graph)),
    opsetOf('', opset),
    opsetOf('ai.onnx.ml', 3),
    ...domains.map((domain) => opsetOf(domain, 1)),
    ...functions.map((one) => bytesField(25, functionOf(one, opset))),
  );
}

function opsetOf(domain: string, version: number, field = 8): ProtobufField {
  return bytesField(field, messageOf(bytesField(1, domain), numberField(2, version)));
}

function functionOf({ name, domain, inputs, outputs, nodes }: FunctionText, opset: number): Buffer {
  return messageOf(
    bytesField(1, name),
    ...inputs.map((input) => bytesField(4, input)),
    ...outputs.map((output) => bytesField(5, output)),
    ...nodes.map((node) => bytesField(7, nodeOf(node))),
    opsetOf('', opset, 9),
    opsetOf(domain, 1, 9),
    bytesField(10, domain),
  );
}

export function onnxGraph({ nodes, inputs, outputs, weights = [], sparse = [] }: GraphText): Buffer {
  const sparseOf = ({ values, indices, shape }: (typeof sparse)[number]) =>
    messageOf(
      bytesField(1, tensorOf(values)),
      bytesField(2, tensorOf(indices)),
      ...shape.map((size) => numberField(3, size)),
    );
  return messageOf(
    ...nodes.map((node) => bytesField(1, nodeOf(node))),
    bytesField(2, 'graph'),
    ...weights.map((tensor) => bytesField(5, tensorOf(tensor))),
    ...sparse.map((tensor) => bytesField(15, sparseOf(tensor))),
    ...inputs.map((value) => bytesField(11, valueOf(value))),
    ...outputs.map((value) => bytesField(12, valueOf(value))),
  );
}

function nodeOf({ op, inputs, outputs, domain, attributes = {} }: NodeText): Buffer {
  return messageOf(
    ...inputs.map((name) => bytesField(1, name)),
    ...outputs.map((name) => bytesField(2, name)),
    bytesField(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytesField(5, attributeOf(name, value))),
    ...(domain === undefined ? [] : [bytesField(7, domain)]),
  );
}

function attributeOf(name: string, value: Attribute): Buffer {
  const of = (type: number, ...fields: ProtobufField[]) =>
    messageOf(bytesField(1, name), ...fields, numberField(20, type));
  if (typeof value === 'number') return of(2, numberField(3, value));
  if (typeof value === 'string') return of(3, bytesField(4, value));
  if ('float' in value)
    return of(1, [Uint8Array.of((2 << 3) | 5), new Uint8Array(Float32Array.of(value.float).buffer)]);
  if ('tensor' in value) return of(4, bytesField(5, tensorOf(value.tensor)));
  if ('graph' in value) return of(5, bytesField(6, value.graph));
  if ('floats' in value) return of(6, bytesField(7, new Uint8Array(Float32Array.from(value.floats).buffer)));
  if ('strings' in value) return of(8, ...value.strings.map((text) => bytesField(9, text)));
  return of(7, ...value.ints.map((number) => numberField(8, number)));
}

function tensorOf({ name, shape, data, datatype, location, offset, length }: Weights): Buffer {
  const type = datatype ?? (data instanceof BigInt64Array ? 'INT64' : data instanceof Float32Array ? 'FP32' : 'UINT8');
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const entry = (key: string, value: string) => bytesField(13, messageOf(bytesField(1, key), bytesField(2, value)));
  return messageOf(
    ...shape.map((size) => numberField(1, size)),
    numberField(2, ELEMENT_TYPES[type]),
    bytesField(8, name),
    ...(location === undefined ? [bytesField(9, bytes)] : [entry('location', location), numberField(14, 1)]),
    ...(offset === undefined ? [] : [entry('offset', String(offset))]),
    ...(length === undefined ? [] : [entry('length', String(length))]),
  );
}

function valueOf({ name, datatype, shape }: ValueText): Buffer {
  const dimension = (size: number | string) =>
    bytesField(1, messageOf(typeof size === 'number' ? numberField(1, size) : bytesField(2, size)));
  const tensor = messageOf(
    numberField(1, ELEMENT_TYPES[datatype]),
    bytesField(2, messageOf(...shape.map((size) => dimension(size)))),
  );
  return messageOf(bytesField(1, name), bytesField(2, messageOf(bytesField(1, tensor))));
}

/** Gives what it gets. */
export function identity(datatype: Datatype): Buffer {
  const shape = ['n', 3];
  return onnxFile({
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', datatype, shape }],
    outputs: [{ name: 'y', datatype, shape }],
  });
}

/** y = x · weights, for each row. */
export function linear(weights: Float32Array, location?: string): Buffer {
  return onnxFile({
    nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['n', weights.length] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['n', 1] }],
    weights: [{ name: 'w', shape: [weights.length, 1], data: weights, ...(location !== undefined && { location }) }],
  });
}

/** Each row less the mean of all rows: a row's answer depends on its neighbours. */
export function lessTheMean(): Buffer {
  const value = (name: string) => ({ name, datatype: 'FP32' as const, shape: ['n', 3] });
  return onnxFile({
    nodes: [
      { op: 'ReduceMean', inputs: ['x'], outputs: ['mean'], attributes: { axes: { ints: [0] }, keepdims: 1 } },
      { op: 'Sub', inputs: ['x', 'mean'], outputs: ['y'] },
    ],
    inputs: [value('x')],
    outputs: [value('y')],
  });
}

export interface Trees {
  readonly features: number;
  readonly trees: number;
  readonly depth: number;
  /** Each feature is an input of its own, `f0`, `f1`, …, in float64. */
  readonly columns?: boolean;
}

/** A gradient-boosted model with made-up splits: x[feature] < threshold, leaves that differ. */
export function boostedTrees({ features, trees, depth, columns = false }: Trees): Buffer {
  const [treeIds, nodeIds, featureIds, yes, no]: number[][] = [[], [], [], [], []];
  const values: number[] = [];
  const modes: string[] = [];
  const leaf = { trees: [] as number[], nodes: [] as number[], weights: [] as number[] };
  const inner = 2 ** depth - 1;
  let state = 42;
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  for (let tree = 0; tree < trees; tree++) {
    for (let node = 0; node < 2 * inner + 1; node++) {
      const isLeaf = node >= inner;
      treeIds!.push(tree);
      nodeIds!.push(node);
      featureIds!.push(isLeaf ? 0 : Math.floor(next() * features));
      values.push(isLeaf ? 0 : next());
      modes.push(isLeaf ? 'LEAF' : 'BRANCH_LT');
      yes!.push(isLeaf ? 0 : 2 * node + 1);
      no!.push(isLeaf ? 0 : 2 * node + 2);
      if (!isLeaf) continue;
      leaf.trees.push(tree);
      leaf.nodes.push(node);
      leaf.weights.push(next() - 0.5);
    }
  }
  const names = Array.from({ length: features }, (_, at) => `f${at}`);
  const sideBySide: readonly NodeText[] = [
    ...names.map((name) => ({ op: 'Cast', inputs: [name], outputs: [`${name}/cast`], attributes: { to: 1 } })),
    { op: 'Concat', inputs: names.map((name) => `${name}/cast`), outputs: ['x'], attributes: { axis: 1 } },
  ];
  return onnxFile({
    nodes: [
      ...(columns ? sideBySide : []),
      {
        op: 'TreeEnsembleRegressor',
        domain: 'ai.onnx.ml',
        inputs: ['x'],
        outputs: ['y'],
        attributes: {
          n_targets: 1,
          nodes_treeids: { ints: treeIds! },
          nodes_nodeids: { ints: nodeIds! },
          nodes_featureids: { ints: featureIds! },
          nodes_values: { floats: values },
          nodes_modes: { strings: modes },
          nodes_truenodeids: { ints: yes! },
          nodes_falsenodeids: { ints: no! },
          target_treeids: { ints: leaf.trees },
          target_nodeids: { ints: leaf.nodes },
          target_ids: { ints: leaf.trees.map(() => 0) },
          target_weights: { floats: leaf.weights },
        },
      },
    ],
    inputs: columns
      ? names.map((name) => ({ name, datatype: 'FP64', shape: ['n', 1] }))
      : [{ name: 'x', datatype: 'FP32', shape: ['n', features] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['n', 1] }],
  });
}

/** Dense layers with ReLU between them. */
export function perceptron(sizes: readonly number[]): Buffer {
  const nodes: NodeText[] = [];
  const weights: Weights[] = [];
  let last = 'x';
  for (let layer = 1; layer < sizes.length; layer++) {
    const [from, to] = [sizes[layer - 1]!, sizes[layer]!];
    const data = Float32Array.from({ length: from * to }, (_, index) => Math.sin(index + layer) / Math.sqrt(from));
    weights.push({ name: `w${layer}`, shape: [from, to], data });
    const isLast = layer === sizes.length - 1;
    nodes.push({ op: 'MatMul', inputs: [last, `w${layer}`], outputs: [isLast ? 'y' : `h${layer}`] });
    if (isLast) break;
    nodes.push({ op: 'Relu', inputs: [`h${layer}`], outputs: [`r${layer}`] });
    last = `r${layer}`;
  }
  return onnxFile({
    nodes,
    weights,
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['n', sizes[0]!] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['n', sizes.at(-1)!] }],
  });
}
