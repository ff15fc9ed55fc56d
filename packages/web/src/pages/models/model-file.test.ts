import { expect, test } from 'vitest';
import { parseModelFile } from './model-file.ts';

const FILE = `artifact_path: model
flavors:
  python_function:
    loader_module: mlflow.sklearn
    python_version: 3.11.2
  sklearn:
    pickled_model: model.pkl
signature:
  inputs: '[{"type": "double", "name": "distance", "required": true}, {"type": "long",
    "name": "hour", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]'
  params: null
`;

test('columns, tensors and flavors', () => {
  expect(parseModelFile(FILE)).toEqual({
    inputs: [
      { name: 'distance', type: 'double', optional: false },
      { name: 'hour', type: 'long', optional: true },
    ],
    outputs: [{ name: '[0]', type: 'tensor float64 (-1)', optional: false }],
    params: [],
    flavors: ['python_function', 'sklearn'],
    python: '3.11.2',
  });
});

test.each(['', '- a', 'a: [', '<html>', 'signature: {inputs: "[", outputs: 3}', 'flavors: [1]'])(
  '%j is read without errors',
  (text) => {
    const file = parseModelFile(text);
    expect([undefined, 0]).toContain(file?.inputs.length);
  },
);
