/** Containers for isolation tests: created by podman, without a registry, from the programs of this machine. */
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { run } from '#lib/process.ts';
import { bubblewrap, isolationFolder } from '../../../../../../tools/bubblewrap.mjs';
import { ensureProgram } from '../../../../../../tools/debian-packages.mjs';
import { bundledPath } from '../bubblewrap/bundled-bubblewrap.ts';
import type { ContainerResult } from './container-program.testing.ts';

const PATH = process.env['PATH'] ?? '';
const IMAGE = 'localhost/dais-isolation:1';
const PROFILE = fileURLToPath(new URL('../../../../../../deploy/docker/dais-seccomp.json', import.meta.url));
const ROOTLESS_UID = 12_345;

/** Options of `podman run`. */
export const OPTIONS = {
  hardened: ['--cap-drop=ALL', '--security-opt=no-new-privileges', '--read-only'],
  nobody: ['--user=65534'],
  unmasked: ['--security-opt=unmask=ALL'],
  withoutBubblewrap: ['--volume=/dev/null:/usr/bin/bwrap:ro'],
  profileOfDais: [`--security-opt=seccomp=${PROFILE}`],
} as const;

export interface Containers {
  /** Options with the default seccomp filter of Docker. */
  readonly profileOfDocker: readonly string[];
  examine(options: readonly string[], examination?: Examination): Promise<ContainerResult>;
  end(): Promise<void>;
}

export interface Examination {
  /** By a user other than root. Needs root. */
  readonly isRootless?: boolean;
  /** Also runs all checks of the contract. */
  readonly hasChecks?: boolean;
}

/** @throws Error with the reason when podman can neither be found nor installed. */
export async function startContainers(): Promise<Containers> {
  for (const program of ['podman', 'runc']) {
    await ensureProgram(
      `Isolation in containers is tried with ${program}, and it is not on the PATH.`,
      [program],
      program,
    );
  }
  await bubblewrap();
  const folder = await mkdtemp(join(tmpdir(), 'dc-'));
  const containers = new PodmanContainers(folder);
  try {
    await containers.prepare();
    return containers;
  } catch (error) {
    await containers.end();
    throw error;
  }
}

class PodmanContainers implements Containers {
  readonly #folder: string;
  readonly #imported = new Map<string, Promise<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get profileOfDocker(): readonly string[] {
    return [`--security-opt=seccomp=${join(this.#folder, 'docker.json')}`];
  }

  async prepare(): Promise<void> {
    const folder = this.#folder;
    await chmod(folder, 0o755);
    // The cache may be in a home folder, which other users cannot enter.
    await cp(isolationFolder(), join(folder, 'isolation'), { recursive: true });
    const profile = JSON.parse(await readFile(PROFILE, 'utf8')) as Profile;
    await writeFile(join(folder, 'docker.json'), JSON.stringify(withoutDais(profile)));
    await bundleProgram(folder);
    await this.#makeImage();
  }

  async examine(options: readonly string[], { isRootless = false, hasChecks = false }: Examination = {}) {
    const program = JSON.stringify({ bundled: bundledPath('/isolation'), checks: hasChecks });
    const answer = await this.#podman(isRootless, this.#container(options, ['node', '/program/main.js', program]));
    return JSON.parse(answer) as ContainerResult;
  }

  async end(): Promise<void> {
    // Rootless podman keeps one process for its user namespace; this ends it.
    if (this.#imported.has('rootless')) await this.#podman(true, ['system', 'migrate']);
    await run('chmod', ['-R', 'u+w', this.#folder], { env: { PATH } });
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The image uses the programs of this machine; process tree, network and security settings are those of podman. */
  #container(options: readonly string[], command: readonly string[]): string[] {
    const folder = this.#folder;
    return [
      ...words('run --rm --network=none --ulimit=nofile=1024:1024 --ulimit=nproc=4096:4096'),
      ...words('--tmpfs=/tmp:rw,exec,mode=1777 --volume=/usr:/usr:ro'),
      `--volume=${folder}/program:/program:ro`,
      `--volume=${folder}/isolation:/isolation:ro`,
      ...options,
      IMAGE,
      ...command,
    ];
  }

  async #podman(isRootless: boolean, args: readonly string[]): Promise<string> {
    const name = isRootless ? 'rootless' : 'root';
    const home = join(this.#folder, name);
    const other = ['setpriv', `--reuid=${ROOTLESS_UID}`, `--regid=${ROOTLESS_UID}`, '--clear-groups'];
    // runc, because crun rejects machines with both versions of control groups.
    const podman = [
      ...(isRootless ? other : []),
      'podman',
      `--root=${home}/store`,
      `--runroot=${home}/state`,
      ...words('--storage-driver=vfs --runtime=runc --cgroup-manager=cgroupfs'),
    ];
    let imported = this.#imported.get(name);
    if (imported === undefined) {
      const image = join(this.#folder, 'image.tar');
      imported = makeHome(home, isRootless).then(
        async () => await must([...podman, 'import', '--change=ENV=PATH=/usr/bin:/bin', image, IMAGE], home),
      );
      this.#imported.set(name, imported);
    }
    await imported;
    return await must([...podman, ...args], home);
  }

  async #makeImage(): Promise<void> {
    const files = join(this.#folder, 'files');
    const folders = ['usr', 'proc', 'dev', 'sys', 'tmp', 'run', 'etc', 'var', 'root', 'program', 'isolation'];
    for (const name of folders) await mkdir(join(files, name), { recursive: true });
    await chmod(join(files, 'tmp'), 0o1777);
    for (const name of ['bin', 'sbin', 'lib', 'lib64'])
      await must(['ln', '-s', `usr/${name}`, join(files, name)], files);
    await writeFile(join(files, 'etc', 'passwd'), 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
    const archive = ['tar', '-C', files, '--owner=0', '--group=0', '-cf', join(this.#folder, 'image.tar'), '.'];
    await must(archive, files);
  }
}

async function makeHome(home: string, isRootless: boolean): Promise<void> {
  await mkdir(join(home, 'run'), { recursive: true });
  if (!isRootless) return;
  for (const path of [home, join(home, 'run')]) await chown(path, ROOTLESS_UID, ROOTLESS_UID);
}

/** One file: with `hold` as its first argument it runs the `hold` part of `check-program.testing.ts`. */
async function bundleProgram(folder: string): Promise<void> {
  const main = join(folder, 'main.ts');
  const program = fileURLToPath(new URL('container-program.testing.ts', import.meta.url));
  await writeFile(
    main,
    `import { examineContainer } from ${JSON.stringify(program)};
const [, , first] = process.argv;
if (first !== 'hold') await examineContainer(JSON.parse(first));
`,
  );
  await build({
    input: main,
    platform: 'node',
    resolve: { conditionNames: ['dais-source', 'node', 'import', 'default'] },
    output: { dir: join(folder, 'program'), format: 'esm', entryFileNames: 'main.js' },
    logLevel: 'silent',
  });
}

interface Profile {
  readonly syscalls: readonly object[];
}

/** The profile of Docker: instead of the first rule, `clone` without namespace flags. */
function withoutDais(profile: Profile): Profile {
  const args = [{ index: 0, value: 2_114_060_288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }];
  const clone = { names: ['clone'], action: 'SCMP_ACT_ALLOW', args };
  return { ...profile, syscalls: [clone, ...profile.syscalls.slice(1)] };
}

async function must([program = '', ...args]: readonly string[], home: string): Promise<string> {
  const env = { PATH, HOME: home, XDG_RUNTIME_DIR: join(home, 'run') };
  const answer = await run(program, args, { env, timeoutMs: 180_000 });
  if (answer.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${answer.stderr}`);
  return answer.stdout.toString('utf8');
}

function words(text: string): string[] {
  return text.split(' ');
}
