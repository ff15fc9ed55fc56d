import { describe, expect, test } from 'vitest';
import { toTensors, type ServedDescription, type TensorSpec } from '#gateway/index.ts';
import { readCsv } from './csv.ts';
import { readInstances, readScoringBody } from './frame.ts';
import { predictionsText } from './predictions-text.ts';

function described(inputs: readonly TensorSpec[], signature?: unknown): ServedDescription {
  return { endpoint: 'm', version: '1', platform: 'p', inputs, outputs: [], signature, enforce: true };
}

const MATRIX: readonly TensorSpec[] = [{ name: 'X', datatype: 'FP32', shape: [-1, 2] }];
const COLUMNS: readonly TensorSpec[] = [
  { name: 'a', datatype: 'FP64', shape: [-1] },
  { name: 'b', datatype: 'INT64', shape: [-1] },
  { name: 's', datatype: 'BYTES', shape: [-1], optional: true },
];
const SIGNATURE = {
  inputs: JSON.stringify([
    { name: 'b', type: 'double', required: true },
    { name: 'a', type: 'double', required: true },
  ]),
};

const json = (value: unknown) => readScoringBody(Buffer.from(JSON.stringify(value))).given;
const texts = (...values: string[]) => values.map((value) => Buffer.from(value));

describe('a table for a model of one matrix', () => {
  const matrix = [{ name: 'X', datatype: 'FP32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }];
  test.each([
    [
      'dataframe_split',
      {
        dataframe_split: {
          columns: ['b', 'a'],
          data: [
            [1, 2],
            [3, 4],
          ],
        },
      },
    ],
    [
      'dataframe_split in another order',
      {
        dataframe_split: {
          columns: ['a', 'c', 'b'],
          data: [
            [2, 9, 1],
            [4, 9, 3],
          ],
        },
      },
    ],
    [
      'dataframe_records',
      {
        dataframe_records: [
          { a: 2, b: 1 },
          { b: 3, a: 4 },
        ],
      },
    ],
    [
      'instances that are objects',
      {
        instances: [
          { a: 2, b: 1 },
          { a: 4, b: 3 },
        ],
      },
    ],
    ['inputs by column', { inputs: { a: [2, 4], b: [1, 3] } }],
    [
      'instances',
      {
        instances: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
    [
      'inputs',
      {
        inputs: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
    [
      'inputs by tensor',
      {
        inputs: {
          X: [
            [1, 2],
            [3, 4],
          ],
        },
      },
    ],
  ])('%s', (_, body) => {
    expect(toTensors(json(body), described(MATRIX, SIGNATURE))).toEqual(matrix);
  });

  test('CSV', () => {
    const { given } = readCsv(Buffer.from('a,b\r\n2,1\r\n4,3\r\n'));
    expect(toTensors(given, described(MATRIX, SIGNATURE))).toEqual(matrix);
  });

  test('without a signature the order of the columns matters', () => {
    expect(
      toTensors(
        json({
          dataframe_split: {
            columns: ['q', 'r'],
            data: [
              [1, 2],
              [3, 4],
            ],
          },
        }),
        described(MATRIX),
      ),
    ).toEqual(matrix);
  });
});

describe('a table for a model of columns', () => {
  test('maps each column, with missing values', () => {
    const body = {
      dataframe_records: [
        { a: 1, b: 2, s: 'x' },
        { a: null, b: 9_007_199_254_740_992 },
      ],
    };
    expect(toTensors(json(body), described(COLUMNS))).toEqual([
      { name: 'a', datatype: 'FP64', shape: [2], data: Float64Array.of(1, Number.NaN) },
      { name: 'b', datatype: 'INT64', shape: [2], data: BigInt64Array.of(2n, 9_007_199_254_740_992n) },
      { name: 's', datatype: 'BYTES', shape: [2], data: texts('x', ''), nulls: Uint8Array.of(0, 1) },
    ]);
  });

  test('CSV with quotes', () => {
    const { given } = readCsv(Buffer.from('a,b,s\n1.5,2,"x ""y"",\nz"\n,3,\n'));
    expect(toTensors(given, described(COLUMNS))).toEqual([
      { name: 'a', datatype: 'FP64', shape: [2], data: Float64Array.of(1.5, Number.NaN) },
      { name: 'b', datatype: 'INT64', shape: [2], data: BigInt64Array.of(2n, 3n) },
      { name: 's', datatype: 'BYTES', shape: [2], data: texts('x "y",\nz', ''), nulls: Uint8Array.of(0, 1) },
    ]);
  });

  test('CSV: string columns keep leading zeros', () => {
    const { given } = readCsv(Buffer.from('a,b,s\n1,02,007\n1,2,true\n'));
    expect(toTensors(given, described(COLUMNS))).toMatchObject([
      { data: Float64Array.of(1, 1) },
      { data: BigInt64Array.of(2n, 2n) },
      { data: texts('007', 'true') },
    ]);
  });

  test('unnamed columns are matched by position, with any names in the request', () => {
    const inputs: TensorSpec[] = ['0', '1'].map((name) => ({ name, datatype: 'FP64', shape: [-1] }));
    const unnamed = described(inputs, { inputs: JSON.stringify([{ type: 'double' }, { type: 'double' }]) });
    const expected = [
      { name: '0', datatype: 'FP64', shape: [1], data: Float64Array.of(1) },
      { name: '1', datatype: 'FP64', shape: [1], data: Float64Array.of(2) },
    ];
    for (const body of [
      { dataframe_split: { data: [[1, 2, 3]] } },
      { dataframe_split: { columns: ['p', 'q'], data: [[1, 2]] } },
      { instances: [[1, 2]] },
    ]) {
      expect(toTensors(json(body), unnamed)).toEqual(expected);
    }
    expect(() => toTensors(json({ dataframe_split: { data: [[1]] } }), unnamed)).toThrow('The request has 1 columns');
  });

  test('bytes are base64', () => {
    const binary = described([{ name: 'x', datatype: 'BYTES', shape: [-1] }], {
      inputs: JSON.stringify([{ name: 'x', type: 'binary' }]),
    });
    const [tensor] = toTensors(json({ dataframe_records: [{ x: 'AP8=' }] }), binary);
    expect(tensor?.data).toEqual([Buffer.from([0, 255])]);
    expect(() => toTensors(json({ dataframe_records: [{ x: '***' }] }), binary)).toThrow('base64');
  });

  test.each([
    ['a missing column', { dataframe_records: [{ a: 1 }] }, 'The column "b" (INT64) is missing'],
    [
      'a missing value',
      { dataframe_records: [{ a: 1, b: null }] },
      'Row 0 of the column "b" is missing; expected INT64',
    ],
    [
      'text for a number',
      { dataframe_records: [{ a: 'x', b: 1 }] },
      'Row 0 of the column "a": Element 0 of the input "a" is the string "x"; expected FP64',
    ],
    ['a fraction for an integer', { dataframe_records: [{ a: 1, b: 1.5 }] }, 'is 1.5; expected INT64'],
    ['a list', { instances: [[1, 2]] }, 'A list has no column names; the model expects "a", "b", "s"'],
    ['an unknown input', { inputs: { z: [1] } }, 'The model has no input "z"'],
  ])('rejects %s', (_, body, message) => {
    expect(() => toTensors(json(body), described(COLUMNS))).toThrow(message);
  });
});

test('a model without declared inputs accepts any input', () => {
  expect(toTensors(json({ dataframe_records: [{ a: 1.5, b: 1, c: 'x', d: true }] }), described([]))).toMatchObject([
    { name: 'a', datatype: 'FP64' },
    { name: 'b', datatype: 'INT64' },
    { name: 'c', datatype: 'BYTES' },
    { name: 'd', datatype: 'BOOL' },
  ]);
  expect(toTensors(json({ inputs: [[1, 2]] }), described([]))).toMatchObject([{ datatype: 'INT64', shape: [1, 2] }]);
});

test.each([
  ['a list', '[1]', 'must be a JSON object with exactly one of'],
  ['no form', '{"a": 1}', 'with none of the fields; expected exactly one of'],
  ['two forms', '{"inputs": [], "instances": []}', 'with instances and inputs'],
  ['an invalid one', '{"inputs"', 'not valid JSON'],
  [
    'an uneven table',
    '{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}',
    'Row 0 has 2 values, but there are 1 columns',
  ],
  ['a duplicate column', '{"dataframe_split": {"columns": ["a", "a"], "data": []}}', 'The column "a" occurs twice'],
])('rejects %s', (_, text, message) => {
  expect(() => readScoringBody(Buffer.from(text))).toThrow(message);
});

test('rejects ragged lists', () => {
  const { given } = readInstances(Buffer.from('{"instances": [[1, 2], [3]]}'));
  expect(() => toTensors(given, described(MATRIX))).toThrow('ragged');
});

describe('predictions', () => {
  const base = { variant: 'v', predictionId: 'i' };
  test('one output: a list, unchanged', () => {
    const outputs = [{ name: 'y', datatype: 'FP32' as const, shape: [2, 1], data: Float32Array.of(0.1, Number.NaN) }];
    expect(predictionsText({ ...base, outputs, described: described([]) })).toBe('[[0.1],[null]]');
  });

  test('several: a record for each row', () => {
    const outputs = [
      { name: 'label', datatype: 'BYTES' as const, shape: [2], data: texts('a', 'b') },
      { name: 'n', datatype: 'INT64' as const, shape: [2, 1], data: BigInt64Array.of(1n, 9_007_199_254_740_993n) },
    ];
    expect(predictionsText({ ...base, outputs, described: described([]) })).toBe(
      '[{"label":"a","n":1},{"label":"b","n":9007199254740993}]',
    );
  });
});
