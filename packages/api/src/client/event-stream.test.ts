import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventStreamParser, type ServerSentEvent } from '#client/event-stream.ts';

function parse(...pieces: string[]): ServerSentEvent[] {
  const parser = new EventStreamParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

test('an event ends with an empty line', () => {
  expect(parse('retry: 2000\n\n: a comment\n\nid: 7\nevent: error\ndata: {"a":1}\n\n')).toEqual([
    { event: 'error', data: '{"a":1}', id: '7' },
  ]);
});

test('several data lines are one text, an id applies until the next one, a byte order mark is ignored', () => {
  expect(parse('\uFEFFid: 1\ndata: a\ndata:b\n\ndata\n\nid\ndata: c\n\n')).toEqual([
    { event: 'message', data: 'a\nb', id: '1' },
    { event: 'message', data: '', id: '1' },
    { event: 'message', data: 'c', id: undefined },
  ]);
});

test('an incomplete event at the end is discarded', () => {
  expect(parse('data: whole\n\ndata: half\n')).toEqual([{ event: 'message', data: 'whole', id: undefined }]);
});

test('a stream split anywhere, with any line ends, has the same events', () => {
  const line = fc.constantFrom('id: 1', 'id: 2', 'data: x', 'data: ü', 'event: error', ': ping', '', '');
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 30 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.nat(200), { maxLength: 10 }),
      (lines, end, cuts) => {
        const text = `${lines.join(end)}${end}${end}`;
        const positions = [0, ...cuts.map((cut) => Math.min(cut, text.length)).toSorted((a, b) => a - b), text.length];
        const pieces = positions.slice(1).map((position, index) => text.slice(positions[index], position));
        // The last CR can still wait for its LF: any further text shows that nothing was lost.
        expect(parse(...pieces, ':\n')).toEqual(parse(`${lines.join('\n')}\n\n:\n`));
      },
    ),
  );
});
