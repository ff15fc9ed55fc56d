/** Additional isolation boundaries. */
import { checkHere } from './testing/check-program.testing.ts';
import { checkAsOrdinaryUser } from './testing/isolation.testing.ts';
import { isolationContract } from './suite.ts';

isolationContract('root without control groups', {
  boundary: 'bubblewrap',
  limits: 'rlimit',
  check: async () => await checkHere({ limits: 'rlimit' }),
});

isolationContract('root without /proc', {
  boundary: 'bubblewrap-without-proc',
  limits: 'cgroup',
  check: async () => await checkHere({ boundaries: ['bubblewrap-without-proc'] }),
});

isolationContract('root without namespaces', {
  boundary: 'landlock',
  limits: 'cgroup',
  check: async () => await checkHere({ boundaries: ['landlock'] }),
});

isolationContract('root without namespaces and control groups', {
  boundary: 'landlock',
  limits: 'rlimit',
  check: async () => await checkHere({ boundaries: ['landlock'], limits: 'rlimit' }),
});

isolationContract('an ordinary user without /proc', {
  boundary: 'bubblewrap-without-proc',
  limits: 'rlimit',
  check: async () => await checkAsOrdinaryUser({ boundaries: ['bubblewrap-without-proc'] }),
});
