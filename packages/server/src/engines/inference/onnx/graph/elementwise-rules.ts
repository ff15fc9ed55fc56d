/** Elementwise operators and reductions. */
import { ElementType, GraphError, MOST_VALUES } from './onnx-graph.ts';
import type { NodeView, Rule, Rules } from './node-view.ts';
import { Size } from './size.ts';
import { broadcast, bytesOf, isFloat, isInteger, mostElements, tensor, type TensorValue } from './tensor-value.ts';

/** Logarithms, roots and similar functions take several instructions per element. */
const COSTLY = 16n;

const SIGNED = new Set<number>([ElementType.int8, ElementType.int16, ElementType.int32, ElementType.int64]);

/** The output has the shape and type of the first input. */
export const sameAsInput: Rule = (node) => [shapeOf(node.input(0))];

const costly: Rule = (node) => {
  const [x] = [node.input(0)];
  node.costs(mostElements(x) * COSTLY);
  return [shapeOf(x)];
};

/** May transpose its input to reach the axis, and its output back. */
const alongAxis: Rule = (node) => {
  const x = node.input(0);
  node.costs(mostElements(x) * COSTLY, 2n * bytesOf(x));
  return [shapeOf(x)];
};

/** Computes a power of each element. */
const localNormalization: Rule = (node) => {
  const x = node.input(0);
  node.costs(mostElements(x) * 4n * COSTLY, 2n * bytesOf(x));
  return [shapeOf(x)];
};

const test: Rule = (node) => {
  const { dims, most } = node.input(0);
  return [tensor(ElementType.bool, dims, { ...(most !== undefined && { most }) })];
};

/** Maps the values if all are known. */
function unary(apply: (value: Size) => Size | undefined, fraction?: (value: number) => number): Rule {
  return (node) => {
    const x = node.input(0);
    if (fraction !== undefined && x.fractions !== undefined) {
      return [tensor(x.type, x.dims, { values: x.fractions.map((value) => Size.of(BigInt(fraction(value)))) })];
    }
    const values = x.values?.map(apply);
    return [
      { ...shapeOf(x), ...(values?.every((value) => value !== undefined) && tensor(x.type, x.dims, { values })) },
    ];
  };
}

/** Without values. */
export function shapeOf({ type, dims, most, text }: TensorValue): TensorValue {
  return tensor(type, dims, { ...(most !== undefined && { most }), ...(text !== undefined && { text }) });
}

/** Combines values of several tensors elementwise, each broadcast to `dims`. */
function combine(
  dims: readonly Size[],
  inputs: readonly TensorValue[],
  apply: (values: readonly Size[]) => Size | undefined,
): Size[] | undefined {
  if (inputs.some(({ values }) => values === undefined)) return undefined;
  const sizes = dims.map(({ known }) => Number(known ?? MOST_VALUES + 1));
  const count = sizes.reduce((product, size) => product * size, 1);
  if (count > MOST_VALUES) return undefined;
  const result: Size[] = [];
  for (let index = 0; index < count; index++) {
    const parts = inputs.map((input) => input.values![positionOf(index, sizes, input.dims)]);
    if (parts.includes(undefined)) return undefined;
    const value = apply(parts as Size[]);
    if (value === undefined) return undefined;
    result.push(value);
  }
  return result;
}

function positionOf(index: number, sizes: readonly number[], dims: readonly Size[]): number {
  let rest = index;
  let position = 0;
  let stride = 1;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    const at = rest % sizes[axis]!;
    rest = Math.floor(rest / sizes[axis]!);
    const size = Number(dims[axis - sizes.length + dims.length]?.known ?? 1n);
    position += (size === 1 ? 0 : at) * stride;
    stride *= size;
  }
  return position;
}

function binary(apply?: (a: Size, b: Size, type: number) => Size | undefined, result?: number): Rule {
  return (node) => {
    const [a, b] = [node.input(0), node.input(1)];
    const dims = broadcast(a.dims, b.dims);
    const values = apply && combine(dims, [a, b], ([x, y]) => apply(x!, y!, a.type));
    const fractions = apply === undefined ? undefined : multiplied(node, a, b);
    const most = mostOfSame([a, b], dims);
    return [tensor(result ?? a.type, dims, { ...most, ...(values && { values }), ...(fractions && { fractions }) })];
  };
}

/** Without broadcasting, the number of elements does not grow: all inputs have the dimensions of the result. */
function mostOfSame(inputs: readonly TensorValue[], dims: readonly Size[]): { most?: bigint } {
  const same = inputs.find(
    ({ dims: own, most }) =>
      most !== undefined && own.length === dims.length && own.every((size, at) => size.equals(dims[at]!)),
  );
  return same?.most === undefined ? {} : { most: same.most };
}

/** A fractional constant times a constant: scales of images. */
function multiplied({ node }: NodeView, a: TensorValue, b: TensorValue): number[] | undefined {
  if (node.operator !== 'Mul' || (a.fractions === undefined && b.fractions === undefined)) return undefined;
  const [x, y] = [numbersOf(a), numbersOf(b)];
  if (x === undefined || y === undefined || x.length !== y.length) return undefined;
  return x.map((value, at) => value * y[at]!);
}

export function numbersOf({ values, fractions }: TensorValue): number[] | undefined {
  if (fractions !== undefined) return [...fractions];
  if (values === undefined || values.some(({ known }) => known === undefined)) return undefined;
  return values.map(({ known }) => Number(known));
}

/**
 * The runtime checks for a division by 0, but the lowest integer divided by -1 crashes the process (SIGFPE, observed with
 * onnxruntime 1.30 for `Div` of int64 and `Mod` of int32 and int64).
 */
function refuseTrap(node: NodeView): void {
  const [a, b] = [node.input(0), node.input(1)];
  if (!SIGNED.has(a.type)) return;
  const isSafe = b.values?.every(({ low, high }) => low > -1n || high < -1n);
  if (isSafe !== true) {
    throw new GraphError(
      'it divides integers by a value that can be -1, which crashes the process for the lowest integer',
    );
  }
}

const divide: Rule = (node) => {
  refuseTrap(node);
  return binary((a, b, type) => (isInteger(type) ? a.dividedDown(b) : a.dividedExactly(b)))(node);
};

const modulo: Rule = (node) => {
  refuseTrap(node);
  return binary((a, b, type) => {
    if (!isInteger(type) || b.low < 1n || a.low < 0n) return undefined;
    const quotient = a.dividedExactly(b);
    if (quotient !== undefined) return Size.zero;
    if (a.known !== undefined && b.known !== undefined) return Size.of(a.known % b.known);
    return Size.between(0n, b.high - 1n);
  })(node);
};

const truth = (value: boolean | undefined) => (value === undefined ? undefined : value ? Size.one : Size.zero);

function comparison(holds: (order: -1 | 0 | 1) => boolean): Rule {
  return binary((a, b) => {
    const order = a.compare(b);
    if (order !== undefined) return truth(holds(order));
    return Size.between(0n, 1n);
  }, ElementType.bool);
}

/** Truth values are 0 and 1; undefined where the result depends on the run. */
const logical = (apply: (a: Size, b: Size) => Size | undefined): Rule =>
  binary((a, b) => apply(a, b) ?? Size.between(0n, 1n), ElementType.bool);

const several =
  (apply: (a: Size, b: Size) => Size): Rule =>
  (node) => {
    const inputs = node.inputs();
    const dims = broadcast(...inputs.map((input) => input.dims));
    const values = combine(dims, inputs, (all) => all.reduce(apply));
    return [tensor(node.input(0).type, dims, { ...(values && { values }) })];
  };

const where: Rule = (node) => {
  const [condition, x, y] = [node.input(0), node.input(1), node.input(2)];
  const dims = broadcast(condition.dims, x.dims, y.dims);
  const values = combine(dims, [condition, x, y], ([isX, a, b]) => {
    if (isX!.known !== undefined) return isX!.known === 0n ? b : a;
    return a!.equals(b!) ? a : Size.between(a!.min(b!).low, a!.max(b!).high);
  });
  const each = [x.text?.each ?? 0n, y.text?.each ?? 0n].reduce((a, b) => (a > b ? a : b));
  return [tensor(x.type, dims, { ...(values && { values }), text: { each, total: undefined } })];
};

const cast: Rule = (node) => {
  const x = node.input(0);
  const to = node.node.operator === 'CastLike' ? node.input(1).type : Number(node.int('to', 0n));
  const kept =
    to === ElementType.bool
      ? x.values?.map((value) => (value.known === undefined ? Size.between(0n, 1n) : truth(value.known !== 0n)!))
      : x.values;
  const whole =
    isFloat(to) || x.fractions === undefined
      ? undefined
      : x.fractions.map((value) => Size.of(BigInt(Math.trunc(value))));
  node.costs(mostElements(x) * (to === ElementType.string || x.type === ElementType.string ? 100n : 1n));
  const values = kept ?? (to === ElementType.bool ? undefined : whole);
  return [
    tensor(to, x.dims, {
      ...(x.most !== undefined && { most: x.most }),
      ...(values && x.type !== ElementType.string && { values }),
      ...(isFloat(to) && x.fractions !== undefined && { fractions: x.fractions }),
      // Digits of a number: at most 32 bytes.
      text:
        x.type === ElementType.string ? (x.text ?? { each: 32n, total: undefined }) : { each: 32n, total: undefined },
    }),
  ];
};

function reduction(version: number, result?: number): Rule {
  return (node) => {
    const x = node.input(0);
    const rank = x.dims.length;
    const given = node.attributeOrInput('axes', 1, version);
    const isNothing = (given === undefined || given.length === 0) && node.int('noop_with_empty_axes', 0n) !== 0n;
    const all = x.dims.map((_, at) => at);
    const axes = new Set(
      given === undefined || given.length === 0 ? (isNothing ? [] : all) : given.map((axis) => node.axis(axis, rank)),
    );
    const keeps = node.int('keepdims', 1n) !== 0n;
    const dims = x.dims.flatMap((size, at) => (axes.has(at) ? (keeps ? [Size.one] : []) : [size]));
    node.costs(mostElements(x) * 2n, bytesOf(x));
    const values = axes.size === rank ? reducedValues(node.node.operator, x) : undefined;
    return [tensor(result ?? x.type, dims, { ...(values && { values }) })];
  };
}

function reducedValues(operator: string, { values }: TensorValue): Size[] | undefined {
  if (values === undefined || values.length === 0) return undefined;
  if (operator === 'ReduceProd') return [values.reduce((a, b) => a.times(b))];
  if (operator === 'ReduceSum') return [values.reduce((a, b) => a.plus(b))];
  if (operator === 'ReduceMax') return [values.reduce((a, b) => a.max(b))];
  if (operator === 'ReduceMin') return [values.reduce((a, b) => a.min(b))];
  return undefined;
}

const argument: Rule = (node) => {
  const x = node.input(0);
  const axis = node.axis(node.int('axis', 0n), x.dims.length);
  const keeps = node.int('keepdims', 1n) !== 0n;
  node.costs(mostElements(x) * 2n, bytesOf(x));
  return [tensor(ElementType.int64, keeps ? x.dims.with(axis, Size.one) : x.dims.toSpliced(axis, 1))];
};

const clip: Rule = (node) => {
  const x = node.input(0);
  const [low, high] =
    node.opset < 11 ? [undefined, undefined] : [node.optional(1)?.values?.[0], node.optional(2)?.values?.[0]];
  const isOpen =
    node.opset < 11 ||
    (node.optional(1) !== undefined && low === undefined) ||
    (node.optional(2) !== undefined && high === undefined);
  const values = isOpen
    ? undefined
    : x.values?.map((value) => {
        const raised = low === undefined ? value : value.max(low);
        return high === undefined ? raised : raised.min(high);
      });
  return [tensor(x.type, x.dims, { ...(x.most !== undefined && { most: x.most }), ...(values && { values }) })];
};

const named = (names: string, rule: Rule): Rules => Object.fromEntries(names.split(' ').map((name) => [name, rule]));

export const elementwiseRules: Rules = {
  ...named('Relu LeakyRelu ThresholdedRelu HardSigmoid HardSwish Shrink Sign BitwiseNot', sameAsInput),
  ...named(
    'Elu Selu Celu Sigmoid Tanh Softplus Softsign Exp Log Sqrt Reciprocal Sin Cos Tan Asin Acos Atan Sinh Cosh',
    costly,
  ),
  ...named('Asinh Acosh Atanh Erf Mish Gelu Swish', costly),
  ...named('Softmax LogSoftmax Hardmax LpNormalization CumSum MeanVarianceNormalization', alongAxis),
  LRN: localNormalization,
  ...named('IsNaN IsInf', test),
  Abs: unary((value) =>
    value.low >= 0n
      ? value
      : value.high <= 0n
        ? Size.zero.minus(value)
        : Size.between(0n, value.max(Size.zero.minus(value)).high),
  ),
  Neg: unary((value) => Size.zero.minus(value)),
  Not: unary((value) => (value.known === undefined ? Size.between(0n, 1n) : truth(value.known === 0n))),
  Floor: unary((value) => value, Math.floor),
  Ceil: unary((value) => value, Math.ceil),
  Round: unary((value) => value),
  Identity: (node) => [node.input(0)],
  Add: binary((a, b) => a.plus(b)),
  Sub: binary((a, b) => a.minus(b)),
  Mul: binary((a, b) => a.times(b)),
  Div: divide,
  Mod: modulo,
  Pow: binary(),
  PRelu: binary(),
  ...named('BitShift BitwiseAnd BitwiseOr BitwiseXor', binary()),
  And: logical((a, b) =>
    a.known === 0n || b.known === 0n ? Size.zero : a.known === 1n ? b : b.known === 1n ? a : undefined,
  ),
  Or: logical((a, b) =>
    a.known === 1n || b.known === 1n ? Size.one : a.known === 0n ? b : b.known === 0n ? a : undefined,
  ),
  Xor: binary(undefined, ElementType.bool),
  Equal: comparison((order) => order === 0),
  Less: comparison((order) => order < 0),
  Greater: comparison((order) => order > 0),
  LessOrEqual: comparison((order) => order <= 0),
  GreaterOrEqual: comparison((order) => order >= 0),
  Max: several((a, b) => a.max(b)),
  Min: several((a, b) => a.min(b)),
  Sum: several((a, b) => a.plus(b)),
  Mean: (node) => [shapeOf(several((a) => a)(node)[0] as TensorValue)],
  Where: where,
  Cast: cast,
  CastLike: cast,
  Clip: clip,
  ReduceSum: reduction(13),
  ...named(
    'ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare',
    reduction(18),
  ),
  ...named('ArgMax ArgMin', argument),
};
