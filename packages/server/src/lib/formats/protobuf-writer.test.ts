import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtobufReader } from '#lib/formats/protobuf-reader.ts';
import { bytesField, messageOf, numberField } from '#lib/formats/protobuf-writer.ts';

test('written fields can be read', () => {
  const field = fc.integer({ min: 1, max: 100_000 });
  const value = fc.oneof(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(field, value)), (fields) => {
      const bytes = messageOf(
        ...fields.map(([number, one]) =>
          typeof one === 'number' ? numberField(number, one) : bytesField(number, one),
        ),
      );
      const reader = new ProtobufReader(bytes);
      const read: unknown[] = [];
      while (reader.next()) read.push([reader.field, reader.value()]);
      expect(read).toEqual(fields);
    }),
  );
});

test('text is UTF-8', () => {
  const reader = new ProtobufReader(messageOf(bytesField(1, 'żółć')));
  reader.next();
  expect(reader.text()).toBe('żółć');
});
