/**
 * Isolation in containers, tested with podman: with its default settings, with the default seccomp filter of Docker, with the
 * profile of deploy/docker, as root, as another user, hardened, and rootless.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ContainerResult } from './container-program.testing.ts';
import { OPTIONS, startContainers, type Containers } from './containers.testing.ts';
import type { Boundary } from '../contract.ts';

const { hardened, nobody, unmasked, withoutBubblewrap, profileOfDais } = OPTIONS;
const NONE = /^$/;
const DOCKER = 'the default filter of Docker';

let containers: Containers;
beforeAll(async () => {
  containers = await startContainers();
});
afterAll(async () => {
  await containers?.end();
});

test.each<[string, readonly string[], Boundary, RegExp]>([
  ['podman, root', [], 'bubblewrap-without-proc', /with `--security-opt unmask=ALL`/],
  ['podman, another user', nobody, 'bubblewrap-without-proc', /with `--security-opt unmask=ALL`/],
  ['podman with /proc, root', unmasked, 'bubblewrap', NONE],
  ['podman with /proc, hardened, another user', [...nobody, ...hardened, ...unmasked], 'bubblewrap', NONE],
  ['podman, hardened, root', hardened, 'landlock', /--user 65534/],
  [`${DOCKER}, root`, [], 'landlock', /seccomp=dais-seccomp\.json/],
  [`${DOCKER}, hardened, another user`, [...nobody, ...hardened], 'landlock', /seccomp=dais-seccomp\.json/],
  [
    'the profile of Dais, hardened, another user',
    [...nobody, ...hardened, ...profileOfDais],
    'bubblewrap-without-proc',
    /with `--security-opt unmask=ALL`/,
  ],
  [
    'the profile of Dais with /proc, hardened, another user',
    [...nobody, ...hardened, ...profileOfDais, ...unmasked],
    'bubblewrap',
    NONE,
  ],
])('%s', async (name, options, boundary, remedy) => {
  const filter = name.startsWith(DOCKER) ? containers.profileOfDocker : [];
  const found = await containers.examine([...options, ...filter]);
  expectIsolated(found, [boundary]);
  expect(found.report.remedy ?? '').toMatch(remedy);
});

test('uses the bundled bubblewrap if the image has none', async () => {
  const found = await containers.examine([...withoutBubblewrap, ...unmasked]);
  expectIsolated(found, ['bubblewrap']);
  expect(found.report.program?.source).toBe('bundled');
});

test('rootless podman', async () => {
  if (process.getuid?.() !== 0) throw new Error('Rootless podman needs a user other than root: run this test as root.');
  expectIsolated(await containers.examine([], { isRootless: true }), ['bubblewrap', 'bubblewrap-without-proc']);
});

function expectIsolated({ report, plain, greedy }: ContainerResult, boundaries: readonly Boundary[]): void {
  expect({ boundaries, report }).toMatchObject({ boundaries: expect.arrayContaining([report.boundary]) as string[] });
  expect(report.reason).toBeUndefined();
  expect(plain).toMatchObject({ cause: 'exit', code: 0, output: 'ran\n' });
  expect(greedy.output).not.toContain('took it');
  expect(['memory', 'exit']).toContain(greedy.cause);
}
