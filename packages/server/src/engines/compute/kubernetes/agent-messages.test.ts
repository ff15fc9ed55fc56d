import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageProblem, readBeat, readBegin, readBounded, readEnd } from './agent-messages.ts';

const begin = { attempt: 'a-1', round: 1, pod: { name: 'p', uid: 'u-1', ip: '', node: 'n' }, at: 1, resumes: false };
const beat = { phase: 'running', logPosition: 0, waitMs: 10_000, startedAt: 1 };
const output = { output: 'o', path: 'p', size: 1, sha256: 'a'.repeat(64), identity: '1', executable: false, key: 0 };
const end = { end: 'exit', code: 0, endedAt: 1, memoryKills: 0, log: { position: 0 }, outputs: [output] };

const body = (value: unknown) => Readable.from([Buffer.from(JSON.stringify(value))]);

test('returns valid messages without unknown fields', async () => {
  expect(await readBegin(body({ ...begin, later: 1 }))).toEqual(begin);
  expect(await readBeat(body({ ...beat, later: 1 }))).toEqual(beat);
  expect(await readEnd(body({ ...end, later: 1 }))).toEqual(end);
});

test.each([
  ['begin', 'an attempt with a path', readBegin, { ...begin, attempt: '../x' }],
  ['begin', 'a pod with a path', readBegin, { ...begin, pod: { ...begin.pod, uid: 'a/b' } }],
  ['begin', 'no pod', readBegin, { ...begin, pod: undefined }],
  ['begin', 'a time that is no time', readBegin, { ...begin, at: 1e300 }],
  ['beat', 'another phase', readBeat, { ...beat, phase: 'sleeping' }],
  ['beat', 'null', readBeat, null],
  ['end', 'no outputs', readEnd, { ...end, outputs: undefined }],
  ['end', 'another digest', readEnd, { ...end, outputs: [{ ...output, sha256: 'x' }] }],
  ['end', 'a negative key', readEnd, { ...end, outputs: [{ ...output, key: -1 }] }],
])('rejects a %s with %s', async (_message, _problem, read, value) => {
  await expect(read(body(value))).rejects.toMatchObject({ status: 400 });
});

test('any other body is a problem of the caller', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => {
      for (const read of [readBegin, readBeat, readEnd]) {
        await expect(read(Readable.from([Buffer.from(text)]))).rejects.toBeInstanceOf(MessageProblem);
      }
    }),
  );
});

test('reads at most so many bytes', async () => {
  const chunks = () => Readable.from([Buffer.alloc(3), Buffer.alloc(3)]);
  expect(await readBounded(chunks(), 6)).toHaveLength(6);
  await expect(readBounded(chunks(), 5)).rejects.toMatchObject({ status: 413 });
});
