import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { onFrames, sendFrame } from './frames.ts';

test('receives sent messages for any split of the stream', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue(), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 })),
      async (messages, cuts) => {
        const sent = new PassThrough();
        for (const message of messages) sendFrame(sent, message);
        sent.end();
        const bytes = Buffer.concat(await sent.toArray());
        const cut = new PassThrough();
        const got: unknown[] = [];
        onFrames(cut, (message) => got.push(message));
        let at = 0;
        for (const length of [...cuts, bytes.length]) {
          cut.write(bytes.subarray(at, at + length));
          at += length;
        }
        cut.end();
        while (got.length < messages.length) await new Promise((resolve) => setImmediate(resolve));
        expect(got).toEqual(JSON.parse(JSON.stringify(messages)));
      },
    ),
  );
});

test('an invalid frame ends the pipe', async () => {
  const pipe = new PassThrough();
  onFrames(pipe, () => {});
  pipe.write(Buffer.from('no frame at all'));
  await new Promise((resolve) => void pipe.once('close', resolve));
  expect(pipe.destroyed).toBe(true);
});
