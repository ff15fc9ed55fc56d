/** Operators that read or write parts of a tensor: slices, and elements at indices. */
import { GraphError } from './onnx-graph.ts';
import { shapeOf } from './elementwise-rules.ts';
import type { Rule, Rules } from './node-view.ts';
import { bigger, Size } from './size.ts';
import { elementsOf, mostElements, repeatText, tensor, type TensorValue } from './tensor-value.ts';

const split: Rule = (node) => {
  const x = node.input(0);
  const axis = node.axis(node.int('axis', 0n), x.dims.length);
  const along = x.dims[axis]!;
  const count = node.node.outputs.length;
  const hasSizes = node.opset < 13 ? node.has('split') : node.optional(1) !== undefined;
  const sizes: readonly Size[] = hasSizes
    ? node.opset < 13
      ? node.ints('split')!.map((size) => Size.of(size))
      : node.values(1, 'the sizes of its parts')
    : evenParts(along, count);
  if (sizes.length !== count) throw new GraphError(`it has ${count} outputs and ${sizes.length} parts`);
  let from = 0;
  return sizes.map((size) => {
    const part =
      x.dims.length === 1 && size.known !== undefined ? x.values?.slice(from, from + Number(size.known)) : undefined;
    from += Number(size.known ?? 0n);
    const isWhole = size.known !== undefined && BigInt(part?.length ?? -1) === size.known;
    return tensor(x.type, x.dims.with(axis, size), { ...repeatText(x, 1n), ...(isWhole && { values: part! }) });
  });
};

function evenParts(along: Size, count: number): Size[] {
  const even = along.dividedExactly(Size.of(count));
  if (even !== undefined) return Array.from({ length: count }, () => even);
  const largest = Size.between(0n, (along.high + BigInt(count) - 1n) / BigInt(count));
  return Array.from({ length: count }, () => largest);
}

const slice: Rule = (node) => {
  const x = node.input(0);
  const isOld = node.opset < 10;
  const list = (name: string, at: number) => {
    if (isOld) return node.ints(name)?.map((value) => Size.of(value));
    return node.optional(at) === undefined ? undefined : node.input(at).values;
  };
  const [starts, ends, steps] = [list('starts', 1), list('ends', 2), isOld ? undefined : list('steps', 4)];
  const count = isOld ? (node.ints('starts')?.length ?? 0) : lengthOf(node.input(1));
  const hasAxes = isOld ? node.has('axes') : node.optional(3) !== undefined;
  const axes = hasAxes ? (isOld ? node.ints('axes')! : node.numbers(3, 'its axes')) : undefined;
  const hasSteps = !isOld && node.optional(4) !== undefined;
  const dims = [...x.dims];
  let values = x.dims.length === 1 ? x.values : undefined;
  for (let at = 0; at < count; at++) {
    const axis = node.axis(axes?.[at] ?? BigInt(at), dims.length);
    const size = dims[axis]!;
    const step = hasSteps ? steps?.[at]?.known : 1n;
    const [start, end] = [starts?.[at], ends?.[at]];
    const part =
      start === undefined || end === undefined || step === undefined ? undefined : sliced(size, start, end, step);
    // A slice is never longer than its input.
    dims[axis] = part ?? Size.between(0n, size.high);
    values =
      start?.known !== undefined && end?.known !== undefined && step !== undefined
        ? valuesFrom(values, start.known, end.known, step)
        : undefined;
  }
  const isExact = values !== undefined && dims.length === 1 && dims[0]!.known === BigInt(values.length);
  return [
    tensor(x.type, dims, {
      ...repeatText(x, 1n),
      most: mostElements(x),
      ...(isExact && { values: values! }),
    }),
  ];
};

function lengthOf({ dims }: TensorValue): number {
  const length = elementsOf(dims).known;
  if (length === undefined || length > 64n) throw new GraphError('the number of its axes is not known');
  return Number(length);
}

/** Returns the length of a slice with step 1 or -1, or of known sizes; undefined if it depends on the run. */
function sliced(size: Size, start: Size, end: Size, step: bigint): Size | undefined {
  if (step === 0n) throw new GraphError('a step is 0');
  if (size.known !== undefined && start.known !== undefined && end.known !== undefined) {
    const [from, to] = clampSlice(size.known, start.known, end.known, step);
    const length = step > 0n ? (to - from + step - 1n) / step : (from - to - step - 1n) / -step;
    return Size.of(length > 0n ? length : 0n);
  }
  if (step !== 1n) return undefined;
  const clamped = (value: Size) => {
    const counted = value.high < 0n ? size.plus(value) : value.low >= 0n ? value : undefined;
    return counted?.min(size).max(Size.zero);
  };
  const [from, to] = [clamped(start), clamped(end)];
  if (from === undefined || to === undefined) return undefined;
  return to.minus(from).max(Size.zero);
}

function clampSlice(size: bigint, start: bigint, end: bigint, step: bigint): readonly [bigint, bigint] {
  const within = (value: bigint, low: bigint, high: bigint) => (value < low ? low : value > high ? high : value);
  const [from, to] = [start < 0n ? start + size : start, end < 0n ? end + size : end];
  return step > 0n
    ? [within(from, 0n, size), within(to, 0n, size)]
    : [within(from, 0n, size - 1n), within(to, -1n, size)];
}

function valuesFrom(values: readonly Size[] | undefined, start: bigint, end: bigint, step: bigint): Size[] | undefined {
  if (values === undefined || step === 0n) return undefined;
  const [from, to] = clampSlice(BigInt(values.length), start, end, step);
  const part: Size[] = [];
  for (let at = from; step > 0n ? at < to : at > to; at += step) part.push(values[Number(at)]!);
  return part;
}

const gather: Rule = (node) => {
  const [x, indices] = [node.input(0), node.input(1)];
  const axis = node.axis(node.int('axis', 0n), x.dims.length);
  const dims = [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)];
  const from = x.values;
  const values =
    x.dims.length !== 1 || from === undefined
      ? undefined
      : indices.values?.map(({ known }) => {
          if (known === undefined) return undefined;
          return from[Number(known < 0n ? known + BigInt(from.length) : known)];
        });
  const isKnown = values?.every((value) => value !== undefined) === true;
  return [tensor(x.type, dims, { ...repeatText(x, mostElements(indices)), ...(isKnown && { values }) })];
};

const gatherNd: Rule = (node) => {
  const [x, indices] = [node.input(0), node.input(1)];
  const batchDims = Number(node.int('batch_dims', 0n));
  const depth = indices.dims.at(-1)?.known;
  const end = depth === undefined ? -1 : batchDims + Number(depth);
  if (depth === undefined || batchDims < 0 || end > x.dims.length)
    throw new GraphError('the number of dimensions of its output is not known');
  return [tensor(x.type, [...indices.dims.slice(0, -1), ...x.dims.slice(end)], repeatText(x))];
};

const scatter: Rule = (node) => {
  const [x, updates] = [node.input(0), node.input(2)];
  const each = bigger(x.text?.each ?? 0n, updates.text?.each ?? 0n);
  return [{ ...shapeOf(x), ...(x.text !== undefined && { text: { each, total: undefined } }) }];
};

export const selectionRules: Rules = {
  Split: split,
  Slice: slice,
  Gather: gather,
  GatherElements: (node) => [tensor(node.input(0).type, node.input(1).dims, repeatText(node.input(0)))],
  GatherND: gatherNd,
  Scatter: scatter,
  ScatterElements: scatter,
  ScatterND: scatter,
};
