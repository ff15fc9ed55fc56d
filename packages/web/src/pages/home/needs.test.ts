import type { Resource } from '@dais/api';
import type { TokenEntry } from '@dais/api/access';
import type { Execution } from '@dais/api/executions';
import type { Approval } from '@dais/api/registry';
import type { DatasetVersion } from '@dais/api/data';
import type { MonitorAlert } from '@dais/api/monitoring';
import { expect, test } from 'vitest';
import {
  alertNeeds,
  approvalNeeds,
  blockedNeeds,
  byNeed,
  endpointNeeds,
  executionNeeds,
  tokenNeeds,
  versionNeeds,
} from './needs.ts';
import { runningNow } from './running.ts';

const DAY = 86_400_000;
const run = (id: string, more: Partial<Execution>) =>
  ({ id, name: 'train', state: 'failed', cancelRequested: false, endedAt: 5, createdAt: 1, ...more }) as Execution;

test('a failed run needs attention until a run of the same name has succeeded', () => {
  const failed = run('2', { error: 'exit code 3\nmore' });
  const [need] = executionNeeds('p', [run('3', { state: 'running', endedAt: undefined }), failed, run('1', {})]);
  expect(need).toMatchObject({ key: 'run 2', why: 'exit code 3', act: { type: 'open' } });
  expect(executionNeeds('p', [run('3', { state: 'succeeded' }), failed])).toEqual([]);
  expect(executionNeeds('p', [run('3', { state: 'canceled' }), failed])).toHaveLength(1);
});

test('an acknowledged alert needs no further attention', () => {
  const alert = { id: 'a', monitor: 'm', severity: 'critical', lastWindow: 3, title: 't', raisedAt: 1 } as MonitorAlert;
  expect(alertNeeds('p', [alert, { ...alert, id: 'b', acknowledgedBy: 'user:ada' }])).toMatchObject([
    { key: 'alert a', state: 'failed', word: 'Critical', act: { type: 'acknowledge' } },
  ]);
});

test('items for the viewer come before items for others, and failures before both', () => {
  const approval = (number: number) =>
    ({
      model: 'm',
      version: 1,
      number,
      alias: 'prod',
      reason: '',
      requestedBy: { id: 'bo' },
      requestedAt: number,
    }) as Approval;
  const needs = [
    ...approvalNeeds('p', [approval(2), approval(1)], ({ number }) => number === 1),
    ...executionNeeds('p', [run('9', {})]),
  ].toSorted(byNeed);
  expect(needs.map(({ key }) => key)).toEqual(['run 9', 'approval m 1', 'approval m 2']);
});

test('a version that its scan blocks is listed with the finding and the remedy', () => {
  const version = { model: 'm', version: 3, reason: 'm.pkl: It imports os.system.', findings: 1, endedAt: 7 };
  expect(blockedNeeds('p', [version])).toMatchObject([
    {
      state: 'failed',
      word: 'Blocked by scan',
      what: { name: 'm/3' },
      why: expect.stringMatching(/^m\.pkl: It imports os\.system\. The version cannot be deployed/) as string,
      act: { type: 'open', words: 'Review findings' },
    },
  ]);
});

test('only the newest version of a dataset counts', () => {
  const version = (number: number, state: string, dataset = 'flights') =>
    ({ id: `${dataset}${number}`, dataset, number, state, createdAt: 1 }) as DatasetVersion;
  expect(versionNeeds('p', [version(3, 'building'), version(2, 'quarantined'), version(1, 'ready')])).toHaveLength(1);
  expect(versionNeeds('p', [version(2, 'ready'), version(1, 'quarantined'), version(1, 'ready', 'other')])).toEqual([]);
});

test('an expiring token is listed a week before its expiry; a sign-in never', () => {
  const token = (id: string, days: number, form = 'pat') =>
    ({ id, title: id, form, expiresAt: new Date(days * DAY).toISOString() }) as TokenEntry;
  const needs = tokenNeeds([token('soon', 6), token('later', 8), token('login', 1, 'ses')], 0);
  expect(needs.map(({ what, why }) => [what.name, why])).toEqual([
    ['soon', 'Clients that use this token are refused in 6 d.'],
  ]);
});

test('an endpoint that holds a version back needs attention, one that rolls out is in progress', () => {
  const endpoint = (reason: string, rollout?: object) =>
    ({
      metadata: { name: 'delays', generation: 1 },
      status: {
        conditions: [
          { type: 'Current', status: 'False', reason, message: 'worse', observedGeneration: 1, lastTransitionTime: '' },
        ],
        ...(rollout !== undefined && { rollout }),
      },
    }) as unknown as Resource;
  const rolling = endpoint('RollingOut', { state: 'running', weight: 10, message: 'half a minute' });
  expect(endpointNeeds('p', [endpoint('HeldBack')])).toMatchObject([{ word: 'Stopped', why: 'worse' }]);
  expect(endpointNeeds('p', [endpoint('VariantHeldBack')])).toMatchObject([{ word: 'Stopped', why: 'worse' }]);
  expect(endpointNeeds('p', [rolling])).toEqual([]);
  expect(runningNow('p', [run('1', {})], [], [rolling, endpoint('HeldBack')])).toMatchObject([
    { word: '10 %', far: 'half a minute' },
  ]);
});
