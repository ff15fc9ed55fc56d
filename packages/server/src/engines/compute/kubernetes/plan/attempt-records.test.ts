import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatEnd, formatRecord, readBegun, readCancel, readEnd } from './attempt-records.ts';
import type { FinalState } from './attempt-state.ts';
import { ANNOTATIONS } from './names.ts';

const MAX_BYTES = 8192;
const date = new Date('2026-12-01T10:00:00.123Z');

function jobWith(name: string, text: string) {
  return { metadata: { name: 'dais-t1-r1', annotations: { [name]: text } }, spec: {} };
}

const text = fc.string({ unit: 'binary', maxLength: 20_000, size: 'max' });
const ends: fc.Arbitrary<FinalState> = fc.oneof(
  fc.record({ phase: fc.constant('refused' as const), reason: text }),
  fc.record({ phase: fc.constant('lost' as const), kind: fc.constant('node' as const), reason: text }),
  fc.record(
    {
      phase: fc.constant('ended' as const),
      end: fc.constantFrom('exit' as const, 'canceled' as const, 'disk-full' as const),
      startedAt: fc.constant(date),
      endedAt: fc.constant(date),
      usage: fc.constant({ wallMs: 1, cpuMs: 2.5, peakMemoryBytes: 3 }),
      code: fc.nat(255),
      signal: fc.constant('SIGKILL'),
      detail: text,
      refusedConnections: fc.array(text, { maxLength: 20 }),
    },
    { requiredKeys: ['phase', 'end', 'startedAt', 'endedAt', 'usage'] },
  ),
);

test('an end survives the way into the annotation and back; only long texts are truncated', () => {
  fc.assert(
    fc.property(ends, (end) => {
      const annotation = formatEnd(end);
      expect(Buffer.byteLength(annotation)).toBeLessThanOrEqual(MAX_BYTES);
      const read = readEnd(jobWith(ANNOTATIONS.end, annotation));
      const isShort = Buffer.byteLength(JSON.stringify(end)) <= MAX_BYTES;
      expect(read).toMatchObject(isShort ? end : { phase: end.phase });
    }),
  );
});

test('a long text is truncated', () => {
  const end = { phase: 'lost', kind: 'node', reason: 'x'.repeat(10_000) } as const;
  expect(readEnd(jobWith(ANNOTATIONS.end, formatEnd(end)))).toEqual({ ...end, reason: `${'x'.repeat(500)}…` });
});

test('start and cancellation survive too, and foreign texts are no records', () => {
  const begun = { podUid: 'p', round: 2, at: date };
  expect(readBegun(jobWith(ANNOTATIONS.begun, formatRecord(begun)))).toEqual(begun);
  const cancel = { reason: 'canceled by ada', at: date };
  expect(readCancel(jobWith(ANNOTATIONS.cancel, formatRecord(cancel)))).toEqual(cancel);
  for (const foreign of ['', 'true', '{', '{}', '[]', '{"podUid":"","round":1,"at":"2026-12-01T10:00:00Z"}']) {
    expect(readBegun(jobWith(ANNOTATIONS.begun, foreign))).toBeUndefined();
    expect(readCancel(jobWith(ANNOTATIONS.cancel, foreign))).toBeUndefined();
    expect(readEnd(jobWith(ANNOTATIONS.end, foreign))).toMatchObject({ phase: 'lost', kind: 'deleted' });
  }
  expect(readEnd({ metadata: { name: 'a' }, spec: {} })).toBeUndefined();
});
