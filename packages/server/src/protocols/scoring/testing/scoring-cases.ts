/**
 * For tests: requests for MLflow's scoring server and for Dais, with the models of
 * `conformance/serving/beside_models.py`.
 */

export interface ScoringCase {
  readonly model: string;
  readonly type: string;
  /** A file below `tables` for Parquet. */
  readonly body: string | { readonly table: string };
}

const JSON_TYPE = 'application/json';
const json = (model: string, value: unknown): ScoringCase => ({ model, type: JSON_TYPE, body: JSON.stringify(value) });
const text = (model: string, body: string, type = JSON_TYPE): ScoringCase => ({ model, type, body });
const csv = (model: string, body: string): ScoringCase => ({ model, type: 'text/csv', body });
const parquet = (model: string, table: string): ScoringCase => ({
  model,
  type: 'application/vnd.apache.parquet',
  body: { table },
});
const split = (model: string, columns: readonly string[] | undefined, ...data: readonly (readonly unknown[])[]) =>
  json(model, { dataframe_split: { ...(columns !== undefined && { columns }), data } });
const records = (model: string, ...rows: readonly object[]) => json(model, { dataframe_records: rows });
/** One column `x` of the type in the name of the model. */
const cells = (type: string, ...values: readonly unknown[]) =>
  split(`of-${type}`, ['x'], ...values.map((value) => [value]));

export const scoringCases: Readonly<Record<string, ScoringCase>> = {
  split: split('two', ['a', 'b'], [1.5, 2], [3, -4]),
  'split, with an index': json('two', {
    dataframe_split: {
      columns: ['a', 'b'],
      index: [7, 9],
      data: [
        [1, 2],
        [3, 4],
      ],
    },
  }),
  'split, columns in another order': split('two', ['b', 'a'], [2, 1.5]),
  'split, an extra column': split('two', ['a', 'c', 'b'], [1, 'x', 2]),
  'split, a column missing': split('two', ['a'], [1]),
  'split, no columns': split('two', undefined, [1, 2]),
  'split, no columns, none named': split('unnamed', undefined, [1, 2]),
  'split, named columns, none named': split('unnamed', ['p', 'q'], [1, 2]),
  'split, too many columns, none named': split('unnamed', undefined, [1, 2, 3]),
  'split, too few columns, none named': split('unnamed', undefined, [1]),
  'split, uneven rows': split('two', ['a', 'b'], [1, 2], [3]),
  'split, no data': json('two', { dataframe_split: { columns: ['a', 'b'] } }),
  'split, no rows': split('two', ['a', 'b']),
  'split, a list': json('two', { dataframe_split: [[1, 2]] }),
  records: records('two', { a: 1.5, b: 2 }, { b: 4, a: 3 }),
  'records, an extra key': records('two', { a: 1, b: 2, c: 3 }),
  'records, a key missing everywhere': records('two', { a: 1 }),
  'records, a key missing once': records('two', { a: 1, b: 2 }, { a: 3 }),
  'records, an object': json('two', { dataframe_records: { a: [1], b: [2] } }),
  'inputs, columns': json('two', { inputs: { a: [1, 3], b: [2, 4] } }),
  'inputs, columns, one short': json('two', { inputs: { a: [1, 3], b: [2] } }),
  'inputs, records': json('two', { inputs: [{ a: 1, b: 2 }] }),
  'inputs, a number': json('two', { inputs: 3 }),
  'instances, records': json('two', {
    instances: [
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ],
  }),
  'instances, rows': json('two', { instances: [[1, 2]] }),
  'optional, there': records('optional', { a: 1, b: 'x' }),
  'optional, away': records('optional', { a: 1 }),
  'optional, null': records('optional', { a: 1, b: null }, { a: 2, b: 'y' }),
  boolean: cells('boolean', true, false),
  'boolean, numbers': cells('boolean', 1, 0),
  'boolean, null': cells('boolean', true, null),
  'boolean, text': cells('boolean', 'true'),
  integer: cells('integer', 1, -2),
  'integer, a whole number with a point': text(
    'of-integer',
    '{"dataframe_split": {"columns": ["x"], "data": [[1.0]]}}',
  ),
  'integer, a fraction': cells('integer', 1.5),
  'integer, beyond 32 bits': cells('integer', 2 ** 31),
  'integer, null': cells('integer', 1, null),
  'integer, text': cells('integer', 'one'),
  'integer, booleans': cells('integer', true),
  long: cells('long', 1, -2),
  'long, beyond 2^53': text('of-long', '{"dataframe_split": {"columns": ["x"], "data": [[9007199254740993]]}}'),
  'long, beyond 64 bits': text('of-long', '{"dataframe_split": {"columns": ["x"], "data": [[9223372036854775808]]}}'),
  'long, a fraction': cells('long', 0.5),
  'long, null': cells('long', 1, null),
  float: cells('float', 0.1, 2),
  'float, beyond 32 bits': cells('float', 1e300),
  double: cells('double', 0.1, 2),
  'double, null': cells('double', 0.1, null),
  'double, NaN': text('of-double', '{"dataframe_split": {"columns": ["x"], "data": [[NaN], [Infinity]]}}'),
  'double, text': cells('double', 'one'),
  'double, a number as text': cells('double', '1.5'),
  'double, a list': cells('double', [1]),
  string: cells('string', 'a', 'ö'),
  'string, number': cells('string', 1),
  'string, null': cells('string', 'a', null),
  binary: cells('binary', Buffer.from([0, 255]).toString('base64')),
  'binary, invalid base64': cells('binary', '***'),
  datetime: cells('datetime', '2026-01-01T12:34:56.789', '1999-12-31'),
  'datetime, with a zone': cells('datetime', '2026-01-01T12:34:56+02:00'),
  'datetime, an invalid date': cells('datetime', 'soon'),
  'datetime, number': cells('datetime', 1_767_225_600_000),
  'tensor, inputs': json('tensor', {
    inputs: [
      [1, 2, 3],
      [4, 5, 6],
    ],
  }),
  'tensor, instances': json('tensor', { instances: [[1, 2, 3]] }),
  'tensor, wrong width': json('tensor', { inputs: [[1, 2]] }),
  'tensor, wrong rank': json('tensor', { inputs: [1, 2, 3] }),
  'tensor, uneven': json('tensor', { inputs: [[1, 2, 3], [4]] }),
  'tensor, text': json('tensor', { inputs: [['a', 'b', 'c']] }),
  'tensor, split': split('tensor', ['a', 'b', 'c'], [1, 2, 3]),
  'tensors, inputs': json('tensors', {
    inputs: {
      u: [
        [1, 2],
        [3, 4],
      ],
      v: [5, 6],
    },
  }),
  'tensors, instances': json('tensors', { instances: [{ u: [1, 2], v: 5 }] }),
  'tensors, one missing': json('tensors', { inputs: { u: [[1, 2]] } }),
  'tensors, one extra': json('tensors', { inputs: { u: [[1, 2]], v: [5], w: [6] } }),
  'tensors, a fraction for a whole number': json('tensors', { inputs: { u: [[1, 2]], v: [5.5] } }),
  params: json('params', { inputs: { a: [1], b: [2] }, params: { more: 0.5, unit: ' m' } }),
  'params, none': json('params', { inputs: { a: [1], b: [2] } }),
  'params, a whole number for a double': json('params', { inputs: { a: [1], b: [2] }, params: { more: 2 } }),
  'params, unknown': json('params', { inputs: { a: [1], b: [2] }, params: { what: 2 } }),
  'params, wrong type': json('params', { inputs: { a: [1], b: [2] }, params: { more: 'x' } }),
  'params, not an object': json('params', { inputs: { a: [1], b: [2] }, params: [1] }),
  'a table as the response': records('frame', { a: 1, b: 2 }, { a: 4, b: 3 }),
  'no signature, split': split('open', ['a', 'b'], [1, 'x']),
  'no signature, records': records('open', { a: 1.5, b: true }),
  'no signature, split without columns': split('open', undefined, [1, 2]),
  csv: csv('two', 'a,b\n1.5,2\n3,-4\n'),
  'csv, an extra column, another order': csv('two', 'b,c,a\n2,x,1\n'),
  'csv, a column missing': csv('two', 'a\n1\n'),
  'csv, quotes and lines': csv('of-string', 'x\n"a ""b"", c"\n"two\nlines"\n'),
  'csv, no line end': csv('two', 'a,b\n1,2'),
  'csv, carriage returns': csv('two', 'a,b\r\n1,2\r\n'),
  'csv, an empty cell': csv('two', 'a,b\n1,\n'),
  'csv, text for a number': csv('two', 'a,b\n1,x\n'),
  'csv, a number for a text': csv('of-string', 'x\n1\n'),
  'csv, booleans': csv('of-boolean', 'x\nTrue\nFalse\n'),
  'csv, too long a row': csv('two', 'a,b\n1,2\n3,4,5\n'),
  'csv, only names': csv('two', 'a,b\n'),
  'csv, nothing': csv('two', ''),
  'csv, an unterminated quote': csv('two', 'a,b\n"1,2\n'),
  'csv, a date': csv('of-datetime', 'x\n2026-01-01T12:00:00\n'),
  'csv, no signature': csv('open', 'a,b\n1,x\n'),
  'parquet, snappy': parquet('two', 'two-snappy'),
  'parquet, gzip': parquet('two', 'two-gzip'),
  'parquet, brotli': parquet('two', 'two-brotli'),
  'parquet, not compressed': parquet('two', 'two-plain'),
  'parquet, with an index': parquet('two', 'index'),
  'parquet, an extra column, another order': parquet('two', 'more'),
  'parquet, a column missing': parquet('two', 'one-column'),
  'parquet, no signature': parquet('open', 'two-snappy'),
  'parquet, no signature, with an index': parquet('open', 'index'),
  'parquet, not a Parquet file': text('two', 'PAR1 and invalid data', 'application/vnd.apache.parquet'),
  ...Object.fromEntries(
    ['boolean', 'integer', 'long', 'float', 'double', 'string', 'binary', 'datetime'].map((type) => [
      `parquet, ${type}`,
      parquet(`of-${type}`, type),
    ]),
  ),
  'parquet, double for long': parquet('of-long', 'double'),
  'parquet, string for double': parquet('of-double', 'string'),
  'parquet, long for integer': parquet('of-integer', 'long'),
  nothing: text('two', ''),
  'invalid JSON': text('two', '{"inputs": '),
  'a list': text('two', '[[1, 2]]'),
  'no form': text('two', '{}'),
  'two forms': json('two', { inputs: { a: [1], b: [2] }, instances: [] }),
  'an obsolete form': json('two', { columns: ['a', 'b'], data: [[1, 2]] }),
  'an unsupported type': text('two', 'a', 'text/plain'),
  'a charset': text('two', '{"inputs": {"a": [1], "b": [2]}}', 'application/json; charset=utf-8'),
  'another charset': text('two', '{"inputs": {"a": [1], "b": [2]}}', 'application/json; charset=latin1'),
  'another parameter': text('two', '{"inputs": {"a": [1], "b": [2]}}', 'application/json; format=pandas-split'),
};
