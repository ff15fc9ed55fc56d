import { expect, test } from 'vitest';
import { auditFilter, auditWords, localTime, timeOf } from './audit-filter.ts';

test('only known and filled fields are searched for', () => {
  expect(auditFilter({ actor: 'ada', outcome: '', entry: '7', kind: undefined })).toEqual({ actor: 'ada' });
});

test('the command has the same filters', () => {
  expect(auditWords({ actor: 'ada', requestId: 'x', project: 'p' }, true)).toEqual([
    'audit',
    'list',
    '--organization',
    '--actor',
    'ada',
    '--request',
    'x',
  ]);
  expect(auditWords({}, false)).toEqual(['audit', 'list']);
});

test('a time in the URL is the time in the field, and back', () => {
  expect(timeOf(localTime('2026-11-26T09:30:00.000Z'))).toBe('2026-11-26T09:30:00.000Z');
  expect([localTime('yesterday'), localTime(undefined), timeOf('')]).toEqual(['', '', undefined]);
});
