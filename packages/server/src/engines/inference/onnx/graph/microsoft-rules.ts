/** Operators of the runtime's domain `com.microsoft` that optimizers and converters write. */
import { ElementType, GraphError } from './onnx-graph.ts';
import { sameAsInput, shapeOf } from './elementwise-rules.ts';
import { layerNormalization, convolution, matMul } from './network-rules.ts';
import { productOperations, type Rule, type Rules } from './node-view.ts';
import { microsoftQuantizedRules } from './quantized-rules.ts';
import { Size } from './size.ts';
import { bitsOf, broadcast, bytesOf, mostElements, tensor } from './tensor-value.ts';

const gelu: Rule = (node) => {
  const x = node.input(0);
  node.costs(mostElements(x) * 16n, bytesOf(x));
  return [shapeOf(x)];
};

/** Input, skip, gamma, …; outputs: result, mean, inverse deviation, sum. */
const skipNormalization: Rule = (node) => {
  const x = node.input(0);
  node.costs(mostElements(x) * 12n, 2n * bytesOf(x));
  const few = [...x.dims.slice(0, -1), Size.one];
  const all = [shapeOf(x), tensor(ElementType.float, few), tensor(ElementType.float, few), shapeOf(x)];
  return all.slice(0, Math.max(1, node.node.outputs.length));
};

/** Projections of one input to queries, keys and values. */
const attention: Rule = (node) => {
  const [x, w] = [node.input(0), node.input(1)];
  if (x.dims.length !== 3 || w.dims.length !== 2) throw new GraphError('its inputs are not analyzed');
  if (node.optional(4) !== undefined || node.node.outputs.length > 1)
    throw new GraphError('it reads keys and values of earlier runs, which are not analyzed');
  const [batch, length, width] = x.dims as [Size, Size, Size];
  const heads = node.int('num_heads', 1n);
  if (heads < 1n) throw new GraphError('`num_heads` is less than 1');
  const all = w.dims[1]!;
  const sizes = node.ints('qkv_hidden_sizes');
  const value = sizes === undefined ? (all.dividedDown(Size.of(3n)) ?? all) : Size.of(sizes[2] ?? 0n);
  const projected = batch.high * length.high * all.high;
  const scores = batch.high * heads * length.high * length.high;
  node.costs(
    productOperations(2n * projected * width.high + (2n * scores * all.high) / heads, [x, w]) + 16n * scores,
    ((3n * projected + 3n * scores) * bitsOf(x.type)) / 8n,
  );
  return [tensor(x.type, [batch, length, value])];
};

/** Queries, keys and values with three dimensions each; no packed or earlier ones. */
const multiHeadAttention: Rule = (node) => {
  const [q, k, v] = [node.input(0), node.input(1), node.input(2)];
  const isPlain =
    [q, k, v].every(({ dims }) => dims.length === 3) &&
    node.optional(6) === undefined &&
    node.optional(7) === undefined;
  if (!isPlain || node.node.outputs.length > 1) throw new GraphError('this form of the operator is not analyzed');
  const heads = node.int('num_heads', 1n);
  if (heads < 1n) throw new GraphError('`num_heads` is less than 1');
  const scores = q.dims[0]!.high * heads * q.dims[1]!.high * k.dims[1]!.high;
  node.costs(
    productOperations((2n * scores * (q.dims[2]!.high + v.dims[2]!.high)) / heads, [q, k, v]) + 16n * scores,
    (3n * scores * bitsOf(q.type)) / 8n + 3n * (bytesOf(q) + bytesOf(k) + bytesOf(v)),
  );
  return [tensor(q.type, q.dims.with(2, v.dims[2]!))];
};

/** Word, position and segment embeddings with a normalization. */
const embedLayerNormalization: Rule = (node) => {
  const [ids, words] = [node.input(0), node.input(2)];
  if (ids.dims.length !== 2 || words.dims.length !== 2) throw new GraphError('its inputs are not analyzed');
  const y = tensor(words.type, [...ids.dims, words.dims[1]!]);
  node.costs(mostElements(y) * 12n);
  const all = [y, tensor(ElementType.int32, [ids.dims[0]!]), y];
  return all.slice(0, Math.max(1, node.node.outputs.length));
};

/** Distances between each row of one matrix and each row of the other. */
const distances: Rule = (node) => {
  const [a, b] = [node.input(0), node.input(1)];
  if (a.dims.length !== 2 || b.dims.length !== 2) throw new GraphError('its inputs are not matrices');
  const y = tensor(a.type, [a.dims[0]!, b.dims[0]!]);
  node.costs(mostElements(y) * (2n * a.dims[1]!.high + 16n), bytesOf(y) + 2n * (bytesOf(a) + bytesOf(b)));
  return [y];
};

const biased: Rule = (node) => {
  const [x, bias] = [node.input(0), node.input(1)];
  const y = tensor(x.type, broadcast(x.dims, bias.dims));
  node.costs(mostElements(y) * 16n, bytesOf(y));
  return [y];
};

export const microsoftRules: Rules = {
  ...microsoftQuantizedRules,
  Gelu: gelu,
  QuickGelu: gelu,
  FastGelu: biasedOrPlain,
  BiasGelu: biased,
  BiasSoftmax: biased,
  FusedMatMul: matMul(),
  TransposeMatMul: matMul(),
  FusedGemm: matMul(),
  FusedConv: convolution(),
  SkipLayerNormalization: skipNormalization,
  SkipSimplifiedLayerNormalization: skipNormalization,
  SimplifiedLayerNormalization: layerNormalization,
  EmbedLayerNormalization: embedLayerNormalization,
  Attention: attention,
  MultiHeadAttention: multiHeadAttention,
  CDist: distances,
  Inverse: sameAsInput,
  Trilu: sameAsInput,
};

function biasedOrPlain(node: Parameters<Rule>[0]): ReturnType<Rule> {
  return node.inputCount > 1 && node.optional(1) !== undefined ? biased(node) : gelu(node);
}
