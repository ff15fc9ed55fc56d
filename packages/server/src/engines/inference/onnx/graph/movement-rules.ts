/** Operators that create, copy and rearrange elements, whose output sizes a graph can compute. */
import { ElementType, GraphError, MOST_VALUES } from './onnx-graph.ts';
import { numbersOf, shapeOf } from './elementwise-rules.ts';
import type { NodeView, Rule, Rules } from './node-view.ts';
import { bigger, Size } from './size.ts';
import {
  broadcast,
  bytesOf,
  elementsOf,
  isFloat,
  mostElements,
  repeatText,
  tensor,
  tensorOf,
  tensorOfSparse,
  type TensorValue,
  valuesOfNumbers,
} from './tensor-value.ts';

/** Reshapes a tensor. */
const rearranged = (x: TensorValue, dims: readonly Size[], keepsOrder = true): TensorValue =>
  tensor(x.type, dims, {
    most: mostElements(x),
    ...(x.text !== undefined && { text: x.text }),
    ...(keepsOrder && x.values !== undefined && { values: x.values }),
    ...(keepsOrder && x.fractions !== undefined && { fractions: x.fractions }),
  });

const refuseExternal = () => {
  throw new GraphError('a constant of the graph is external data');
};

const constant: Rule = (node) => {
  const value = node.attribute('value')?.tensor;
  if (value !== undefined) return [tensorOf(value, refuseExternal)];
  const sparse = node.attribute('sparse_value')?.sparse;
  if (sparse !== undefined) return [tensorOfSparse(sparse, refuseExternal)];
  const one = (type: number, values: readonly (number | bigint)[], dims: readonly Size[]) => [
    tensor(type, dims, valuesOfNumbers(values.map((item) => (typeof item === 'bigint' ? String(item) : item)))),
  ];
  if (node.has('value_int')) return one(ElementType.int64, [node.int('value_int', 0n)], []);
  if (node.has('value_float')) return one(ElementType.float, [node.float('value_float') ?? 0], []);
  for (const [name, type] of [
    ['value_ints', ElementType.int64],
    ['value_floats', ElementType.float],
  ] as const) {
    if (!node.has(name)) continue;
    const { count } = node.list(name);
    if (count > MOST_VALUES) return [tensor(type, [Size.of(count)])];
    return one(type, (type === ElementType.int64 ? node.ints(name) : node.floats(name)) ?? [], [Size.of(count)]);
  }
  if (node.has('value_string')) return [tensor(ElementType.string, [], { text: { each: 65_536n, total: undefined } })];
  if (node.has('value_strings')) {
    const { count, longest, bytes } = node.attribute('value_strings')!.strings;
    return [tensor(ElementType.string, [Size.of(count)], { text: { each: BigInt(longest), total: BigInt(bytes) } })];
  }
  throw new GraphError('it has no value');
};

/** Reads sizes from the values of an input; fails if it has too many for a shape. */
function shapeValues(node: NodeView, at: number): readonly Size[] {
  return node.values(at, 'the dimensions of its output');
}

/** A tensor with one value. */
function filled(
  type: number,
  dims: readonly Size[],
  value: Size | undefined,
  rest: Partial<TensorValue> = {},
): TensorValue {
  const count = elementsOf(dims).known;
  const values =
    value !== undefined && count !== undefined && count <= BigInt(MOST_VALUES)
      ? Array.from({ length: Number(count) }, () => value)
      : undefined;
  return tensor(type, dims, { ...rest, ...(values && { values }) });
}

const constantOfShape: Rule = (node) => {
  const value = node.attribute('value')?.tensor;
  const item =
    value === undefined
      ? tensor(ElementType.float, [Size.one], { values: [Size.zero] })
      : tensorOf(value, refuseExternal);
  return [filled(item.type, shapeValues(node, 0), item.values?.[0])];
};

const shape: Rule = (node) => {
  const { dims } = node.input(0);
  const clamp = (value: bigint) => {
    const at = Number(value < 0n ? value + BigInt(dims.length) : value);
    return Math.min(Math.max(at, 0), dims.length);
  };
  const [from, to] = [clamp(node.int('start', 0n)), clamp(node.int('end', BigInt(dims.length)))];
  const values = dims.slice(from, to);
  node.costs(1n);
  return [tensor(ElementType.int64, [Size.of(values.length)], { values })];
};

const reshape: Rule = (node) => {
  const x = node.input(0);
  const shape = node.opset < 5 ? (node.ints('shape') ?? []).map((size) => Size.of(size)) : shapeValues(node, 1);
  const copiesZero = node.int('allowzero', 0n) === 0n;
  let open: number | undefined;
  const dims = shape.map((size, at) => {
    if (size.known === -1n) {
      if (open !== undefined) throw new GraphError('two dimensions of the new shape are -1');
      open = at;
      return Size.one;
    }
    if (size.known === 0n && copiesZero) {
      const copied = x.dims[at];
      if (copied === undefined)
        throw new GraphError(`the new shape copies dimension ${at}, which the input does not have`);
      return copied;
    }
    if (size.low < 0n) throw new GraphError('a dimension of the new shape can be negative');
    if (size.low > 0n || !copiesZero) return size;
    // A computed size of 0 copies the dimension of the input as well.
    const copied = x.dims[at]?.highWhereZero(size) ?? 0n;
    return copied === 0n ? size : Size.between(0n, bigger(size.high, copied));
  });
  if (open === undefined) return [rearranged(x, dims)];
  const total = elementsOf(x.dims);
  const others = elementsOf(dims);
  // The runtime rejects -1 for an empty tensor, so the divisor is at least 1.
  const size = total.dividedExactly(others) ?? Size.between(0n, mostElements(x) / (others.low > 1n ? others.low : 1n));
  return [rearranged(x, dims.with(open, size))];
};

const flatten: Rule = (node) => {
  const x = node.input(0);
  const rank = x.dims.length;
  const given = node.int('axis', 1n);
  const axis = Number(given < 0n ? given + BigInt(rank) : given);
  if (axis < 0 || axis > rank) throw new GraphError(`the axis ${given} is out of range for ${rank} dimensions`);
  return [rearranged(x, [elementsOf(x.dims.slice(0, axis)), elementsOf(x.dims.slice(axis))])];
};

const squeeze: Rule = (node) => {
  const x = node.input(0);
  const given = node.attributeOrInput('axes', 1, 13);
  if (given === undefined && x.dims.some(({ known, low }) => known === undefined && low <= 1n)) {
    throw new GraphError('the number of dimensions of its output depends on the batch: set the axes explicitly');
  }
  const axes = new Set(given?.map((axis) => node.axis(axis, x.dims.length)));
  return [
    rearranged(
      x,
      x.dims.filter((size, at) => (given === undefined ? size.known !== 1n : !axes.has(at))),
    ),
  ];
};

const unsqueeze: Rule = (node) => {
  const x = node.input(0);
  const given = node.attributeOrInput('axes', 1, 13) ?? [];
  const rank = x.dims.length + given.length;
  const axes = new Set(given.map((axis) => node.axis(axis, rank)));
  if (axes.size !== given.length) throw new GraphError('it lists an axis twice');
  let next = 0;
  return [
    rearranged(
      x,
      Array.from({ length: rank }, (_, at) => (axes.has(at) ? Size.one : x.dims[next++]!)),
    ),
  ];
};

const transpose: Rule = (node) => {
  const x = node.input(0);
  const order = node.ints('perm')?.map((axis) => node.axis(axis, x.dims.length));
  if (order !== undefined && new Set(order).size !== x.dims.length) throw new GraphError('`perm` is not a permutation');
  const dims = order === undefined ? x.dims.toReversed() : order.map((axis) => x.dims[axis]!);
  return [rearranged(x, dims, dims.length < 2)];
};

const concat: Rule = (node) => {
  const all = node.inputs();
  const [first] = all;
  if (first === undefined) throw new GraphError('it has no input');
  const axis = node.axis(node.int('axis', 0n), first.dims.length);
  if (all.some(({ dims }) => dims.length !== first.dims.length))
    throw new GraphError('its inputs have different numbers of dimensions');
  const along = all.reduce((sum, { dims }) => sum.plus(dims[axis]!), Size.zero);
  const isList = first.dims.length === 1 && all.every(({ values }) => values !== undefined);
  const fractions = first.dims.length === 1 && all.map(numbersOf);
  const texts = all.map(({ text }) => text?.each ?? 0n);
  const isBatch = all.every(({ dims }) => dims.every((size, at) => at === axis || size.equals(first.dims[at]!)));
  return [
    tensor(first.type, first.dims.with(axis, along), {
      // Other dimensions are equal in every successful run.
      ...(isBatch && { most: all.reduce((sum, x) => sum + mostElements(x), 0n) }),
      ...(isList && { values: all.flatMap(({ values }) => values!) }),
      ...(!isList && fractions && fractions.every((list) => list !== undefined) && { fractions: fractions.flat() }),
      text: {
        each: texts.reduce((a, b) => (a > b ? a : b)),
        total: all.reduce<bigint | undefined>(
          (sum, { text }) => (sum === undefined || text?.total === undefined ? undefined : sum + text.total),
          0n,
        ),
      },
    }),
  ];
};

const expand: Rule = (node) => {
  const x = node.input(0);
  const dims = broadcast(x.dims, shapeValues(node, 1));
  const only = x.values?.length === 1 ? x.values[0] : undefined;
  return [filled(x.type, dims, only, repeatText(x))];
};

const tile: Rule = (node) => {
  const x = node.input(0);
  const repeats = node.values(1, 'the repeat counts');
  if (repeats.length !== x.dims.length) throw new GraphError('it does not have one repeat count for each dimension');
  const only = x.values?.length === 1 ? x.values[0] : undefined;
  return [
    filled(
      x.type,
      x.dims.map((size, at) => size.times(repeats[at]!)),
      only,
      repeatText(x),
    ),
  ];
};

const range: Rule = (node) => {
  const meaning = 'the limits of its range';
  const { type } = node.input(0);
  const fractions = [0, 1, 2].map((at) => node.input(at).fractions?.[0]);
  if (isFloat(type) && fractions.some((value) => value !== undefined)) {
    const [start, limit, delta] = [0, 1, 2].map((at) => numbersOf(node.input(at))?.[0]);
    if (start === undefined || limit === undefined || delta === undefined)
      throw new GraphError(`${meaning} are not known before a run`);
    const length = Math.ceil((limit - start) / delta);
    if (!Number.isSafeInteger(length)) throw new GraphError(`its range does not have an integer number of elements`);
    // The runtime may compute in single precision.
    return [tensor(type, [Size.between(0n, BigInt(Math.max(0, Math.ceil(length * (1 + 1e-6)) + 1)))])];
  }
  const [start, limit, delta] = [0, 1, 2].map((at) => node.values(at, meaning)[0]);
  if (start === undefined || limit === undefined || delta?.known === undefined)
    throw new GraphError('the step of its range is not known before a run');
  const step = delta.known;
  if (step === 0n) throw new GraphError('the step of its range is 0');
  const span = step > 0n ? limit.minus(start) : start.minus(limit);
  const width = step > 0n ? step : -step;
  const positive = span.max(Size.zero);
  const length =
    width === 1n
      ? positive
      : (positive.plus(Size.of(width - 1n)).dividedDown(Size.of(width)) ?? Size.between(0n, positive.high));
  const count = length.known;
  const values =
    count === undefined || count > BigInt(MOST_VALUES)
      ? undefined
      : Array.from({ length: Number(count) }, (_, at) => start.plus(Size.of(step * BigInt(at))));
  return [tensor(type, [length], { ...(values && { values }) })];
};

const pad: Rule = (node) => {
  const x = node.input(0);
  const rank = x.dims.length;
  const pads =
    node.opset < 11
      ? (node.ints('pads') ?? node.ints('paddings') ?? []).map((size) => Size.of(size))
      : node.values(1, 'the sizes of its padding');
  const axes =
    node.opset >= 18 && node.optional(3) !== undefined
      ? node.numbers(3, 'its axes').map((axis) => node.axis(axis, rank))
      : x.dims.map((_, at) => at);
  if (pads.length !== 2 * axes.length) throw new GraphError('it does not have two padding sizes for each dimension');
  const dims = [...x.dims];
  axes.forEach((axis, at) => {
    dims[axis] = dims[axis]!.plus(pads[at]!)
      .plus(pads[at + axes.length]!)
      .max(Size.zero);
  });
  return [tensor(x.type, dims, repeatText(x))];
};

const resize: Rule = (node) => {
  const x = node.input(0);
  const isUpsample = node.node.operator === 'Upsample';
  const hasSizes = !isUpsample && node.opset >= 11 && node.optional(3) !== undefined;
  const scalesAt = isUpsample || node.opset < 11 ? 1 : 2;
  const rank = x.dims.length;
  const axes = node.ints('axes')?.map((axis) => node.axis(axis, rank)) ?? x.dims.map((_, at) => at);
  const dims = [...x.dims];
  if (hasSizes) {
    const sizes = node.values(3, 'the sizes of its output');
    if (sizes.length !== axes.length) throw new GraphError('it does not have one size for each dimension');
    // With an aspect ratio policy no dimension exceeds its given size, or all are scaled by the largest ratio.
    if ((node.text('keep_aspect_ratio_policy') ?? 'stretch') !== 'stretch')
      throw new GraphError('it keeps the aspect ratio, which is not analyzed');
    axes.forEach((axis, at) => (dims[axis] = sizes[at]!));
  } else {
    const scales = isUpsample && node.opset < 9 ? node.floats('scales') : numbersOf(node.input(scalesAt));
    if (scales === undefined)
      throw new GraphError('its scales are not known before a run: the size of the output has no limit');
    if (scales.length !== axes.length) throw new GraphError('it does not have one scale for each dimension');
    axes.forEach((axis, at) => (dims[axis] = scaled(dims[axis]!, scales[at]!)));
  }
  const y = tensor(x.type, dims);
  node.costs(mostElements(y) * 128n, bytesOf(y) + bytesOf(x));
  return [y];
};

function scaled(size: Size, scale: number): Size {
  if (!(scale > 0) || scale > 1e9) throw new GraphError(`the scale ${scale} is not analyzed`);
  if (Number.isInteger(scale)) return size.times(Size.of(scale));
  const up = (value: bigint) => BigInt(Math.ceil(Number(value) * scale * (1 + 1e-6)));
  if (size.known === undefined) return Size.between(0n, up(size.high));
  // The runtime multiplies in single precision: near an integer it may round to either side.
  const [low, high] = [1 - 1e-6, 1 + 1e-6].map((error) => Math.floor(Number(size.known) * scale * error));
  return Size.between(BigInt(low!), BigInt(high!));
}

const oneHot: Rule = (node) => {
  const [indices, values] = [node.input(0), node.input(2)];
  const depth = node.values(1, 'the number of classes')[0];
  if (depth === undefined) throw new GraphError('its number of classes is not known before a run');
  const axis = node.axis(node.int('axis', -1n), indices.dims.length + 1);
  return [tensor(values.type, indices.dims.toSpliced(axis, 0, depth), repeatText(values))];
};

const blocks =
  (isDepth: boolean): Rule =>
  (node) => {
    const x = node.input(0);
    const size = Size.of(node.int('blocksize', 1n));
    const [n, c, h, w] = x.dims;
    if (x.dims.length !== 4 || size.low < 1n) throw new GraphError('it needs four dimensions and a block size');
    const by = (value: Size, divisor: Size) => value.dividedDown(divisor) ?? Size.between(0n, value.high);
    const square = size.times(size);
    const dims = isDepth
      ? [n!, by(c!, square), h!.times(size), w!.times(size)]
      : [n!, c!.times(square), by(h!, size), by(w!, size)];
    return [rearranged(x, dims, false)];
  };

const topK: Rule = (node) => {
  const x = node.input(0);
  const axis = node.axis(node.int('axis', -1n), x.dims.length);
  const k = node.opset < 10 ? Size.of(node.int('k', 0n)) : node.values(1, 'the number of elements that it selects')[0];
  if (k === undefined) throw new GraphError('its number of elements is not known before a run');
  const dims = x.dims.with(axis, k);
  node.costs(mostElements(x) * 64n, mostElements(x) * 16n);
  return [tensor(x.type, dims), tensor(ElementType.int64, dims)];
};

const random =
  (isLike: boolean): Rule =>
  (node) => {
    const given = Number(node.int('dtype', 0n));
    const x = isLike ? node.input(0) : undefined;
    const type = given === 0 ? (x?.type ?? ElementType.float) : given;
    const dims = x?.dims ?? (node.ints('shape') ?? []).map((size) => Size.of(size));
    const y = tensor(type, dims);
    node.costs(mostElements(y) * 32n);
    return [y];
  };

const sameAsFirst: Rule = (node) => [{ ...shapeOf(node.input(0)), ...repeatText(node.input(0)) }];

export const movementRules: Rules = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Shape: shape,
  Size: (node) => [tensor(ElementType.int64, [], { values: [elementsOf(node.input(0).dims)] })],
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Expand: expand,
  Tile: tile,
  Range: range,
  Pad: pad,
  Resize: resize,
  Upsample: resize,
  OneHot: oneHot,
  DepthToSpace: blocks(true),
  SpaceToDepth: blocks(false),
  TopK: topK,
  Trilu: sameAsFirst,
  EyeLike: (node) => [tensor(Number(node.int('dtype', BigInt(node.input(0).type))), node.input(0).dims)],
  ReverseSequence: sameAsFirst,
  Dropout: (node) => [shapeOf(node.input(0)), tensor(ElementType.bool, node.input(0).dims)],
  RandomNormal: random(false),
  RandomUniform: random(false),
  RandomNormalLike: random(true),
  RandomUniformLike: random(true),
  Bernoulli: random(true),
};
