import { expect, test } from 'vitest';
import { readExplanation, tensorOf } from './explain.ts';

test('a row becomes the tensor of the model, and missing values are named', () => {
  expect(tensorOf({ name: 'age', datatype: 'FP32', shape: [-1] }, { age: 40 })).toEqual({
    name: 'age',
    datatype: 'FP32',
    shape: [1],
    data: [40],
  });
  expect(
    tensorOf(
      { name: 'x', datatype: 'FP32', shape: [-1, 2, -1] },
      {
        x: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
    ),
  ).toMatchObject({
    shape: [1, 2, 3],
    data: [1, 2, 3, 4, 5, 6],
  });
  expect(() => tensorOf({ name: 'age', datatype: 'FP32', shape: [-1] }, { age: null })).toThrow('"age"');
});

test('an explanation starts with the largest contribution in either direction', () => {
  const reported = readExplanation({
    model_version: '3',
    parameters: { method: 'exact', scale: 'output', background_rows: 2 },
    outputs: [
      { name: 'attributions', data: [0.5, -2, 1] },
      { name: 'features', data: ['a', 'b', 'c'] },
      { name: 'baseline_output', data: [10] },
      { name: 'instance_output', data: [9.5] },
      { name: 'approximation_error', data: [null] },
    ],
  });
  expect(reported.parts.map(({ feature }) => feature)).toEqual(['b', 'c', 'a']);
  expect(reported).toMatchObject({
    method: 'exact',
    version: '3',
    baseline: 10,
    output: 9.5,
    error: null,
    background: 2,
  });
});
