/** Builds the image of the Containerfile without a container registry, and runs it with podman as a user without permissions. */
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, runCommand } from './command.mjs';
import { cacheFolder, environment } from './environment.mjs';
import { ensureProgram, unpackedPrograms } from './debian-packages.mjs';
import { fillNpmCache, startNpmMirror } from './npm-mirror.mjs';
import { startServer, type StartedCommand } from './release/started.testing.ts';

const SUITE = 'trixie';
const BASE = 'localhost/debian:13-slim';
const IMAGE = 'localhost/dais:test';
/** An ordinary user with a range of other user ids. It exists only in the mount namespace of the test. */
const USER = 12_345;
const USER_NAME = 'dais-image';

/**
 * Runs podman as this user, with the files that `newuidmap` reads: sh -c AS_USER sh FILES COMMAND... Bind mounts in a mount
 * namespace of their own leave the files of the machine as they are.
 */
const AS_USER = `
files=$1
shift
mount --make-rprivate /
for name in passwd group subuid subgid; do
  mount --bind "$files/$name" "/etc/$name" || exit 1
done
exec setpriv --reuid=${USER} --regid=${USER} --clear-groups "$@"
`;
// Every machine can store layers as folders and has runc, also those with the older control groups.
const STORAGE = ['--storage-driver=vfs'];

export interface StartedImage extends StartedCommand {
  /** The data folder, as this machine sees it. */
  readonly data: string;
}

export interface TestImage {
  /** Belongs to the user who runs the image. */
  readonly home: string;
  /** Runs a command of the image to its end. */
  run(options: readonly string[], ...command: readonly string[]): Promise<{ code: number; output: string }>;
  /** Starts the image with its own command, on a data folder below `home` with that name. */
  start(name: string, options: readonly string[], ...words: readonly string[]): Promise<StartedImage>;
  remove(): Promise<void>;
}

/** @throws Error with the output of the program that failed */
export async function buildImage(): Promise<TestImage> {
  const why = 'The image is tested without a container registry.';
  for (const program of ['buildah', 'podman']) await ensureProgram(why, [program], program);
  await ensureProgram(why, ['newuidmap'], 'uidmap');
  const folder = mkdtempSync(join(tmpdir(), 'img-'));
  chmodSync(folder, 0o755);
  const own = [`--root=${join(folder, 'root')}`, `--runroot=${join(folder, 'root-state')}`, ...STORAGE];
  try {
    await importBase(folder, own);
    await buildOn(folder, own);
    const archive = join(folder, 'dais.tar');
    await must('podman', [...own, 'save', '--quiet', '--format=oci-archive', '--output', archive, IMAGE]);
    chmodSync(archive, 0o644);
    const image = new RootlessImage(folder);
    await image.load(archive);
    rmSync(archive);
    await must('podman', [...own, 'rmi', '--all', '--force']);
    return image;
  } catch (error) {
    await removeStorage(folder);
    throw error;
  }
}

/** Creates the base with debootstrap from the package mirror of this machine. */
async function importBase(folder: string, own: readonly string[]): Promise<void> {
  const why = 'The base of the image is created with debootstrap.';
  const programs = await unpackedPrograms(why, 'debootstrap', 'debootstrap');
  const base = join(folder, 'base');
  const { output } = await runCommand('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'], {
    quiet: true,
  });
  const mirror = output.split('\n').find((line) => /\/debian\/?$/.test(line));
  if (mirror === undefined) throw new Error(`${why} apt has no mirror of Debian: add one to its sources.`);
  await must('sh', [join(programs, 'debootstrap'), '--variant=minbase', SUITE, base, mirror], {
    DEBOOTSTRAP_DIR: join(programs, '..', 'share', 'debootstrap'),
  });
  const archive = join(folder, 'base.tar');
  await must('tar', ['-C', base, '-cf', archive, '.']);
  rmSync(base, { recursive: true, force: true });
  await must('podman', [...own, 'import', '--quiet', archive, BASE]);
  rmSync(archive);
}

/** Builds from a copy of the files in Git, with an npm mirror of the packages that the locks name. */
async function buildOn(folder: string, own: readonly string[]): Promise<void> {
  const context = join(folder, 'context');
  const { output } = await runCommand('git', ['ls-files', '-co', '--exclude-standard', '-z'], { quiet: true });
  for (const path of output.split('\0').filter((one) => one !== '' && existsSync(join(root, one)))) {
    mkdirSync(join(context, dirname(path)), { recursive: true });
    cpSync(join(root, path), join(context, path), { force: true, recursive: true, verbatimSymlinks: true });
  }
  const cache = join(cacheFolder(), 'air-gap', 'npm');
  const pins = join('tools', 'node-24');
  for (const place of ['.', pins]) {
    await fillNpmCache(cache, join(context, place));
    rmSync(join(context, place, 'node_modules'), { recursive: true, force: true });
  }
  const misses: string[] = [];
  const mirror = await startNpmMirror({
    cache,
    locks: [join(root, 'package-lock.json'), join(root, pins, 'package-lock.json')],
    onMiss: (path) => void misses.push(path),
  });
  try {
    const build = [
      'build',
      '--quiet',
      '--isolation=chroot',
      '--network=host',
      '--layers=false',
      '--file=Containerfile',
    ];
    const given = [`--build-arg=BASE=${BASE}`, `--build-arg=npm_config_registry=${mirror.url}`, `--tag=${IMAGE}`];
    await must('buildah', [...own, ...build, ...given, context]);
    if (misses.length > 0) throw new Error(`The image needs packages that no lock names: ${misses.join(', ')}`);
  } finally {
    mirror.close();
    rmSync(context, { recursive: true, force: true });
  }
}

class RootlessImage implements TestImage {
  readonly home: string;
  readonly #folder: string;
  readonly #podman: readonly string[];
  readonly #variables: Readonly<Record<string, string>>;

  constructor(folder: string) {
    this.#folder = folder;
    this.home = join(folder, 'home');
    mkdirSync(join(this.home, 'run'), { recursive: true });
    for (const path of [this.home, join(this.home, 'run')]) chownSync(path, USER, USER);
    const files = join(folder, 'etc');
    mkdirSync(files);
    const line = `${USER_NAME}:x:${USER}:`;
    writeFileSync(
      join(files, 'passwd'),
      `${readFileSync('/etc/passwd', 'utf8')}${line}${USER}::${this.home}:/bin/sh\n`,
    );
    writeFileSync(join(files, 'group'), `${readFileSync('/etc/group', 'utf8')}${line}\n`);
    for (const name of ['subuid', 'subgid']) writeFileSync(join(files, name), `${USER_NAME}:200000:65536\n`);
    const storage = [`--root=${join(this.home, 'store')}`, `--runroot=${join(this.home, 'state')}`, ...STORAGE];
    const asUser = ['unshare', '--mount', 'sh', '-c', AS_USER, 'sh', files];
    this.#podman = [
      ...asUser,
      'podman',
      ...storage,
      '--runtime=runc',
      '--cgroup-manager=cgroupfs',
      '--log-level=error',
    ];
    this.#variables = {
      PATH: environment.PATH ?? '',
      HOME: this.home,
      XDG_RUNTIME_DIR: join(this.home, 'run'),
      TMPDIR: this.home,
    };
  }

  async load(archive: string): Promise<void> {
    const loaded = await this.#run('load', '--quiet', '--input', archive);
    if (loaded.code !== 0) throw new Error(`podman load ended with ${loaded.code}:\n${loaded.output}`);
  }

  async run(options: readonly string[], ...command: readonly string[]) {
    return await this.#run('run', '--rm', ...this.#mapping(), ...options, IMAGE, ...command);
  }

  async start(name: string, options: readonly string[], ...words: readonly string[]): Promise<StartedImage> {
    const data = join(this.home, name);
    const keys = `${data}-keys`;
    for (const path of [data, keys]) {
      mkdirSync(path, { recursive: true });
      chownSync(path, USER, USER);
    }
    const volumes = [`--volume=${data}:/var/lib/dais`, `--volume=${keys}:/var/lib/dais-keys`];
    const [program = '', ...args] = this.#podman;
    const run = ['run', '--rm', '--stop-timeout=40', ...this.#mapping(), ...volumes, ...options, IMAGE];
    const command = ['up', '--data', '/var/lib/dais', '--port', '0', ...words];
    const started = await startServer(this.#variables, [program, ...args, ...run, ...command], data);
    return { ...started, data };
  }

  async remove(): Promise<void> {
    // Rootless podman keeps one process for its user namespace; this ends it.
    await this.#run('system', 'migrate');
    await removeStorage(this.#folder);
  }

  #mapping(): readonly string[] {
    return ['--network=host', '--userns=keep-id:uid=7070,gid=7070'];
  }

  async #run(...args: readonly string[]) {
    const [program = '', ...first] = this.#podman;
    return await runCommand(program, [...first, ...args], { quiet: true, cwd: this.home, env: this.#variables });
  }
}

async function removeStorage(folder: string): Promise<void> {
  await runCommand('chmod', ['-R', 'u+w', folder], { quiet: true });
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}

async function must(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { code, output } = await runCommand(program, args, { quiet: true, env });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output.slice(-6000)}`);
}
