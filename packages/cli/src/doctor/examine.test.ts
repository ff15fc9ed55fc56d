import { expect, test } from 'vitest';
import { withoutRepetition } from '#doctor/examine.ts';
import { ok, warning } from '#doctor/finding.ts';

test('the reported isolation of a running server replaces the check of this machine', () => {
  const here = warning('isolation', 'by Landlock', 'Install bubblewrap.');
  const steps = ok('steps', '2 cores');
  expect(withoutRepetition([here, steps])).toEqual([here, steps]);
  expect(withoutRepetition([here, steps, ok('server: isolation', 'in namespaces')]).map(({ name }) => name)).toEqual([
    'steps',
    'server: isolation',
  ]);
});
