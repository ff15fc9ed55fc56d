/**
 * Builds the image of the Containerfile without a container registry, and runs it as a user without root permissions. The base and
 * the layers of the last build are kept, so that a build repeats only the steps whose input has changed.
 */
import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { root, runCommand } from './command.mjs';
import { unpackedPrograms } from './debian-packages.mjs';
import { cacheFolder, programFolder } from './environment.mjs';
import { fillNpmCache, startNpmMirror } from './npm-mirror.mjs';
import { fillFromLock } from './release/offline.testing.ts';
import { startServer, type StartedCommand } from './release/started.testing.ts';
import { RootlessPodman } from './rootless-podman.testing.ts';
import { bringShims } from './shim.mjs';
import { withProcessLock } from '../packages/server/src/lib/system/process-lock.mjs';

const SUITE = 'trixie';
const BASE = 'localhost/debian:13-slim';
const IMAGE = 'localhost/dais:test';
/** The first stage of the Containerfile. Its name keeps the layers of the stage. */
const BUILD = 'localhost/dais-build:test';
/** A newer base has the security updates of Debian. */
const MAX_BASE_DAYS = 30;
const NODE_PINS = join('tools', 'node-24');

export interface StartedImage extends StartedCommand {
  /** Runs a command in the container. Throws its output if it fails. */
  readonly exec: (...command: readonly string[]) => Promise<string>;
}

export class TestImage {
  readonly #podman: RootlessPodman;
  readonly #folder: string;
  readonly #release: () => void;

  private constructor(folder: string, podman: RootlessPodman, release: () => void) {
    this.#folder = folder;
    this.#podman = podman;
    this.#release = release;
  }

  /** Waits while another checkout of this machine builds or runs its image. @throws Error that names the step that failed */
  static async build(): Promise<TestImage> {
    // Not in the cache of root, because the user reads it.
    const folder = join(programFolder(), 'image');
    const release = await holdLock(join(programFolder(), 'locks', 'image'));
    const podman = await RootlessPodman.open(folder).catch((error: unknown) => {
      release();
      throw error;
    });
    const image = new TestImage(folder, podman, release);
    try {
      // A run that was killed has left them.
      image.#removeFiles();
      await step('create the base', () => image.#createBase());
      const mirror = await step('fill the npm mirror', () => image.#startMirror());
      try {
        const context = await step('copy the sources', () => image.#copySources());
        await step('build the packages', () => image.#build(context, mirror.url, ['--target=build', `--tag=${BUILD}`]));
        await step('build the image', () => image.#build(context, mirror.url, [`--tag=${IMAGE}`]));
        const { missing } = mirror;
        if (missing.length > 0) throw new Error(`The image needs packages that no lock names: ${missing.join(', ')}`);
      } finally {
        mirror.close();
      }
      // The names of the last build have moved: its layers are removed, except for those that this build uses.
      await image.#podman.must('podman', ['image', 'prune', '--force']);
      return image;
    } catch (error) {
      await image.remove();
      throw error;
    }
  }

  /** Runs a command of the image to its end. */
  async run(options: readonly string[], ...command: readonly string[]): Promise<{ code: number; output: string }> {
    return await this.#podman.run('podman', ['run', '--rm', ...USER_OF_IMAGE, ...options, IMAGE, ...command]);
  }

  /** Writes the image `localhost/dais:test` as an OCI archive. */
  async save(archive: string): Promise<void> {
    const file = join(this.#podman.emptyFolder('files'), 'image.tar');
    await this.#podman.must('podman', ['save', '--format=oci-archive', `--output=${file}`, IMAGE]);
    copyFileSync(file, archive);
    this.#podman.removeFolder('files');
  }

  /** Creates an empty data folder, and a folder for its keys. */
  createData(): string {
    this.#podman.emptyFolder('keys');
    return this.#podman.emptyFolder('data');
  }

  /** Copies a folder of the repository to where the user reads it. */
  copyFolder(path: string): string {
    const copy = join(this.#podman.emptyFolder('files'), 'copy');
    cpSync(join(root, path), copy, { recursive: true });
    return copy;
  }

  /** Starts the image with its own command, as docs/guide/install.md does. */
  async start(data: string, options: readonly string[]): Promise<StartedImage> {
    const name = `dais-${randomUUID()}`;
    const volumes = [`--volume=${data}:/var/lib/dais`, `--volume=${join(data, '..', 'keys')}:/var/lib/dais-keys`];
    const run = ['run', '--rm', `--name=${name}`, '--stop-timeout=40', ...USER_OF_IMAGE, ...volumes, ...options, IMAGE];
    const command = ['up', '--port', '0'];
    const { variables } = this.#podman;
    const started = await startServer(variables, this.#podman.command('podman', [...run, ...command]), data);
    return {
      ...started,
      exec: async (...words) => await this.#podman.must('podman', ['exec', name, ...words]),
    };
  }

  /** Ends what runs, and keeps the base and the layers. */
  async remove(): Promise<void> {
    await this.#podman.end();
    for (const name of ['data', 'keys', 'files']) this.#podman.removeFolder(name);
    this.#removeFiles();
    this.#release();
  }

  #removeFiles(): void {
    for (const name of ['context', 'base', 'base.tar']) {
      rmSync(join(this.#folder, name), { recursive: true, force: true, maxRetries: 10 });
    }
  }

  /** Creates the base with debootstrap from the package mirror of this machine. */
  async #createBase(): Promise<void> {
    const found = await this.#podman.run('podman', ['image', 'inspect', '--format={{.Created.Unix}}', BASE]);
    if (found.code === 0 && Date.now() / 1000 - Number(found.output) < MAX_BASE_DAYS * 86_400) return;
    const why = 'The base of the image is created with debootstrap.';
    const programs = await unpackedPrograms(why, 'debootstrap', 'debootstrap');
    const targets = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'];
    const { output } = await runCommand('apt-get', targets, { quiet: true });
    const mirror = output.split('\n').find((line) => /\/debian\/?$/.test(line));
    if (mirror === undefined) throw new Error(`${why} apt has no mirror of Debian: add one to its sources.`);
    const base = join(this.#folder, 'base');
    const archive = `${base}.tar`;
    // It mounts file systems in the base. In a mount namespace of its own they end with it, also when it is killed.
    const command = ['--mount', 'sh', join(programs, 'debootstrap'), '--variant=minbase', SUITE, base, mirror];
    await must('unshare', command, {
      DEBOOTSTRAP_DIR: join(programs, '..', 'share', 'debootstrap'),
    });
    await must('tar', ['-C', base, '--exclude=./var/cache/apt/archives/*.deb', '-cf', archive, '.']);
    await this.#podman.must('podman', ['import', '--quiet', archive, BASE]);
  }

  /** Serves the packages that the locks name. The address is part of the key of cached layers, so the port stays the same. */
  async #startMirror() {
    const cache = join(cacheFolder(), 'air-gap', 'npm');
    await fillFromLock(cache, join(this.#folder, 'locked'));
    const pins = join(this.#folder, 'node');
    cpSync(join(root, NODE_PINS), pins, { recursive: true });
    await fillNpmCache(cache, pins);
    rmSync(pins, { recursive: true });
    const file = join(this.#folder, 'mirror-port');
    const missing: string[] = [];
    const mirror = await startNpmMirror({
      cache,
      locks: [join(root, 'package-lock.json'), join(root, NODE_PINS, 'package-lock.json')],
      onMiss: (path) => void missing.push(path),
      port: existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0,
    });
    writeFileSync(file, new URL(mirror.url).port);
    return { ...mirror, missing };
  }

  /** Copies the files in Git. Times are part of the key of cached layers, so all files get the same one. */
  async #copySources(): Promise<string> {
    const context = join(this.#folder, 'context');
    rmSync(context, { recursive: true, force: true });
    const { output } = await runCommand('git', ['ls-files', '-co', '--exclude-standard', '-z'], { quiet: true });
    for (const path of output.split('\0').filter((one) => one !== '' && existsSync(join(root, one)))) {
      mkdirSync(join(context, dirname(path)), { recursive: true });
      cpSync(join(root, path), join(context, path), { verbatimSymlinks: true });
      lutimesSync(join(context, path), 0, 0);
    }
    // No build of Go in the container: the shims of this machine are the same.
    const built = join(context, 'native/shim/built');
    await bringShims(built);
    for (const name of readdirSync(built)) lutimesSync(join(built, name), 0, 0);
    return context;
  }

  async #build(context: string, registry: string, options: readonly string[]): Promise<void> {
    const how = ['--layers', '--isolation=chroot', '--network=host', `--file=${join(context, 'Containerfile')}`];
    const given = [`--build-arg=BASE=${BASE}`, `--build-arg=npm_config_registry=${registry}`];
    await this.#podman.must('buildah', ['build', ...how, ...given, ...options, context]);
  }
}

/** As docs/guide/install.md starts it. */
const USER_OF_IMAGE = ['--network=host', '--userns=keep-id:uid=7070,gid=7070'];

/** Holds the lock until the returned function is called. */
async function holdLock(path: string): Promise<() => void> {
  return await new Promise((resolve, reject) => {
    withProcessLock(path, () => new Promise<void>((release) => resolve(release))).catch(reject);
  });
}

/** Prints the duration of a step, and names the step in its error. */
async function step<Result>(title: string, work: () => Promise<Result>): Promise<Result> {
  const from = performance.now();
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error) error.message = `The step "${title}" of the image failed. ${error.message}`;
    throw error;
  } finally {
    process.stderr.write(`image: ${title}: ${((performance.now() - from) / 1000).toFixed(0)} s\n`);
  }
}

async function must(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { code, output } = await runCommand(program, args, { quiet: true, env });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output.slice(-3000)}`);
}
