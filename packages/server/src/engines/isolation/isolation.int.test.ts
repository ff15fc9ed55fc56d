/** The boundaries of this machine as root, and of restricted machines. Root is needed to switch users. */
import { expect, test } from 'vitest';
import { isolationRefusal } from './contract.ts';
import { checkAsOrdinaryUser, checkInProcess } from './testing/isolation.testing.ts';
import { openIsolation } from './open-isolation.ts';
import { testBoundary } from './self-test.ts';
import { isolationContract } from './suite.ts';

isolationContract('root with control groups', {
  boundary: 'bubblewrap',
  limits: 'cgroup',
  check: async () => await checkInProcess({}),
});

isolationContract('an ordinary user', {
  boundary: 'bubblewrap',
  limits: 'rlimit',
  check: async () => await checkAsOrdinaryUser({}),
});

isolationContract('an ordinary user where user namespaces are off', {
  boundary: 'landlock',
  limits: 'rlimit',
  check: async () => await checkAsOrdinaryUser({}, { hasUserNamespaces: false }),
});

test('rejects a run without isolation with the reason and a remedy', async () => {
  const isolation = openIsolation({ path: '/nonexistent' });
  const report = await isolation.report();
  expect(report).toMatchObject({ boundary: 'none', reason: expect.stringContaining('no program bwrap was found') });
  const run = {
    workload: 'python-model',
    owner: 'test',
    command: ['true'],
    limits: {},
    network: { type: 'none' },
    files: { readable: [], writable: [] },
  } as const;
  const refusal = isolationRefusal("The model's process", report);
  expect(refusal).toMatch(/requires isolation, and no isolation works on this machine: .*apt-get install bubblewrap/);
  await expect(isolation.start(run, { variables: {} })).rejects.toMatchObject({
    code: 'invalid_request',
    message: refusal,
  });
  await isolation.close();
});

test('the folder of a self-test has a name that the next process removes if this one is killed', async () => {
  let scratch = '';
  const reason = await testBoundary({
    boundary: 'landlock',
    perl: undefined,
    path: '/usr/bin:/bin',
    confine: ({ files }) => {
      scratch = files.writable[0]?.outside ?? '';
      const command = ['sh', '-c', 'echo end'] as const;
      return { boundary: 'landlock', command, filter: Buffer.alloc(0), uid: undefined };
    },
  });
  expect(reason).toBeUndefined();
  expect(scratch).toMatch(new RegExp(`/dais-scratch-\\d+-${process.pid}-\\d+-`));
});
