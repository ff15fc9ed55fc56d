/** Operators that run subgraphs. */
import { GraphError } from './onnx-graph.ts';
import type { Rule, Rules } from './node-view.ts';
import { Size } from './size.ts';
import { bytesOf, mostElements, repeatText, tensor, type TensorValue, type Value } from './tensor-value.ts';

/** Both branches count, because a value decides which one runs. */
const conditional: Rule = (node) => {
  const branches = ['then_branch', 'else_branch'].map((name) => node.evaluateGraph(node.graph(name), [], 1n));
  const [yes, no] = branches as [readonly Value[], readonly Value[]];
  if (yes.length !== no.length) throw new GraphError('its branches have different numbers of outputs');
  node.costs(1n);
  return yes.map((value, at) => either(value, no[at]!));
};

function either(a: Value, b: Value): Value {
  if (a.kind === 'closed' || b.kind === 'closed') throw new GraphError('a branch returns a value that is not a tensor');
  if (a.type !== b.type || a.dims.length !== b.dims.length) {
    throw new GraphError('its branches return outputs of different types or numbers of dimensions');
  }
  const dims = a.dims.map((size, at) => {
    const other = b.dims[at]!;
    return size.equals(other) ? size : Size.between(size.min(other).low, size.max(other).high);
  });
  const [x, y] = [mostElements(a), mostElements(b)];
  const isSame =
    a.values !== undefined &&
    a.values.length === b.values?.length &&
    a.values.every((value, at) => value.equals(b.values![at]!));
  const each = [a.text?.each ?? 0n, b.text?.each ?? 0n].reduce((one, two) => (one > two ? one : two));
  return tensor(a.type, dims, {
    most: x > y ? x : y,
    ...(isSame && { values: a.values }),
    text: { each, total: undefined },
  });
}

/** The body runs once per element along an axis of its inputs; its state keeps its dimensions. */
const scan: Rule = (node) => {
  if (node.opset < 9) throw new GraphError('versions before opset 9 are not analyzed');
  const count = Number(node.int('num_scan_inputs', 0n));
  const states = node.inputs().slice(0, -count || undefined);
  const scanned = node.inputs().slice(states.length);
  if (count < 1 || scanned.length !== count)
    throw new GraphError('it scans no input, so the number of its iterations is not known');
  const inputAxes = node.ints('scan_input_axes') ?? scanned.map(() => 0n);
  const axes = scanned.map(({ dims }, at) => node.axis(inputAxes[at] ?? 0n, dims.length));
  // Inputs of different lengths fail in the runtime.
  const trips = scanned[0]!.dims[axes[0]!]!;
  const slices = scanned.map((x, at) => tensor(x.type, x.dims.toSpliced(axes[at]!, 1), repeatText(x)));
  const initial = states.map((x) => tensor(x.type, x.dims, repeatText(x)));
  const outputs = node.evaluateGraph(node.graph('body'), [...initial, ...slices], trips.high);
  const tensors = outputs.map((value) => {
    if (value.kind === 'closed') throw new GraphError('its body returns a value that is not a tensor');
    return value;
  });
  initial.forEach((state, at) => checkState(state, tensors[at]));
  const outputAxes = node.ints('scan_output_axes');
  const stacked = tensors.slice(initial.length).map((value, at) => {
    const axis = node.axis(outputAxes?.[at] ?? 0n, value.dims.length + 1);
    return tensor(value.type, value.dims.toSpliced(axis, 0, trips), repeatText(value));
  });
  node.costs(1n, 2n * initial.reduce((sum, value) => sum + bytesOf(value), 0n));
  return [...initial, ...stacked];
};

function checkState(before: TensorValue, after: TensorValue | undefined): void {
  const isSame =
    after !== undefined &&
    after.type === before.type &&
    after.dims.length === before.dims.length &&
    after.dims.every((size, at) => size.equals(before.dims[at]!)) &&
    (after.text?.each ?? 0n) <= (before.text?.each ?? 0n);
  if (!isSame) throw new GraphError('its state can change its dimensions with each iteration: the size has no limit');
}

const refuse =
  (why: string): Rule =>
  () => {
    throw new GraphError(why);
  };

const dependsOnValues = refuse(
  'the size of its output depends on the values of its input, which are known only during a run',
);
const growsText = refuse('it creates text without a length limit');
const noTensor = refuse('it creates sequences, maps or optional values, whose size is not analyzed');

const each = (names: string, rule: Rule): Rules => Object.fromEntries(names.split(' ').map((name) => [name, rule]));

export const controlRules: Rules = {
  If: conditional,
  Scan: scan,
  Loop: refuse('the number of its iterations and the size of its state are not known before a run'),
  ...each('NonZero Unique Compress NonMaxSuppression', dependsOnValues),
  ...each(
    'StringNormalizer StringConcat StringSplit RegexFullMatch Tokenizer StringLower StringUpper StringMapping',
    growsText,
  ),
  ...each(
    'SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap',
    noTensor,
  ),
  ...each(
    'SplitToSequence ConcatFromSequence Optional OptionalGetElement OptionalHasElement DictVectorizer CastMap',
    noTensor,
  ),
};
