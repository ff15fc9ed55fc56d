import { expect, test } from 'vitest';
import { bodyOf, fieldsOf, rowOf, typed } from './try-fields.ts';

const age = { name: 'age', datatype: 'FP32', shape: [-1] };
const town = { name: 'town', datatype: 'BYTES', shape: [-1, 1] };
const pixels = { name: 'pixels', datatype: 'UINT8', shape: [-1, 2, 2] };

test('each element of a row is a field, unless the row size is open', () => {
  expect(fieldsOf([age, town, pixels])?.map(({ label }) => label)).toEqual([
    'age',
    'town',
    'pixels[0]',
    'pixels[1]',
    'pixels[2]',
    'pixels[3]',
  ]);
  expect(fieldsOf([{ ...age, shape: [-1, -1] }])).toBeUndefined();
  expect(fieldsOf([{ ...age, shape: [-1, 784] }])).toBeUndefined();
  expect(fieldsOf([])).toBeUndefined();
});

test('a body has the shape of its inputs, and the same row is read from it', () => {
  const fields = fieldsOf([age, town, pixels]) ?? [];
  const row = [40, 'Paris', 1, 2, 3, 4];
  const body = bodyOf(fields, row);
  expect(JSON.parse(body)).toEqual({
    inputs: {
      age: [40],
      town: [['Paris']],
      pixels: [
        [
          [1, 2],
          [3, 4],
        ],
      ],
    },
  });
  expect(rowOf(body, fields)).toEqual(row);
});

test('rows are found in every stored example format', () => {
  const two = fieldsOf([age, town]) ?? [];
  expect(rowOf('{"dataframe_split": {"columns": ["town", "age"], "data": [["Rome", 7]]}}', two)).toEqual([7, 'Rome']);
  const one = fieldsOf([{ name: 'x', datatype: 'FP32', shape: [-1, 2] }]) ?? [];
  expect(rowOf('{"inputs": [[1, 2], [3, 4]]}', one)).toEqual([1, 2]);
  expect(rowOf('{"instances": [[5, 6]]}', one)).toEqual([5, 6]);
  expect(rowOf('{"csv"', one)).toBeUndefined();
});

test('a typed value has the type of its input, or is sent unchanged for the server to reject', () => {
  expect([
    typed('1.5', 'FP32'),
    typed('true', 'BOOL'),
    typed('7', 'BYTES'),
    typed('x', 'INT64'),
    typed('', 'FP32'),
  ]).toEqual([1.5, true, '7', 'x', null]);
});
