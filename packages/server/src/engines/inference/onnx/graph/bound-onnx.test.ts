import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { boostedTrees, linear, onnxFile, onnxGraph, perceptron, type NodeText } from '../onnx-files.testing.ts';
import { onnxBombs } from '../onnx-bombs.testing.ts';
import { ints, node, X, Y } from '../onnx-nodes.testing.ts';
import { boundOnnx, type OnnxBound } from './bound-onnx.ts';

function bounded(bound: OnnxBound): OnnxBound & { bounded: true } {
  if (!bound.bounded) throw new Error(bound.reason);
  return bound;
}

describe('models that exhaust memory or time', () => {
  const cases = onnxBombs().map((bomb) => {
    const externalData = new Map(Object.entries(bomb.files ?? {}).map(([location, { length }]) => [location, length]));
    return { name: bomb.name, found: bomb.found, bound: () => boundOnnx(bomb.file, { maxBatch: 1000, externalData }) };
  });

  test.each(cases.flatMap((one) => ('reason' in one.found ? [{ ...one, reason: one.found.reason }] : [])))(
    'not bounded: $name',
    ({ bound, reason }) => {
      expect(bound()).toEqual({ bounded: false, reason: expect.stringMatching(reason) });
    },
  );

  test.each(cases.flatMap((one) => ('bytes' in one.found ? [{ ...one, bytes: one.found.bytes }] : [])))(
    'memory: $name',
    ({ bound, bytes }) => {
      expect(bounded(bound()).peakBytes).toBeGreaterThanOrEqual(bytes);
    },
  );

  test.each(cases.flatMap((one) => ('operations' in one.found ? [{ ...one, operations: one.found.operations }] : [])))(
    'time: $name',
    ({ bound, operations }) => {
      expect(bounded(bound()).operations).toBeGreaterThanOrEqual(operations);
    },
  );
});

describe('ordinary models', () => {
  test('a product with weights: outputs grow with the batch, weights do not grow', () => {
    const bound = (maxBatch: number) => bounded(boundOnnx(linear(new Float32Array(100)), { maxBatch }));
    expect(bound(1000).peakBytes - bound(1).peakBytes).toBeGreaterThanOrEqual(999 * (100 + 1) * 4);
    expect(bound(1000).peakBytes).toBeLessThan(2_000_000);
    expect(bound(1000).loadBytes).toBe(bound(1).loadBytes);
    expect(bound(1000).operations).toBeGreaterThanOrEqual(100 * 1000);
  });

  test('trees, and a network of dense layers', () => {
    const trees = boostedTrees({ features: 10, trees: 100, depth: 5, columns: true });
    expect(bounded(boundOnnx(trees, { maxBatch: 1000 })).peakBytes).toBeLessThan(5e6);
    expect(bounded(boundOnnx(perceptron([100, 200, 10]), { maxBatch: 1000 })).peakBytes).toBeLessThan(10e6);
  });

  test('external weights count by the size of their file', () => {
    const file = linear(new Float32Array(100), 'weights.bin');
    const bound = (bytes: number) => boundOnnx(file, { maxBatch: 1, externalData: new Map([['weights.bin', bytes]]) });
    expect(bound(400)).toMatchObject({ bounded: true });
    expect(bound(399)).toMatchObject({
      bounded: false,
      reason: 'the external data `weights.bin` has 399 bytes, but a tensor needs 400',
    });
  });

  test('computed shapes: Reshape with Shape, Gather, Concat and -1', () => {
    const file = onnxFile({
      nodes: [
        node('Shape', ['x'], 'shape'),
        node('Gather', ['shape', 'zero'], 'rows', { axis: 0 }),
        node('Concat', ['rows', 'two', 'open'], 'target', { axis: 0 }),
        node('Reshape', ['x', 'target'], 'halves'),
        node('Transpose', ['halves'], 'turned', { perm: { ints: [0, 2, 1] } }),
        node('Reshape', ['turned', 'back'], 'y'),
      ],
      inputs: [X],
      outputs: [Y],
      weights: [ints('zero', 0), ints('two', 2), ints('open', -1), ints('back', 0, -1)],
    });
    expect(bounded(boundOnnx(file, { maxBatch: 1000 })).peakBytes).toBeLessThan(100_000);
  });

  test('a computed dimension of torch.expand: Where(Equal(shape, -1), 1, shape)', () => {
    const file = onnxFile({
      nodes: [
        node('Shape', ['x'], 'shape'),
        node('Equal', ['shape', 'minus'], 'is'),
        node('Where', ['is', 'ones', 'shape'], 'target'),
        node('Expand', ['w', 'target'], 'all'),
        node('Add', ['x', 'all'], 'y'),
      ],
      inputs: [X],
      outputs: [Y],
      weights: [ints('minus', -1, -1), ints('ones', 1, 1), { name: 'w', shape: [1, 4], data: new Float32Array(4) }],
    });
    expect(bounded(boundOnnx(file, { maxBatch: 1000 })).peakBytes).toBeLessThan(200_000);
  });

  test('Scan over the rows with a state of constant size', () => {
    const body = onnxGraph({
      nodes: [node('Sub', ['all', 'row'], 'differences'), node('Identity', ['all'], 'all/next')],
      inputs: [
        { name: 'all', datatype: 'FP32', shape: [3, 4] },
        { name: 'row', datatype: 'FP32', shape: [4] },
      ],
      outputs: [
        { name: 'all/next', datatype: 'FP32', shape: [3, 4] },
        { name: 'differences', datatype: 'FP32', shape: [3, 4] },
      ],
    });
    const scan: NodeText = {
      op: 'Scan',
      inputs: ['w', 'x'],
      outputs: ['end', 'y'],
      attributes: { body: { graph: body }, num_scan_inputs: 1 },
    };
    const file = onnxFile({
      nodes: [scan],
      inputs: [X],
      outputs: [{ ...Y, shape: ['n', 3, 4] }],
      weights: [{ name: 'w', shape: [3, 4], data: new Float32Array(12) }],
    });
    const { peakBytes } = bounded(boundOnnx(file, { maxBatch: 1000 }));
    expect(peakBytes).toBeGreaterThanOrEqual(1000 * 12 * 4);
    expect(peakBytes).toBeLessThan(1e6);
  });

  test('both branches of If count, and the larger one is the result', () => {
    const branch = (rows: number) =>
      onnxGraph({
        nodes: [node('Tile', ['w', `times${rows}`], 'large')],
        inputs: [],
        outputs: [{ name: 'large', datatype: 'FP32', shape: ['m', 4] }],
        weights: [ints(`times${rows}`, rows, 1)],
      });
    const file = onnxFile({
      nodes: [node('If', ['is'], 'y', { then_branch: { graph: branch(10) }, else_branch: { graph: branch(100_000) } })],
      inputs: [X],
      outputs: [Y],
      weights: [
        { name: 'w', shape: [1, 4], data: new Float32Array(4) },
        { name: 'is', shape: [], data: Uint8Array.of(1), datatype: 'BOOL' },
      ],
    });
    expect(bounded(boundOnnx(file, { maxBatch: 1 })).peakBytes).toBeGreaterThanOrEqual(2 * 100_000 * 16);
  });

  test('declared shapes of outputs and values are ignored', () => {
    const claims = { ...Y, shape: [1, 1] };
    const file = onnxFile({
      nodes: [node('Tile', ['x', 'times'], 'y')],
      inputs: [X],
      outputs: [claims],
      weights: [ints('times', 1, 1_000_000)],
    });
    expect(bounded(boundOnnx(file, { maxBatch: 1000 })).peakBytes).toBeGreaterThanOrEqual(16e9);
  });

  test('a dynamic dimension other than the batch needs a limit', () => {
    const file = onnxFile({
      nodes: [node('Relu', ['x'], 'y')],
      inputs: [{ ...X, shape: ['n', 'length'] }],
      outputs: [Y],
    });
    expect(boundOnnx(file, { maxBatch: 10 })).toMatchObject({
      bounded: false,
      reason: expect.stringContaining('dimension 1 of the input `x` is dynamic'),
    });
    expect(bounded(boundOnnx(file, { maxBatch: 10, maxOpenDimension: 512 })).peakBytes).toBeLessThan(100_000);
  });

  test('Reshape copies the dimension of its input where a computed size is 0', () => {
    // With 1,000 rows the new shape is [0], so the result has all 1,000,000 elements, and their differences 10^12.
    const file = onnxFile({
      nodes: [
        node('Shape', ['x'], 'rows', { end: 1 }),
        node('Sub', ['most', 'rows'], 'left'),
        node('Reshape', ['w', 'left'], 'flat'),
        node('Unsqueeze', ['flat', 'zero'], 'a'),
        node('Unsqueeze', ['flat', 'one'], 'b'),
        node('Sub', ['a', 'b'], 'y'),
      ],
      inputs: [X],
      outputs: [Y],
      weights: [
        ints('most', 1000),
        ints('zero', 0),
        ints('one', 1),
        { name: 'w', shape: [1_000_000], data: new Float32Array(1_000_000) },
      ],
    });
    expect(bounded(boundOnnx(file, { maxBatch: 1000 })).peakBytes).toBeGreaterThanOrEqual(4e12);
  });

  test('text inserted into other text counts with its length', () => {
    const text = (name: string) => ({ name, datatype: 'BYTES' as const, shape: [4] });
    const file = onnxFile({
      nodes: [node('Identity', ['short'], 'first'), node('ScatterElements', ['first', 'at', 'long'], 'y')],
      inputs: [text('short'), text('long')],
      outputs: [text('y')],
      weights: [ints('at', 0, 1, 2, 3)],
    });
    const { largest } = bounded(boundOnnx(file, { maxBatch: 1, maxTextBytes: 1000 }));
    expect(largest).toEqual({ operator: 'ScatterElements', node: 'y', bytes: 4 * (32 + 1000) });
  });

  test.each<[string, readonly NodeText[]]>([
    ['a constant', [node('ConstantOfShape', ['dims'], 'wide')]],
    ['the fixed dimensions of an input', [node('Shape', ['fixed'], 'shape'), node('Expand', ['one', 'shape'], 'wide')]],
    ['a function with a constant argument', [{ ...node('Fill', ['dims'], 'wide'), domain: 'own' }]],
    ['a function without inputs', [{ ...node('Make', [], 'wide'), domain: 'own' }]],
  ])('values that the runtime computes during loading count for loading: %s', (_, nodes) => {
    const fill = {
      name: 'Fill',
      domain: 'own',
      inputs: ['d'],
      outputs: ['f'],
      nodes: [node('ConstantOfShape', ['d'], 'f')],
    };
    const dims = { tensor: ints('', 1000, 5000) };
    const make = {
      ...fill,
      name: 'Make',
      inputs: [],
      nodes: [node('Constant', [], 'd', { value: dims }), node('ConstantOfShape', ['d'], 'f')],
    };
    const file = onnxFile(
      {
        nodes: [...nodes, node('ReduceSum', ['wide'], 'sum', { keepdims: 0 }), node('Add', ['x', 'sum'], 'y')],
        inputs: [X, { name: 'fixed', datatype: 'FP32', shape: [1000, 5000] }],
        outputs: [Y],
        weights: [ints('dims', 1000, 5000), { name: 'one', shape: [1], data: new Float32Array(1) }],
      },
      { functions: [fill, make], domains: ['own'] },
    );
    const bound = bounded(boundOnnx(file, { maxBatch: 1 }));
    expect(bound.loadBytes).toBeGreaterThanOrEqual(1000 * 5000 * 4);
    expect(bound.loadOperations).toBeGreaterThanOrEqual(1000 * 5000);
  });

  test('names the largest node', () => {
    const file = onnxFile({
      nodes: [{ ...node('Tile', ['x', 'times'], 'wide') }, node('ReduceMax', ['wide'], 'y', { axes: { ints: [1] } })],
      inputs: [X],
      outputs: [Y],
      weights: [ints('times', 1, 100)],
    });
    expect(bounded(boundOnnx(file, { maxBatch: 10 })).largest).toEqual({
      operator: 'Tile',
      node: 'wide',
      bytes: 10 * 400 * 4,
    });
  });
});

describe('hostile files', () => {
  const seeds = [
    linear(new Float32Array(8)),
    boostedTrees({ features: 4, trees: 2, depth: 2 }),
    ...onnxBombs()
      .filter(({ file }) => file.length < 6000)
      .map(({ file }) => file),
  ];

  test('mutated bytes end with a bound or a reason', () => {
    const mutation = fc.record({
      seed: fc.nat(seeds.length - 1),
      changes: fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      cut: fc.option(fc.nat(10_000), { nil: undefined, freq: 4 }),
      twice: fc.boolean(),
    });
    const check = fc.property(mutation, ({ seed, changes, cut, twice }) => {
      let bytes = Buffer.from(seeds[seed]!);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      if (cut !== undefined) bytes = bytes.subarray(0, cut % bytes.length);
      if (twice) bytes = Buffer.concat([bytes, bytes]);
      const bound = boundOnnx(bytes, { maxBatch: 1000, maxOpenDimension: 100 });
      const text = bound.bounded
        ? [bound.peakBytes, bound.operations, bound.loadBytes, bound.loadOperations].join(' ')
        : `not bounded: ${bound.reason}`;
      expect(text).toMatch(/^(\d+(e\+\d+|\.\d+)* ?){4}$|^not bounded: [\x20-\x7e]{1,600}$/);
    });
    fc.assert(check, { seed: 7, numRuns: 3000 });
  });

  test('rejects millions of empty messages before they use memory', () => {
    const empty = (field: number) =>
      Buffer.concat(Array.from({ length: 20 }, () => Buffer.alloc(100_000, Buffer.from([(field << 3) | 2, 0]))));
    for (const field of [1, 5, 11, 12, 15]) {
      const graph = empty(field);
      const length = Buffer.from([
        0x3a,
        (graph.length & 127) | 128,
        ((graph.length >> 7) & 127) | 128,
        graph.length >> 14,
      ]);
      expect(boundOnnx(Buffer.concat([length, graph]), { maxBatch: 1 })).toMatchObject({ bounded: false });
    }
  });
});
