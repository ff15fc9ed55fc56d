import { expect, test } from 'vitest';
import type { IsolationReport } from '#engines/isolation/contract.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { silentLog } from '#lib/log.ts';
import { IsolationState } from './isolation-state.ts';

const strong: IsolationReport = {
  boundary: 'bubblewrap',
  limits: 'cgroup',
  identity: 'own-user',
  program: { path: '/opt/secret/bwrap', source: 'bundled' },
  landlockAbi: 7,
  lacks: [],
  tried: [],
  reason: undefined,
  remedy: undefined,
};
const none: IsolationReport = {
  ...strong,
  boundary: 'none',
  program: undefined,
  reason: 'bubblewrap: no program bwrap was found',
  remedy: 'Install bubblewrap.',
};

test('reports the isolation without paths, and checks it again after a minute', async () => {
  const clock = new ManualClock();
  let report = none;
  const logged: string[] = [];
  const log = {
    ...silentLog,
    info: (text: string) => void logged.push(`info ${text}`),
    warn: (text: string) => void logged.push(`warn ${text}`),
  };
  const state = new IsolationState({ report: async () => await Promise.resolve(report) }, { clock, log });
  expect(state.check()).toEqual({ name: 'isolation', ok: true, detail: 'is being tested' });
  await state.read();
  expect(state.check()).toMatchObject({ ok: true, remedy: 'Install bubblewrap.' });
  expect(state.check().detail).toMatch(/^no isolation is available/);
  expect(state.latest?.reason).toContain('no program bwrap was found');
  report = strong;
  clock.advance(60_001);
  expect(state.latest?.boundary).toBe('none');
  await expect.poll(() => state.latest?.boundary).toBe('bubblewrap');
  expect(JSON.stringify(state.latest)).not.toContain('/opt/secret');
  expect(logged).toEqual([
    expect.stringMatching(/^warn no isolation/),
    expect.stringMatching(/^info user code and models/),
  ]);
});
