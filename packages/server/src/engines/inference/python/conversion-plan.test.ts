import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { planConversion } from './conversion-plan.ts';
import { convertedFiles, exampleFiles } from './converted-files.ts';

const columns = [
  { type: 'long', name: 'hour', required: true },
  { type: 'double', name: 'departure delay', required: true },
  { type: 'string', name: 'carrier', required: true },
];
const outputs = [{ type: 'tensor', 'tensor-spec': { dtype: 'object', shape: [-1] } }];

const mlmodel = (inputs: unknown, more: object = {}, flavors: object = { sklearn: { sklearn_version: '1.9.1' } }) =>
  JSON.stringify({
    artifact_path: 'model',
    run_id: 'r1',
    model_id: 'm-1',
    model_size_bytes: 7,
    flavors: { python_function: { loader_module: 'x', python_version: '3.11.9', ...more }, ...flavors },
    saved_input_example_info: { artifact_path: 'input_example.json', type: 'dataframe' },
    ...(inputs !== undefined && {
      signature: { inputs: JSON.stringify(inputs), outputs: JSON.stringify(outputs), params: null },
    }),
  });

test('columns keep name and type, and float columns may have missing values', () => {
  expect(planConversion(mlmodel(columns))).toEqual({
    flavor: 'sklearn',
    form: 'columns',
    columns: [
      ['hour', 'long'],
      ['departure delay', 'double'],
      ['carrier', 'string'],
    ],
    width: 0,
    gaps: ['departure delay'],
    outputs: ['output'],
    own: 'predict',
  });
  expect(planConversion(mlmodel(columns, { predict_fn: 'predict_proba' })).own).toBe('predict_proba');
  const tensor = [{ type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1, 4] } }];
  expect(planConversion(mlmodel(tensor))).toMatchObject({ form: 'tensor', columns: [['input', 'float32']], width: 4 });
});

test.each([
  ['that is ONNX already', mlmodel(columns, {}, { onnx: { data: 'model.onnx' } }), 'it is ONNX already'],
  [
    'of another flavor',
    mlmodel(columns, {}, { pytorch: {} }),
    'the flavor pytorch; Dais converts models of scikit-learn',
  ],
  ['of Python alone', mlmodel(columns, {}, {}), 'only the flavor python_function'],
  ['without a signature', mlmodel(undefined), 'log the model with a signature'],
  ['with columns without names', mlmodel([{ type: 'double' }]), 'have no names'],
  ['with dates', mlmodel([{ type: 'datetime', name: 'day' }]), 'column "day" has the type datetime'],
  ['with images', mlmodel([{ type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1, 3, 9] } }]), 'not rows'],
  ['with another function', mlmodel(columns, { predict_fn: 'decision_function' }), 'predicts with decision_function'],
  ['that is not YAML', 'a: [', 'cannot be read'],
])('rejects a model %s with the reason', (_, text, why) => {
  expect(() => planConversion(text)).toThrow(why);
});

test('the new MLmodel describes the ONNX model, and keeps the rest of the original', () => {
  const request = { mlmodel: mlmodel(columns), label: 'models:/late/3', opset: 17, id: 'a-b', answer: undefined };
  const files = convertedFiles(request);
  expect(Object.keys(files)).toEqual(['MLmodel', 'requirements.txt', 'python_env.yaml']);
  const original = parse(request.mlmodel) as Record<string, unknown>;
  const made = parse(files['MLmodel'] ?? '') as Record<string, Record<string, unknown>>;
  expect(made).toMatchObject({
    run_id: 'r1',
    signature: original['signature'],
    saved_input_example_info: original['saved_input_example_info'],
    flavors: { onnx: { data: 'model.onnx', opset: 17 }, python_function: { python_version: '3.11.9' } },
  });
  expect(made['flavors']).not.toHaveProperty('sklearn');
  expect(made).not.toHaveProperty('model_id');
  const answer = { name: 'output', datatype: 'FP64', shape: [9, 2], data: new Float64Array(18) } as const;
  const other = parse(convertedFiles({ ...request, answer })['MLmodel'] ?? '') as { signature: { outputs: string } };
  expect(JSON.parse(other.signature.outputs)).toEqual([
    { type: 'tensor', 'tensor-spec': { dtype: 'float64', shape: [-1, 2] } },
  ]);
});

test('copies only the example files of the original', () => {
  const paths = ['MLmodel', 'model.pkl', 'input_example.json', 'serving_input_example.json', 'requirements.txt'];
  expect(exampleFiles(mlmodel(columns), paths)).toEqual(['input_example.json', 'serving_input_example.json']);
});
