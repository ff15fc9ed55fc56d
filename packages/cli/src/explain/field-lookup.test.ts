import { DaisError, findKind, kinds } from '@dais/api';
import { expect, test } from 'vitest';
import { findField, kindFields } from '#explain/field-lookup.ts';

const channel = findKind('AlertChannel')!;

test.each([
  ['spec.send', 'spec.send'],
  ['send', 'spec.send'],
  ['send.to', 'spec.send.to'],
  ['spec.send.to[0]', 'spec.send.to'],
  ['metadata.labels', 'metadata.labels'],
  ['labels', 'metadata.labels'],
  ['status.pending', 'status.pending'],
  ['conditions', 'status.conditions'],
  ['name', 'metadata.name'],
])('%s is %s', (path, want) => {
  expect(findField(channel, path).path).toBe(want);
});

test('a field of several variants is found in each', () => {
  const { rows } = findField(channel, 'send.url');
  expect(rows.map((row) => row.when?.value)).toEqual(['webhook', 'slack', 'pagerduty', 'alertmanager']);
});

test.each([
  ['spec.snd', 'AlertChannel.spec.send'],
  ['attempst', 'AlertChannel.attempts'],
  ['spec.send.pasword', 'AlertChannel.spec.send.password'],
  ['zzzzzzzzzzzz', 'lists its fields'],
])('%s has a hint', (path, hint) => {
  expect(() => findField(channel, path)).toThrow(DaisError);
  expect(() => findField(channel, path)).toThrow(hint);
});

test('every field of every kind is found by its path', () => {
  for (const kind of kinds) {
    const fields = kindFields(kind);
    for (const row of [...fields.written, ...fields.kept]) {
      expect(findField(kind, row.path, fields).path).toBe(row.path);
    }
  }
});
