import type { UsageSum } from '@dais/api/usage';
import { expect, test } from 'vitest';
import {
  amountText,
  groupName,
  shownAs,
  shownMeasure,
  usageQuery,
  usagePeriod,
  usageWords,
  usedMeasures,
} from './usage-query.ts';

const NOTHING: UsageSum = {
  key: null,
  attempts: 0,
  stepSeconds: 0,
  cpuSeconds: 0,
  requestedCpuSeconds: 0,
  deviceSeconds: 0,
  replicaSeconds: 0,
  storedByteDays: 0,
  queries: 0,
  querySeconds: 0,
};

test('the default is the last 30 days by resource, or by project for the organization', () => {
  expect(usageQuery({}, false)).toMatchObject({ time: '30d', by: 'resource', measure: 'stepSeconds' });
  expect(usageQuery({ by: 'nonsense', time: 'x', project: 'a' }, true)).toMatchObject({
    time: '30d',
    by: 'project',
    project: 'a',
  });
  expect(usageQuery({ project: 'a', person: '' }, false)).toMatchObject({ project: undefined, person: undefined });
});

test('the period ends with the minute', () => {
  expect(usagePeriod({ time: '7d' }, Date.parse('2026-05-08T10:00:30Z'))).toEqual({
    from: '2026-05-01T10:01:00.000Z',
    until: '2026-05-08T10:01:00.000Z',
  });
});

test('the command has the filters of the page', () => {
  const query = usageQuery({ by: 'person', time: '7d', type: 'step', resource: 'Pipeline/train' }, true);
  expect(usageWords(query, true).join(' ')).toBe(
    'usage --organization --by person --since 7d --type step --resource Pipeline/train',
  );
});

test('the chart shows a measure that has values', () => {
  expect(shownMeasure('stepSeconds', undefined)).toBe('stepSeconds');
  expect(shownMeasure('stepSeconds', NOTHING)).toBe('stepSeconds');
  expect(shownMeasure('stepSeconds', { ...NOTHING, queries: 3, querySeconds: 1 })).toBe('querySeconds');
  expect(usedMeasures({ ...NOTHING, stepSeconds: 1 }).map(({ label }) => label)).toEqual(['Step time']);
});

test('quantities have four significant digits, and groups have names', () => {
  expect([0, 1234.56, 0.00012346, 12].map(amountText)).toEqual(['', '1,235', '0.0001235', '12']);
  expect([groupName('person', null), groupName('type', 'step'), groupName('team', 'risk')]).toEqual([
    'no person',
    'Steps',
    'risk',
  ]);
});

test('a quantity is shown in the unit that fits its total', () => {
  const time = { value: 'stepSeconds', label: 'Step time', unit: 'time' } as const;
  expect([7200, 7199, 5].map((total) => shownAs(time, total).title)).toEqual([
    'Step time (h)',
    'Step time (min)',
    'Step time (s)',
  ]);
  expect(shownAs(time, 7200).scale).toBe(1 / 3600);
  expect(shownAs({ value: 'storedByteDays', label: 'Storage', unit: 'bytes' }, 3e6).title).toBe('Storage (MB-days)');
  expect(shownAs({ value: 'queries', label: 'Queries', unit: 'count' }, 3)).toEqual({ title: 'Queries', scale: 1 });
});
