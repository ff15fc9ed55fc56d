/** Quantized operators of ONNX and of the runtime's domain. */
import { ElementType } from './onnx-graph.ts';
import { shapeOf } from './elementwise-rules.ts';
import { convolution, matMul } from './network-rules.ts';
import type { NodeView, Rule, Rules } from './node-view.ts';
import { Size } from './size.ts';
import { broadcast, bytesOf, mostElements, tensor } from './tensor-value.ts';

const quantize: Rule = (node) => {
  const x = node.input(0);
  const type = node.optional(2)?.type ?? Number(node.int('output_dtype', BigInt(ElementType.uint8)));
  return [tensor(type, x.dims, { most: mostElements(x) })];
};

const dequantize: Rule = (node) => {
  const x = node.input(0);
  return [tensor(node.input(1).type, x.dims, { most: mostElements(x) })];
};

const dynamicQuantize: Rule = (node) => {
  const { dims, most } = node.input(0);
  return [
    tensor(ElementType.uint8, dims, { ...(most !== undefined && { most }) }),
    tensor(ElementType.float, []),
    tensor(ElementType.uint8, []),
  ];
};

const int32 = () => ElementType.int32;
const typeOfInput = (at: number) => (node: NodeView) => node.input(at).type;

/** x, scale and zero point; then those of the output. */
const likeFirst: Rule = (node) => {
  const x = node.input(0);
  node.costs(mostElements(x) * 4n, bytesOf(x));
  return [shapeOf(x)];
};

/** a, scale, zero point, b, scale, zero point, …. */
const likeBoth: Rule = (node) => {
  const [a, b] = [node.input(0), node.input(3)];
  const y = tensor(a.type, broadcast(a.dims, b.dims));
  node.costs(mostElements(y) * 4n, bytesOf(y));
  return [y];
};

const globalAverage: Rule = (node) => {
  const x = node.input(0);
  const isLast = node.int('channels_last', 0n) !== 0n;
  const channel = isLast ? x.dims.length - 1 : 1;
  node.costs(mostElements(x) * 2n, bytesOf(x) * 4n);
  return [
    tensor(
      x.type,
      x.dims.map((size, at) => (at === 0 || at === channel ? size : Size.one)),
    ),
  ];
};

export const quantizedRules: Rules = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamicQuantize,
  MatMulInteger: matMul({ result: int32 }),
  ConvInteger: convolution({ result: int32 }),
  QLinearMatMul: matMul({ b: 3, result: typeOfInput(7) }),
  QLinearConv: convolution({ weights: 3, result: typeOfInput(7) }),
};

/** Of the domain `com.microsoft`. */
export const microsoftQuantizedRules: Rules = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  QLinearAdd: likeBoth,
  QLinearMul: likeBoth,
  QLinearSigmoid: likeFirst,
  QLinearLeakyRelu: likeFirst,
  QLinearSoftmax: likeFirst,
  QLinearGlobalAveragePool: globalAverage,
  DynamicQuantizeMatMul: matMul({ result: typeOfInput(0) }),
  MatMulIntegerToFloat: matMul({ result: typeOfInput(2) }),
  QGemm: matMul({ b: 3, result: (node) => node.optional(8)?.type ?? ElementType.float }),
};
