import { expect, test } from 'vitest';
import { withoutRepetition } from '#doctor/examine.ts';
import { ok, warning } from '#doctor/finding.ts';

test('the isolation that a running server reports takes the place of what this machine offers without one', () => {
  const here = warning('isolation', 'by Landlock', 'Install bubblewrap.');
  const steps = ok('steps', '2 cores');
  expect(withoutRepetition([here, steps])).toEqual([here, steps]);
  expect(withoutRepetition([here, steps, ok('server: isolation', 'in namespaces')]).map(({ name }) => name)).toEqual([
    'steps',
    'server: isolation',
  ]);
});
