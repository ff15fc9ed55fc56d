import { expect, test } from 'vitest';
import { bytesField, messageOf, numberField } from '#lib/formats/protobuf-writer.ts';
import { Message } from '../wire/message.ts';
import { datasetNames, entityManifest, featureViewFields, viewManifest } from './manifests.ts';

const source = (name: string, path: string, tag?: string) =>
  new Message(
    messageOf(
      bytesField(20, name),
      bytesField(11, messageOf(bytesField(2, path))),
      ...(tag === undefined ? [] : [bytesField(24, messageOf(bytesField(1, 'dais.dev/dataset'), bytesField(2, tag)))]),
    ),
  );

test.each([
  ['stats', 'data/driver_stats.parquet', undefined, ['stats', 'driver_stats']],
  ['data/driver_stats.parquet', 'data/driver_stats.parquet', undefined, ['driver_stats']],
  [
    's',
    'http://dais:7070/p/a/api/v1/data/datasets/my%2Dstats/versions/3/files/0.parquet',
    undefined,
    ['my-stats', 's', '0'],
  ],
  ['s', 'x.csv.gz', 'tagged', ['tagged']],
  ['../../etc/passwd', '', undefined, []],
])('%s at %s may be %j', (name, path, tag, names) => {
  expect(datasetNames(source(name, path, tag))).toEqual(names);
});

test.each([
  [0, 0, '0s'],
  [86_400, 0, '1d'],
  [5400, 0, '90m'],
  [0, 1000, '1us'],
  [0, 250_000_000, '250ms'],
])('a ttl of %i s and %i ns is %s', (seconds, nanos, text) => {
  const ttl = messageOf(numberField(1, seconds), numberField(2, nanos));
  const feature = messageOf(bytesField(1, 'f'), numberField(2, 4));
  const spec = new Message(messageOf(bytesField(1, 'v'), bytesField(4, feature), bytesField(6, ttl)));
  expect(viewManifest(featureViewFields(spec), undefined)).toMatchObject({ spec: { ttl: text } });
});

test('the dummy entity of Feast becomes no entity', () => {
  expect(entityManifest(new Message(messageOf(bytesField(1, '__dummy'))))).toBeUndefined();
  const spec = new Message(messageOf(bytesField(1, 'v'), bytesField(3, '__dummy')));
  expect(featureViewFields(spec).entities).toEqual([]);
});
