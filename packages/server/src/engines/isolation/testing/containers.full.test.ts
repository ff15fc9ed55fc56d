/** The isolation contract in containers: every check, for each boundary that a container permits. */
import { afterAll, beforeAll } from 'vitest';
import type { CheckReport } from './checks.testing.ts';
import { OPTIONS, startContainers, type Containers } from './containers.testing.ts';
import { isolationContract } from '../suite.ts';

const { hardened, nobody, unmasked, profileOfDais } = OPTIONS;

let containers: Containers;
beforeAll(async () => {
  containers = await startContainers();
});
afterAll(async () => {
  await containers?.end();
});

async function check(options: readonly string[], isRootless = false): Promise<CheckReport> {
  const { checks } = await containers.examine(options, { hasChecks: true, isRootless });
  if (checks === undefined) throw new Error('the container ran no checks');
  return checks;
}

isolationContract('podman with its default options, root', {
  boundary: 'bubblewrap-without-proc',
  limits: 'rlimit',
  check: async () => await check([]),
});

isolationContract('podman with /proc, hardened, another user', {
  boundary: 'bubblewrap',
  limits: 'rlimit',
  check: async () => await check([...nobody, ...hardened, ...unmasked]),
});

isolationContract('podman, hardened, root', {
  boundary: 'landlock',
  limits: 'rlimit',
  check: async () => await check(hardened),
});

isolationContract('the default filter of Docker, hardened, another user', {
  boundary: 'landlock',
  limits: 'rlimit',
  check: async () => await check([...nobody, ...hardened, ...containers.profileOfDocker]),
});

isolationContract('the profile of Dais, hardened, another user', {
  boundary: 'bubblewrap-without-proc',
  limits: 'rlimit',
  check: async () => await check([...nobody, ...hardened, ...profileOfDais]),
});

isolationContract('rootless podman with /proc', {
  boundary: 'bubblewrap',
  limits: 'rlimit',
  check: async () => await check(unmasked, true),
});
