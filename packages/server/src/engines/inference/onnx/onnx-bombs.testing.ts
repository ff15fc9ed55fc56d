/**
 * ONNX models that exhaust memory or time, or crash their process, without limits: each with the expected result of the static
 * analysis, and inputs that trigger it.
 */
import type { Tensor } from '../contract.ts';
import { onnxFile, onnxGraph, type GraphText, type NodeText, type Weights } from './onnx-files.testing.ts';
import { floats, ints, node, rowOf, scalar, VALUE, X, Y } from './onnx-nodes.testing.ts';

export interface OnnxBomb {
  readonly name: string;
  readonly file: Buffer;
  /** External data of the model. */
  readonly files?: Readonly<Record<string, Buffer>>;
  /**
   * `reason`: the graph is not bounded, for this reason. `bytes`, `operations`: it is bounded, and needs at least this with a
   * batch of 1,000 rows.
   */
  readonly found: { readonly reason: RegExp } | { readonly bytes: number } | { readonly operations: number };
  /** When memory or time is exhausted: during loading, in the first run; `never`: the runtime rejects it. */
  readonly strikes: 'load' | 'run' | 'never';
  readonly inputs: readonly Tensor[];
}

const ROW = rowOf(1, 2, 3, 4);
/** Values that become sizes: 40,000 in each column. */
const LARGE_ROW = rowOf(40_000, 40_000, 40_000, 40_000);

/** y = x + the sum of `big`, so that `big` must be computed. */
const spent = (big = 'big'): NodeText[] => [
  node('ReduceSum', [big], 'sum', { keepdims: 0 }),
  node('Cast', ['sum'], 'sum/float', { to: 1 }),
  node('Add', ['x', 'sum/float'], 'y'),
];

/** The first row as integers: sizes that a caller chooses. */
const sizes = (count: number): NodeText[] => [
  node('Slice', ['x', 'zero', 'one', 'zero'], 'row'),
  node('Reshape', ['row', 'flat'], 'row/flat'),
  node('Cast', ['row/flat'], 'row/int', { to: 7 }),
  node('Slice', ['row/int', 'zero', `to${count}`, 'zero'], 'sizes'),
];
const SIZE_WEIGHTS = [
  ints('zero', 0),
  ints('one', 1),
  ints('flat', -1),
  ints('to2', 2),
  ints('to1', 1),
  ints('to4', 4),
];

const model = (nodes: readonly NodeText[], weights: readonly Weights[] = [], rest: Partial<GraphText> = {}): Buffer =>
  onnxFile({ nodes, weights, inputs: [X], outputs: [Y], ...rest });

const ofSizes = (nodes: readonly NodeText[], weights: readonly Weights[] = [], count = 2): Buffer =>
  model([...sizes(count), ...nodes], [...SIZE_WEIGHTS, ...weights]);

const constantOfShape = model(
  [node('ConstantOfShape', ['shape'], 'big'), ...spent()],
  [ints('shape', 200_000, 200_000)],
);

/** A loop whose state doubles with each iteration. */
function growingLoop(): Buffer {
  const body = onnxGraph({
    nodes: [node('Identity', ['go'], 'again'), node('Concat', ['state', 'state'], 'next', { axis: 0 })],
    inputs: [
      { name: 'i', datatype: 'INT64', shape: [] },
      { name: 'go', datatype: 'BOOL', shape: [] },
      { name: 'state', datatype: 'FP32', shape: ['s', 4] },
    ],
    outputs: [
      { name: 'again', datatype: 'BOOL', shape: [] },
      { name: 'next', datatype: 'FP32', shape: ['s', 4] },
    ],
  });
  const yes = { name: 'yes', shape: [], data: Uint8Array.of(1), datatype: 'BOOL' as const };
  return model(
    [node('Loop', ['trips', 'yes', 'x'], 'big', { body: { graph: body } }), ...spent()],
    [scalar('trips', 64), yes],
  );
}

export function endlessLoop(): Buffer {
  const body = onnxGraph({
    nodes: [node('Identity', ['go'], 'again'), node('Add', ['state', 'state'], 'next')],
    inputs: [
      { name: 'i', datatype: 'INT64', shape: [] },
      { name: 'go', datatype: 'BOOL', shape: [] },
      { name: 'state', datatype: 'FP32', shape: ['n', 4] },
    ],
    outputs: [
      { name: 'again', datatype: 'BOOL', shape: [] },
      { name: 'next', datatype: 'FP32', shape: ['n', 4] },
    ],
  });
  const yes = { name: 'yes', shape: [], data: Uint8Array.of(1), datatype: 'BOOL' as const };
  return model([node('Loop', ['', 'yes', 'x'], 'y', { body: { graph: body } })], [yes]);
}

function growingScan(): Buffer {
  const body = onnxGraph({
    nodes: [node('Concat', ['state', 'state'], 'next', { axis: 0 }), node('Identity', ['item'], 'each')],
    inputs: [
      { name: 'state', datatype: 'FP32', shape: ['s', 4] },
      { name: 'item', ...VALUE },
    ],
    outputs: [
      { name: 'next', datatype: 'FP32', shape: ['s', 4] },
      { name: 'each', ...VALUE },
    ],
  });
  const scan: NodeText = {
    op: 'Scan',
    inputs: ['x', 'items'],
    outputs: ['big', 'items/out'],
    attributes: { body: { graph: body }, num_scan_inputs: 1 },
  };
  return model([scan, ...spent()], [floats('items', ...Array.from({ length: 64 }, () => 1))]);
}

/** Nested scans, each over 1,000 elements: little memory, very long duration. */
function nestedScans(depth: number): Buffer {
  const level = (left: number): Buffer => {
    const state = `state${left}`;
    const inner: NodeText =
      left === 0
        ? node('Add', [state, 'step'], 'next0')
        : {
            op: 'Scan',
            inputs: [state, 'items'],
            outputs: [`next${left}`],
            attributes: { body: { graph: level(left - 1) }, num_scan_inputs: 1 },
          };
    return onnxGraph({
      nodes: [inner],
      inputs: [
        { name: state, datatype: 'FP32', shape: ['n', 4] },
        { name: `item${left}`, ...VALUE },
      ],
      outputs: [{ name: `next${left}`, datatype: 'FP32', shape: ['n', 4] }],
    });
  };
  const scan: NodeText = {
    op: 'Scan',
    inputs: ['x', 'items'],
    outputs: ['y'],
    attributes: { body: { graph: level(depth - 1) }, num_scan_inputs: 1 },
  };
  return model([scan], [floats('items', ...Array.from({ length: 1000 }, () => 1)), floats('step', 1)]);
}

function deepIf(depth: number): Buffer {
  const output = (left: number): GraphText['outputs'][number] => ({
    name: `y${left}`,
    datatype: 'FP32',
    shape: ['n', 4],
  });
  const branch = (left: number, output_ = `y${left}`): NodeText =>
    left === 0
      ? node('Neg', ['x'], output_)
      : {
          op: 'If',
          inputs: ['is'],
          outputs: [output_],
          attributes: {
            then_branch: { graph: onnxGraph({ nodes: [branch(left - 1)], inputs: [], outputs: [output(left - 1)] }) },
            else_branch: {
              graph: onnxGraph({
                nodes: [node('Abs', ['x'], `no${left}`)],
                inputs: [],
                outputs: [{ ...output(left), name: `no${left}` }],
              }),
            },
          },
        };
  return model([branch(depth, 'y')], [{ name: 'is', shape: [], data: Uint8Array.of(1), datatype: 'BOOL' }]);
}

/** Each function calls the next one twice. */
function nestedFunctions(depth: number): Buffer {
  const domain = 'bomb';
  const functions = Array.from({ length: depth }, (_, at) => ({
    name: `f${at}`,
    domain,
    inputs: ['a'],
    outputs: ['c'],
    nodes:
      at === depth - 1
        ? [node('Neg', ['a'], 'c')]
        : [
            { ...node(`f${at + 1}`, ['a'], 'b'), domain },
            { ...node(`f${at + 1}`, ['b'], 'c'), domain },
          ],
  }));
  return onnxFile(
    { nodes: [{ ...node('f0', ['x'], 'y'), domain }], inputs: [X], outputs: [Y] },
    { functions, domains: [domain] },
  );
}

/** Products of large matrices, one after the other: the runtime computes them while it loads the model. */
function slowProducts(count: number, dependsOnInput: boolean): Buffer {
  const nodes: NodeText[] = [node('ConstantOfShape', ['side'], dependsOnInput ? 'filled' : 'm0')];
  if (dependsOnInput) {
    nodes.push(node('ReduceSum', ['x'], 'sum/x', { keepdims: 0 }), node('Add', ['filled', 'sum/x'], 'm0'));
  }
  for (let at = 0; at < count; at++) nodes.push(node('MatMul', [`m${at}`, `m${at}`], `m${at + 1}`));
  return model([...nodes, ...spent(`m${count}`)], [ints('side', 3000, 3000)]);
}

function doublingText(count: number): Buffer {
  const nodes = Array.from({ length: count }, (_, at) => node('StringConcat', [`t${at}`, `t${at}`], `t${at + 1}`));
  return onnxFile(
    {
      nodes: [node('Identity', ['x'], 't0'), ...nodes, node('Identity', [`t${count}`], 'y')],
      inputs: [{ name: 'x', datatype: 'BYTES', shape: ['n', 1] }],
      outputs: [{ name: 'y', datatype: 'BYTES', shape: ['n', 1] }],
    },
    { opset: 20 },
  );
}

function manyNodes(count: number): Buffer {
  const nodes = Array.from({ length: count }, (_, at) =>
    node('Neg', [at === 0 ? 'x' : `n${at}`], at === count - 1 ? 'y' : `n${at + 1}`),
  );
  return model(nodes);
}

const external = (name: string, rest: Partial<Weights>): Weights => ({
  name,
  shape: [4],
  data: new Float32Array(0),
  location: 'weights.bin',
  ...rest,
});
const withExternal = (rest: Partial<Weights>) => model([node('Add', ['x', 'w'], 'y')], [external('w', rest)]);

/** All models; `strikes` marks those that exhaust a process that loads or runs them. */
export function onnxBombs(): OnnxBomb[] {
  const reason = (pattern: RegExp) => ({ reason: pattern });
  const unknown = reason(/not known before a run/);
  const bomb = (
    name: string,
    strikes: OnnxBomb['strikes'],
    file: Buffer,
    found: OnnxBomb['found'],
    inputs: readonly Tensor[] = [ROW],
  ): OnnxBomb => ({ name, file, found, strikes, inputs });
  return [
    bomb('ConstantOfShape by initializer', 'load', constantOfShape, { bytes: 160e9 }),
    bomb(
      'ConstantOfShape by input value',
      'run',
      ofSizes([node('ConstantOfShape', ['sizes'], 'big'), ...spent()]),
      unknown,
      [LARGE_ROW],
    ),
    bomb(
      'ConstantOfShape that is large for small batches only',
      'run',
      model(
        [
          node('Shape', ['x'], 'shape', { end: 1 }),
          node('Sub', ['most', 'shape'], 'left'),
          node('Mul', ['left', 'many'], 'many/left'),
          node('ConstantOfShape', ['many/left'], 'big'),
          ...spent(),
        ],
        [ints('most', 1000), ints('many', 100_000_000)],
      ),
      { bytes: 390e9 },
    ),
    bomb(
      'Expand by the batch',
      'run',
      model(
        [
          node('Shape', ['x'], 'shape', { end: 1 }),
          node('Mul', ['shape', 'many'], 'rows'),
          node('Concat', ['rows', 'many', 'four'], 'dims', { axis: 0 }),
          node('Expand', ['w', 'dims'], 'big'),
          ...spent(),
        ],
        [ints('many', 200_000), ints('four', 4), floats('w', 1)],
      ),
      { bytes: 640e12 },
    ),
    bomb('Expand to input values', 'run', ofSizes([node('Expand', ['one', 'sizes'], 'big'), ...spent()]), unknown, [
      LARGE_ROW,
    ]),
    bomb(
      'Tile by a constant',
      'run',
      model(
        [node('Tile', ['w', 'times'], 'big'), ...spent()],
        [{ name: 'w', shape: [1, 1], data: Float32Array.of(1) }, ints('times', 32_000, 32_000)],
      ),
      { bytes: 4e9 },
    ),
    bomb('Tile by input values', 'run', ofSizes([node('Tile', ['x', 'sizes'], 'big'), ...spent()]), unknown, [
      // The runtime rejects more than 4 GiB.
      rowOf(32_000, 8000, 1, 1),
    ]),
    bomb(
      'Range by a constant',
      'load',
      model(
        [node('Range', ['from', 'to', 'step'], 'big'), ...spent()],
        [scalar('from', 0), scalar('to', 40_000_000_000), scalar('step', 1)],
      ),
      { bytes: 320e9 },
    ),
    bomb(
      'Range to an input value',
      'run',
      ofSizes(
        [
          node('ReduceProd', ['sizes'], 'to', { keepdims: 0 }),
          node('Mul', ['to', 'hundred'], 'to/100'),
          node('Range', ['from', 'to/100', 'step'], 'big'),
          ...spent(),
        ],
        [scalar('from', 0), scalar('step', 1), scalar('hundred', 100)],
      ),
      unknown,
      [LARGE_ROW],
    ),
    bomb(
      'Resize by scales',
      'run',
      model(
        [node('Reshape', ['x', 'image'], 'images'), node('Resize', ['images', '', 'scales'], 'big'), ...spent()],
        [ints('image', -1, 1, 2, 2), floats('scales', 1, 1, 100_000, 100_000)],
      ),
      { bytes: 160e12 },
    ),
    bomb(
      'Resize by input values',
      'run',
      ofSizes(
        [node('Reshape', ['x', 'image'], 'images'), node('Resize', ['images', '', 'row/flat'], 'big'), ...spent()],
        [ints('image', -1, 1, 2, 2)],
        4,
      ),
      unknown,
      [rowOf(1, 1, 200_000, 200_000)],
    ),
    bomb(
      'Pad by a constant',
      'run',
      model([node('Pad', ['x', 'pads'], 'big'), ...spent()], [ints('pads', 0, 0, 200_000, 200_000)]),
      { bytes: 160e9 },
    ),
    bomb('Pad by input values', 'run', ofSizes([node('Pad', ['x', 'sizes'], 'big'), ...spent()], [], 4), unknown, [
      LARGE_ROW,
    ]),
    bomb(
      'OneHot by a constant',
      'run',
      model(
        [node('Cast', ['x'], 'x/int', { to: 7 }), node('OneHot', ['x/int', 'depth', 'values'], 'big'), ...spent()],
        [scalar('depth', 20_000_000_000), floats('values', 0, 1)],
      ),
      { bytes: 320e12 },
    ),
    bomb(
      'OneHot by an input value',
      'run',
      ofSizes(
        [
          node('ReduceProd', ['sizes'], 'depth', { keepdims: 0 }),
          node('OneHot', ['sizes', 'depth', 'values'], 'big'),
          ...spent(),
        ],
        [floats('values', 0, 1)],
        4,
      ),
      unknown,
      [rowOf(400, 400, 400, 400)],
    ),
    bomb(
      'RandomNormal of a huge shape',
      'load',
      model([node('RandomNormal', [], 'big', { shape: { ints: [200_000, 200_000] } }), ...spent()]),
      { bytes: 160e9 },
    ),
    bomb(
      'Loop with growing state',
      'run',
      growingLoop(),
      reason(/^operator Loop in node `big`: the number of its iterations/),
    ),
    bomb('Loop without end', 'run', endlessLoop(), reason(/^operator Loop in node `y`/)),
    bomb(
      'Scan with growing state',
      'never',
      growingScan(),
      reason(/^operator Scan in node `big`: its state can change/),
    ),
    bomb('Scans in scans', 'run', nestedScans(4), { operations: 1e12 }),
    bomb('deep If', 'never', deepIf(40), reason(/nested more than 16 deep/)),
    bomb('functions that call each other twice', 'load', nestedFunctions(30), reason(/nested more than 16 deep/)),
    bomb('functions that multiply nodes', 'load', nestedFunctions(16), { operations: 1e8 }),
    bomb('60,000 nodes', 'load', manyNodes(60_000), reason(/more than 50000 nodes/)),
    bomb(
      'an initializer that declares more than it has',
      'never',
      model([node('Add', ['x', 'w'], 'y')], [{ name: 'w', shape: [2 ** 40], data: Float32Array.of(1) }]),
      reason(/declares 1099511627776 elements/),
    ),
    bomb(
      'an initializer of 2^62 elements',
      'never',
      model([node('Add', ['x', 'w'], 'y')], [{ name: 'w', shape: [2 ** 62], data: Float32Array.of(1) }]),
      reason(/has a dimension of 4611686018427387904/),
    ),
    bomb(
      'a sparse initializer',
      'load',
      model(spent('s'), [], {
        sparse: [{ values: floats('s', 1), indices: ints('s/at', 0), shape: [40_000_000_000] }],
      }),
      { bytes: 160e9 },
    ),
    {
      ...bomb(
        'external data that is too short',
        'never',
        withExternal({ shape: [1_000_000] }),
        reason(/has 16 bytes, but a tensor needs 4000000/),
      ),
      files: { 'weights.bin': Buffer.alloc(16) },
    },
    {
      ...bomb(
        'external data beyond the end',
        'never',
        withExternal({ offset: 2 ** 50, length: 16 }),
        reason(/needs 1125899906842640/),
      ),
      files: { 'weights.bin': Buffer.alloc(16) },
    },
    bomb('external data that is missing', 'never', withExternal({}), reason(/is missing/)),
    bomb('slow products while loading', 'load', slowProducts(400, false), { operations: 1e12 }),
    bomb('slow products in a run', 'run', slowProducts(400, true), { operations: 1e12 }),
    bomb(
      'text that doubles',
      'run',
      doublingText(40),
      reason(/^operator StringConcat in node `t1`: it creates text without a length limit/),
      [{ name: 'x', datatype: 'BYTES', shape: [1, 1], data: [Buffer.from('grows')] }],
    ),
    bomb(
      'NonZero',
      'never',
      model([node('NonZero', ['x'], 'big'), ...spent()]),
      reason(/^operator NonZero in node `big`: the size of its output depends on the values/),
    ),
    bomb(
      'an unknown operator',
      'never',
      onnxFile(
        { nodes: [{ ...node('Grow', ['x'], 'y'), domain: 'custom' }], inputs: [X], outputs: [Y] },
        { domains: ['custom'] },
      ),
      reason(/^operator custom.Grow in node `y`: the memory of this operator is not known/),
    ),
    bomb(
      'a division of the lowest whole number by -1',
      'run',
      model(
        [
          node('Cast', ['x'], 'x/int', { to: 7 }),
          node('Slice', ['x/int', 'one', 'two', 'one'], 'divisor'),
          node('Div', ['x/int', 'divisor'], 'quotient'),
          node('Cast', ['quotient'], 'y', { to: 1 }),
        ],
        [ints('one', 1), ints('two', 2)],
      ),
      reason(/^operator Div in node `quotient`: it divides integers by a value that can be -1/),
      [rowOf(-(2 ** 63), -1, 1, 1)],
    ),
    bomb(
      'differences of all pairs of rows',
      'never',
      model(
        [
          node('Unsqueeze', ['x', 'one'], 'a'),
          node('Unsqueeze', ['x', 'zero'], 'b'),
          node('Sub', ['a', 'b'], 'big'),
          ...spent(),
        ],
        [ints('zero', 0), ints('one', 1)],
      ),
      { bytes: 16e6 },
    ),
  ];
}
