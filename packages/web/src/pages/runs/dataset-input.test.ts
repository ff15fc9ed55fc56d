import { expect, test } from 'vitest';
import { datasetInputAddress } from './dataset-input.ts';

test.each([
  ['{"url": "https://dais.example.com/p/default/api/v1/data/datasets/flights/versions/3/export?format=parquet"}', '3'],
  ['{"uri": "dais://flights@winter"}', 'winter'],
  ['dais:flights@3', '3'],
])('%s names a version', (source, version) => {
  expect(datasetInputAddress('default', { source })?.params).toEqual({ project: 'default', name: 'flights', version });
});

test.each(['{"uri": "s3://bucket/flights@3.csv"}', '{}', 'https://example.com/datasets/flights'])(
  '%s does not',
  (source) => {
    expect(datasetInputAddress('default', { source })).toBeUndefined();
  },
);
