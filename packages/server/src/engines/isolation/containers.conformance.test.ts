/**
 * How runs are isolated in containers, tried in podman: with its own settings, with the filter of system calls that Docker
 * applies by default, with the profile of deploy/docker, as root, as another user, hardened, and rootless.
 */
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { bubblewrap, isolationFolder } from '../../../../../tools/bubblewrap.mjs';
import { ensureProgram } from '../../../../../tools/debian-packages.mjs';
import { bundledPlace } from './bundled-bubblewrap.ts';
import type { Boundary } from './contract.ts';
import type { ContainerResult } from './containers.testing.ts';

const PATH = process.env['PATH'] ?? '';
const IMAGE = 'localhost/dais-isolation:1';
const PROFILE = fileURLToPath(new URL('../../../../../deploy/docker/dais-seccomp.json', import.meta.url));
const HARDENED = ['--cap-drop=ALL', '--security-opt=no-new-privileges', '--read-only'];
const NOBODY = '--user=65534';
const ROOTLESS_UID = 12_345;

let folder: string;
let dockerDefault: string;
beforeAll(async () => {
  await ensureProgram('Isolation in containers is tried with podman, and it is not on the PATH.', ['podman'], 'podman');
  await bubblewrap();
  folder = await mkdtemp(join(tmpdir(), 'dais-containers-'));
  await chmod(folder, 0o755);
  // The cache may be in a home folder, which other users cannot enter.
  await cp(isolationFolder(), join(folder, 'isolation'), { recursive: true });
  dockerDefault = join(folder, 'docker-default.json');
  await writeFile(dockerDefault, JSON.stringify(withoutDais(JSON.parse(await readFile(PROFILE, 'utf8')) as Profile)));
  await bundleProgram();
  await makeImage();
  await must('podman', [
    ...store('root'),
    'import',
    '--change=ENV=PATH=/usr/bin:/bin',
    join(folder, 'image.tar'),
    IMAGE,
  ]);
});
afterAll(async () => {
  await run('chmod', ['-R', 'u+w', folder], { env: { PATH } });
  await rm(folder, { recursive: true, force: true });
});

test.each<[string, readonly string[], Boundary, RegExp | undefined]>([
  ['podman, root', [], 'bubblewrap-without-proc', /unmask=ALL/],
  ['podman, another user', [NOBODY], 'bubblewrap-without-proc', /unmask=ALL/],
  ['podman with /proc, root', ['--security-opt=unmask=ALL'], 'bubblewrap', undefined],
  [
    'podman with /proc, hardened, another user',
    [NOBODY, ...HARDENED, '--security-opt=unmask=ALL'],
    'bubblewrap',
    undefined,
  ],
  ['hardened root', HARDENED, 'landlock', /--user 65534/],
  ['the filter of Docker, root', ['docker'], 'landlock', /seccomp=dais-seccomp\.json/],
  ['the filter of Docker, hardened', [NOBODY, ...HARDENED, 'docker'], 'landlock', /seccomp=dais-seccomp\.json/],
  [
    'the profile of Dais, hardened',
    [NOBODY, ...HARDENED, `--security-opt=seccomp=${PROFILE}`],
    'bubblewrap-without-proc',
    /unmask=ALL/,
  ],
  [
    'the profile of Dais and /proc',
    [NOBODY, ...HARDENED, `--security-opt=seccomp=${PROFILE}`, '--security-opt=unmask=ALL'],
    'bubblewrap',
    undefined,
  ],
])('%s', async (_, options, boundary, remedy) => {
  const found = await examine(
    options.map((word) => (word === 'docker' ? `--security-opt=seccomp=${dockerDefault}` : word)),
  );
  expectIsolated(found, [boundary]);
  if (remedy === undefined) expect(found.report.remedy).toBeUndefined();
  else expect(found.report.remedy).toMatch(remedy);
});

test('the bundled bubblewrap is used where the image has none', async () => {
  const found = await examine(['--volume=/dev/null:/usr/bin/bwrap:ro', '--security-opt=unmask=ALL']);
  expectIsolated(found, ['bubblewrap']);
  expect(found.report.program?.source).toBe('bundled');
});

test('rootless podman', async () => {
  if (process.getuid?.() !== 0) throw new Error('Another user is needed for rootless podman: run this test as root.');
  const home = join(folder, 'rootless');
  await mkdir(join(home, 'run'), { recursive: true });
  for (const place of [home, join(home, 'run')]) await chown(place, ROOTLESS_UID, ROOTLESS_UID);
  const image = ['import', '--change=ENV=PATH=/usr/bin:/bin', join(folder, 'image.tar'), IMAGE];
  await must('setpriv', [...asOther(), 'podman', ...store('rootless'), ...image], home);
  const answer = await must('setpriv', [...asOther(), 'podman', ...store('rootless'), ...containerOf([])], home);
  expectIsolated(JSON.parse(answer) as ContainerResult, ['bubblewrap', 'bubblewrap-without-proc']);
});

function expectIsolated({ report, plain, greedy }: ContainerResult, boundaries: readonly Boundary[]): void {
  expect(boundaries, JSON.stringify(report.tried)).toContain(report.boundary);
  expect(report.fault).toBeUndefined();
  expect(plain).toMatchObject({ cause: 'exit', code: 0, output: 'ran\n' });
  expect(greedy.output).not.toContain('took it');
  expect(['memory', 'exit']).toContain(greedy.cause);
}

async function examine(options: readonly string[]): Promise<ContainerResult> {
  return JSON.parse(await must('podman', [...store('root'), ...containerOf(options)])) as ContainerResult;
}

/** The programs of this machine are those of the image; its own process tree, network and settings of security are podman's. */
function containerOf(options: readonly string[]): string[] {
  return [
    ...['run', '--rm', '--network=none', '--ulimit=nofile=1024:1024', '--ulimit=nproc=4096:4096'],
    ...['--tmpfs=/tmp:rw,exec,mode=1777', '--volume=/usr:/usr:ro', `--volume=${folder}/program:/program:ro`],
    ...[`--volume=${folder}/isolation:/isolation:ro`, ...options, IMAGE],
    ...['node', '/program/main.js', bundledPlace('/isolation')],
  ];
}

/** A store of its own. runc: crun refuses machines with both versions of control groups. */
function store(name: string): string[] {
  const places = [`--root=${folder}/${name}/store`, `--runroot=${folder}/${name}/state`];
  return [...places, '--storage-driver=vfs', '--runtime=runc', '--cgroup-manager=cgroupfs'];
}

function asOther(): string[] {
  return [`--reuid=${ROOTLESS_UID}`, `--regid=${ROOTLESS_UID}`, '--clear-groups'];
}

async function bundleProgram(): Promise<void> {
  const program = fileURLToPath(new URL('containers.testing.ts', import.meta.url));
  const main = join(folder, 'main.ts');
  await writeFile(
    main,
    `import { examineContainer } from ${JSON.stringify(program)};\nawait examineContainer(process.argv.slice(2));\n`,
  );
  await build({
    input: main,
    platform: 'node',
    resolve: { conditionNames: ['dais-source', 'node', 'import', 'default'] },
    output: { dir: join(folder, 'program'), format: 'esm', entryFileNames: 'main.js' },
    logLevel: 'silent',
  });
}

async function makeImage(): Promise<void> {
  const files = join(folder, 'files');
  const folders = ['usr', 'proc', 'dev', 'sys', 'tmp', 'run', 'etc', 'var', 'root', 'program', 'isolation'];
  for (const name of folders) await mkdir(join(files, name), { recursive: true });
  await chmod(join(files, 'tmp'), 0o1777);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await must('ln', ['-s', `usr/${name}`, join(files, name)]);
  await writeFile(join(files, 'etc', 'passwd'), 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
  await must('tar', ['-C', files, '--owner=0', '--group=0', '-cf', join(folder, 'image.tar'), '.']);
}

interface Profile {
  readonly syscalls: readonly object[];
}

/** Docker's own profile: instead of the first rule, `clone` without flags for namespaces. */
function withoutDais(profile: Profile): Profile {
  const args = [{ index: 0, value: 2_114_060_288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }];
  const clone = { names: ['clone'], action: 'SCMP_ACT_ALLOW', args };
  return { ...profile, syscalls: [clone, ...profile.syscalls.slice(1)] };
}

async function must(program: string, args: readonly string[], home: string = folder): Promise<string> {
  const env = { PATH, HOME: home, XDG_RUNTIME_DIR: join(home, 'run') };
  const answer = await run(program, args, { env, timeoutMs: 120_000 });
  if (answer.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${answer.stderr}`);
  return answer.stdout.toString('utf8');
}
