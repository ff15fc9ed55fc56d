import { expect, test } from 'vitest';
import { checkSteps, stepsFinding } from '#doctor/steps.ts';

const resources = { cpu: 2, memory: 4 * 1024 ** 3, disk: 1 };

test('what a machine gives to commands, and what to do where it gives less', async () => {
  expect(stepsFinding({ isolationFault: undefined, imageFault: undefined, limits: 'cgroup', resources })).toEqual({
    name: 'steps',
    state: 'ok',
    detail: '2 cores, 4.0 GiB; memory is held for a whole step; commands are isolated, in images too',
  });
  expect(
    stepsFinding({
      isolationFault: undefined,
      imageFault: undefined,
      limits: 'rlimit',
      resources: { ...resources, 'nvidia.com/gpu': 2 },
    }),
  ).toMatchObject({ state: 'warning', detail: expect.stringContaining('2 GPUs') as string });
  expect(
    stepsFinding({ isolationFault: 'bubblewrap is missing.', imageFault: undefined, limits: 'cgroup', resources }),
  ).toMatchObject({
    state: 'warning',
    remedy: 'bubblewrap is missing. Until then commands run only with `--isolation none`.',
  });
  const fault = async () => await Promise.reject(new Error('Commands run on Linux only.'));
  expect(await checkSteps(fault)).toEqual({ name: 'steps', state: 'skipped', detail: 'Commands run on Linux only.' });
});
