import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter, LineTooLong } from './line-splitter.ts';

test('lines are the same wherever the chunks are cut', () => {
  const line = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replace(/[\r\n]/g, '·'));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(7)), (lines, sizes) => {
      const bytes = Buffer.from(lines.map((one) => `${one}\n`).join(''));
      const splitter = new LineSplitter(1000);
      const received: string[] = [];
      for (let start = 0, index = 0; start < bytes.length; index += 1) {
        const size = 1 + (sizes[index % Math.max(sizes.length, 1)] ?? 3);
        received.push(...splitter.add(bytes.subarray(start, start + size)));
        start += size;
      }
      expect(received).toEqual(
        Buffer.from(lines.join('\n'))
          .toString('utf8')
          .split('\n')
          .filter((one) => one !== ''),
      );
    }),
  );
});

test('an incomplete last line is not returned', () => {
  const splitter = new LineSplitter(100);
  expect(splitter.add(Buffer.from('{"a":1}\r\n\n{"b":'))).toEqual(['{"a":1}']);
  expect(splitter.add(Buffer.from('2}\n'))).toEqual(['{"b":2}']);
});

test('a line beyond the limit is refused before it is complete', () => {
  const splitter = new LineSplitter(10);
  expect(splitter.add(Buffer.from('0123456789\n012345'))).toEqual(['0123456789']);
  expect(() => splitter.add(Buffer.from('6789X'))).toThrow(LineTooLong);
});
