/** Layers of neural networks: products of matrices, convolutions, pooling, normalization, recurrence, attention. */
import { ElementType, GraphError } from './onnx-graph.ts';
import { sameAsInput, shapeOf } from './elementwise-rules.ts';
import { productOperations, type NodeView, type Rule, type Rules } from './node-view.ts';
import { Size } from './size.ts';
import { bitsOf, broadcast, bytesOf, elementsOf, mostElements, tensor, type TensorValue } from './tensor-value.ts';

/** Channel block of the runtime's image layout: other sizes are padded to it. */
const CHANNEL_BLOCK = 16n;

/** Dimensions of a matrix product, as in NumPy. `reads` are multiply-add operations. */
function product(a: readonly Size[], b: readonly Size[]): { dims: Size[]; reads: bigint } {
  if (a.length === 0 || b.length === 0) throw new GraphError('it multiplies a scalar');
  const left = a.length === 1 ? [Size.one, ...a] : a;
  const right = b.length === 1 ? [...b, Size.one] : b;
  const [m, k] = left.slice(-2) as [Size, Size];
  const n = right.at(-1)!;
  const stack = broadcast(left.slice(0, -2), right.slice(0, -2));
  const reads = [...stack, m, k, n].reduce((all, { high }) => all * high, 2n);
  return { dims: [...stack, ...(a.length === 1 ? [] : [m]), ...(b.length === 1 ? [] : [n])], reads };
}

const swapped = (dims: readonly Size[], isSwapped: boolean): readonly Size[] =>
  isSwapped && dims.length > 1 ? [...dims.slice(0, -2), dims.at(-1)!, dims.at(-2)!] : dims;

/** `a` and `b`: indices of the matrix inputs; `result`: the type of the output if it differs from the first input. */
export function matMul({
  a = 0,
  b = 1,
  result,
}: { a?: number; b?: number; result?: (node: NodeView) => number } = {}): Rule {
  return (node) => {
    const [x, y] = [node.input(a), node.input(b)];
    if (node.int('transBatchA', 0n) !== 0n || node.int('transBatchB', 0n) !== 0n)
      throw new GraphError('it transposes batches');
    const { dims, reads } = product(
      swapped(x.dims, node.int('transA', 0n) !== 0n),
      swapped(y.dims, node.int('transB', 0n) !== 0n),
    );
    // Matrices of bytes are packed for each run, with sums of their rows.
    const isBytes = bitsOf(x.type) < 32n;
    node.costs(productOperations(reads, [x, y]), isBytes ? 2n * (bytesOf(x) + bytesOf(y)) : bytesOf(x));
    return [tensor(result?.(node) ?? x.type, dims)];
  };
}

const gemm: Rule = (node) => {
  const [a, b] = [node.input(0), node.input(1)];
  if (a.dims.length !== 2 || b.dims.length !== 2) throw new GraphError('its inputs are not matrices');
  const { dims, reads } = product(
    swapped(a.dims, node.int('transA', 0n) !== 0n),
    swapped(b.dims, node.int('transB', 0n) !== 0n),
  );
  node.costs(productOperations(reads, [a, b]), bytesOf(a));
  return [tensor(a.type, dims)];
};

const einsum: Rule = (node) => {
  const equation = (node.text('equation') ?? '').replaceAll(' ', '');
  const match = /^([a-zA-Z,]*)(?:->([a-zA-Z]*))?$/.exec(equation);
  const inputs = node.inputs();
  const terms = match?.[1]?.split(',') ?? [];
  if (match === null || terms.length !== inputs.length) throw new GraphError('its equation is not analyzed');
  const sizes = new Map<string, Size>();
  const uses = new Map<string, number>();
  terms.forEach((term, at) => {
    const { dims } = inputs[at]!;
    if (term.length !== dims.length) throw new GraphError('its equation does not match its inputs');
    Array.from(term).forEach((letter, axis) => {
      const [known, size] = [sizes.get(letter), dims[axis]!];
      sizes.set(letter, known === undefined ? size : (broadcast([known], [size])[0] ?? size));
      uses.set(letter, (uses.get(letter) ?? 0) + 1);
    });
  });
  const implicit = [...uses]
    .filter(([, count]) => count === 1)
    .map(([letter]) => letter)
    .toSorted()
    .join('');
  const dims = Array.from(match[2] ?? implicit, (letter) => {
    const size = sizes.get(letter);
    if (size === undefined) throw new GraphError('its equation has a new letter in the result');
    return size;
  });
  const { type } = node.input(0);
  const all = [...sizes.values()].reduce((count, { high }) => count * high, 1n);
  const y = tensor(type, dims);
  // More than two operands are multiplied in pairs: an intermediate result can be as large as the product of all dimensions.
  const between = inputs.length > 2 ? (all * bitsOf(type)) / 8n : 0n;
  node.costs(
    inputs.length === 2 ? productOperations(2n * all, inputs) : 2n * all,
    between + 2n * inputs.reduce((sum, x) => sum + bytesOf(x), 0n) + bytesOf(y),
  );
  return [y];
};

interface Window {
  readonly kernel: readonly bigint[];
  readonly strides: readonly bigint[];
  readonly dilations: readonly bigint[];
  readonly pads: readonly bigint[];
  readonly autoPad: string;
}

function windowOf(node: NodeView, rank: number, kernel: readonly bigint[]): Window {
  const every = (name: string, length: number, value: bigint) => {
    const found = node.ints(name) ?? Array.from({ length }, () => value);
    if (found.length !== length) throw new GraphError(`\`${name}\` does not have one value for each dimension`);
    if (found.some((item) => item < (name === 'pads' ? 0n : 1n) || item > 2n ** 40n))
      throw new GraphError(`\`${name}\` has a value that is not analyzed`);
    return found;
  };
  if (kernel.length !== rank) throw new GraphError('its kernel does not match its input');
  return {
    kernel,
    strides: every('strides', rank, 1n),
    dilations: every('dilations', rank, 1n),
    pads: every('pads', 2 * rank, 0n),
    autoPad: node.text('auto_pad') ?? 'NOTSET',
  };
}

function windows(
  size: Size,
  { kernel, strides, dilations, pads, autoPad }: Window,
  at: number,
  roundsUp: boolean,
): Size {
  const stride = Size.of(strides[at]!);
  const down = (value: Size) => {
    const positive = value.max(Size.zero);
    return positive.dividedDown(stride) ?? Size.between(0n, positive.high);
  };
  if (autoPad.startsWith('SAME')) return down(size.plus(Size.of(strides[at]! - 1n)));
  const padding = autoPad === 'VALID' ? 0n : pads[at]! + pads[at + kernel.length]!;
  const extent = Size.of((kernel[at]! - 1n) * dilations[at]! + 1n - padding);
  const room = size.minus(extent);
  return down(roundsUp ? room.plus(Size.of(strides[at]! - 1n)) : room).plus(Size.one);
}

/** `weights`: index of the input with the kernels; `result`: type of the output. */
export function convolution({
  x: xAt = 0,
  weights = 1,
  result,
}: { x?: number; weights?: number; result?: (node: NodeView) => number } = {}): Rule {
  return (node) => {
    const [x, w] = [node.input(xAt), node.input(weights)];
    const rank = x.dims.length - 2;
    if (rank < 1 || w.dims.length !== x.dims.length) throw new GraphError('its weights do not match its input');
    const kernel = w.dims.slice(2).map(({ known }) => {
      if (known === undefined) throw new GraphError('the size of its kernel is not known before a run');
      return known;
    });
    const window = windowOf(node, rank, kernel);
    const spatial = x.dims.slice(2).map((size, at) => windows(size, window, at, false));
    const y = tensor(result?.(node) ?? x.type, [x.dims[0]!, w.dims[0]!, ...spatial]);
    const perOutput = w.dims.slice(1).reduce((all, { high }) => all * high, 2n);
    const all = mostElements(y) * perOutput;
    // Kernels of few elements, such as those of one channel, are slow.
    node.costs(perOutput < 64n ? all : productOperations(all, [x, w]), convolutionScratch(x, y, kernel));
    return [y];
  };
}

/**
 * The columns of one image (im2col), and copies of input and output in the runtime's channel layout. Measured with convolutions
 * of 1 to 256 channels: the scratch memory of a run is less than this.
 */
function convolutionScratch(x: TensorValue, y: TensorValue, kernel: readonly bigint[]): bigint {
  const area = y.dims.slice(2).reduce((all, { high }) => all * high, 1n);
  const columns = kernel.reduce((all, size) => all * size, x.dims[1]!.high) * area;
  const padded = ({ dims }: TensorValue) => {
    const channels = ((dims[1]!.high + CHANNEL_BLOCK - 1n) / CHANNEL_BLOCK) * CHANNEL_BLOCK;
    return [dims[0]!, ...dims.slice(2)].reduce((all, { high }) => all * high, channels);
  };
  return ((columns + padded(x) + padded(y)) * bitsOf(y.type)) / 8n;
}

const transposedConvolution: Rule = (node) => {
  const [x, w] = [node.input(0), node.input(1)];
  const rank = x.dims.length - 2;
  const kernel = w.dims.slice(2).map(({ known }) => known ?? 0n);
  if (rank < 1 || kernel.includes(0n)) throw new GraphError('the size of its kernel is not known before a run');
  const window = windowOf(node, rank, kernel);
  const more = node.ints('output_padding') ?? kernel.map(() => 0n);
  const shape = node.ints('output_shape');
  const spatial = x.dims.slice(2).map((size, at) => {
    if (shape !== undefined) return Size.of(shape[at + shape.length - rank] ?? 0n);
    const stride = Size.of(window.strides[at]!);
    if (window.autoPad.startsWith('SAME')) return size.times(stride);
    const padding = window.autoPad === 'VALID' ? 0n : window.pads[at]! + window.pads[at + rank]!;
    const rest = (kernel[at]! - 1n) * window.dilations[at]! + 1n + (more[at] ?? 0n) - padding;
    return size.minus(Size.one).times(stride).plus(Size.of(rest)).max(Size.zero);
  });
  const groups = Size.of(node.int('group', 1n));
  const y = tensor(x.type, [x.dims[0]!, w.dims[1]!.times(groups), ...spatial]);
  const reads = mostElements(x) * w.dims.slice(1).reduce((all, { high }) => all * high, 2n);
  const columns =
    w.dims.slice(1).reduce((all, { high }) => all * high, 1n) *
    x.dims.slice(2).reduce((all, { high }) => all * high, groups.high);
  node.costs(productOperations(reads, [x, w]) + mostElements(y), (columns * bitsOf(x.type)) / 8n + bytesOf(x));
  return [y];
};

const pool: Rule = (node) => {
  const x = node.input(0);
  const rank = x.dims.length - 2;
  const kernel = node.ints('kernel_shape') ?? [];
  const window = windowOf(node, rank, kernel);
  const roundsUp = node.int('ceil_mode', 0n) !== 0n;
  const dims = [x.dims[0]!, x.dims[1]!, ...x.dims.slice(2).map((size, at) => windows(size, window, at, roundsUp))];
  const y = tensor(x.type, dims);
  node.costs(
    mostElements(y) * kernel.reduce((all, size) => all * size, 1n),
    convolutionScratch(
      x,
      y,
      kernel.map(() => 0n),
    ),
  );
  return node.node.outputs.length > 1 ? [y, tensor(ElementType.int64, dims)] : [y];
};

const globalPool: Rule = (node) => {
  const x = node.input(0);
  return [
    tensor(
      x.type,
      x.dims.map((size, at) => (at < 2 ? size : Size.one)),
    ),
  ];
};

const batchNormalization: Rule = (node) => {
  const scale = node.input(1);
  return [shapeOf(node.input(0)), ...node.node.outputs.slice(1).map(() => shapeOf(scale))];
};

/** Mean and inverse deviation have 1 in the normalized dimensions. */
export const layerNormalization: Rule = (node) => {
  const x = node.input(0);
  const axis = node.axis(node.int('axis', -1n), x.dims.length);
  const dims = x.dims.map((size, at) => (at < axis ? size : Size.one));
  node.costs(mostElements(x) * 8n, bytesOf(x));
  return [shapeOf(x), ...node.node.outputs.slice(1).map(() => tensor(ElementType.float, dims))];
};

const recurrent =
  (gates: bigint): Rule =>
  (node) => {
    const [x, w] = [node.input(0), node.input(1)];
    if (x.dims.length !== 3 || w.dims.length !== 3) throw new GraphError('its input does not have three dimensions');
    const hidden = Size.of(node.int('hidden_size', node.input(2).dims[2]?.known ?? 0n));
    const directions = Size.of(node.text('direction') === 'bidirectional' ? 2n : 1n);
    const isBatchFirst = node.int('layout', 0n) !== 0n;
    const [steps, rows] = isBatchFirst ? [x.dims[1]!, x.dims[0]!] : [x.dims[0]!, x.dims[1]!];
    const input = x.dims[2]!;
    const all = tensor(x.type, isBatchFirst ? [rows, steps, directions, hidden] : [steps, directions, rows, hidden]);
    const last = tensor(x.type, isBatchFirst ? [rows, directions, hidden] : [directions, rows, hidden]);
    const cells = steps.high * rows.high * directions.high;
    const perCell = gates * hidden.high;
    node.costs(
      productOperations(2n * cells * perCell * (input.high + hidden.high), [x, w, w]) + 64n * cells * perCell,
      (cells * (2n * perCell + 2n * hidden.high + input.high) * bitsOf(x.type)) / 8n,
    );
    return [all, last, last].slice(0, Math.max(1, node.node.outputs.length));
  };

/** Attention of `ai.onnx` 23: queries, keys and values with 3 dimensions (heads by attribute) or 4. */
const attention: Rule = (node) => {
  const [q, k, v] = [node.input(0), node.input(1), node.input(2)];
  if (node.optional(4) !== undefined || node.optional(5) !== undefined)
    throw new GraphError('it reads keys and values of earlier runs, which are not analyzed');
  if (node.node.outputs.length > 1 || ![3, 4].includes(q.dims.length))
    throw new GraphError('this form of the operator is not analyzed');
  const isSplit = q.dims.length === 4;
  const heads = isSplit ? q.dims[1]! : Size.of(node.int('q_num_heads', 1n));
  const [queries, keys] = [q.dims[isSplit ? 2 : 1]!, k.dims[isSplit ? 2 : 1]!];
  const scores = elementsOf([q.dims[0]!, heads, queries, keys]).high;
  const width = (isSplit ? q.dims[3]! : q.dims[2]!).high + (isSplit ? v.dims[3]! : v.dims[2]!).high;
  const keyHeads = isSplit ? k.dims[1]! : Size.of(node.int('kv_num_heads', 1n));
  const dims = isSplit
    ? q.dims.with(3, v.dims[3]!)
    : q.dims.with(2, (v.dims[2]!.dividedDown(keyHeads) ?? v.dims[2]!).times(heads));
  node.costs(
    productOperations(2n * scores * width, [q, k, v]) + 16n * scores,
    (3n * scores * bitsOf(q.type)) / 8n + 2n * (bytesOf(q) + bytesOf(k) + bytesOf(v)) * heads.high,
  );
  return [tensor(q.type, dims)];
};

/** Samples of an image at the points of a grid. */
const gridSample: Rule = (node) => {
  const [x, grid] = [node.input(0), node.input(1)];
  if (x.dims.length < 3 || x.dims.length !== grid.dims.length)
    throw new GraphError('its grid and its input have different numbers of dimensions');
  const y = tensor(x.type, [...x.dims.slice(0, 2), ...grid.dims.slice(1, -1)]);
  // The cubic mode reads 16 points per sample.
  node.costs(mostElements(y) * 64n);
  return [y];
};

export const networkRules: Rules = {
  GridSample: gridSample,
  RotaryEmbedding: sameAsInput,
  MatMul: matMul(),
  Gemm: gemm,
  Einsum: einsum,
  Conv: convolution(),
  ConvTranspose: transposedConvolution,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalMaxPool: globalPool,
  GlobalAveragePool: globalPool,
  GlobalLpPool: globalPool,
  BatchNormalization: batchNormalization,
  InstanceNormalization: sameAsInput,
  GroupNormalization: layerNormalizationLike,
  LayerNormalization: layerNormalization,
  RMSNormalization: layerNormalization,
  SimplifiedLayerNormalization: layerNormalization,
  LSTM: recurrent(4n),
  GRU: recurrent(3n),
  RNN: recurrent(1n),
  Attention: attention,
};

function layerNormalizationLike(node: NodeView): readonly TensorValue[] {
  const x = node.input(0);
  node.costs(mostElements(x) * 8n, 2n * bytesOf(x));
  return [shapeOf(x)];
}
