import { expect, test } from 'vitest';
import { isolationSummary, type IsolationInfo } from './isolation.ts';

const strong: IsolationInfo = {
  boundary: 'bubblewrap',
  limits: 'cgroup',
  identity: 'own-user',
  program: 'bundled',
  lacks: [],
};

test.each<[Partial<IsolationInfo>, RegExp]>([
  [{}, /^user code and models .* in namespaces by the bubblewrap of Dais, with limits of a whole run$/],
  [{ boundary: 'bubblewrap-without-proc', program: 'machine' }, /of this machine, without \/proc, with/],
  [{ boundary: 'landlock', limits: 'rlimit' }, /Landlock .* with limits per process and a watchdog$/],
  [{ boundary: 'none', reason: 'no perl' }, /^no isolation .* \(no perl\): .* schedules and alerts start no runs$/],
])('%j is described in one sentence', (change, expected) => {
  expect(isolationSummary({ ...strong, ...change })).toMatch(expected);
});
