/** Runs buildah and podman as a user without root permissions, who has a storage of images of their own. */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { ensureProgram } from './debian-packages.mjs';
import { environment } from './environment.mjs';

/** An ordinary user with a range of other user ids. The machine knows them only in the mount namespace of a command. */
const USER = 12_345;
const NAME = 'dais-image';

/**
 * Runs a command as this user, with the files that `newuidmap` reads: sh -c AS_USER sh FILES COMMAND... Bind mounts in a mount
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
/** Layers share their files. A user without root permissions can mount them since Linux 5.13. */
const STORAGE = ['--storage-driver=overlay'];
/** Every machine has runc, also those with the older control groups. */
const PODMAN = ['--runtime=runc', '--cgroup-manager=cgroupfs', '--log-level=error'];

export class RootlessPodman {
  /** A folder of the user. */
  readonly home: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly #files: string;
  readonly #state: string;

  /** `folder` is kept: it contains the images. */
  private constructor(folder: string) {
    this.home = join(folder, 'home');
    this.#files = join(folder, 'etc');
    this.#state = join(folder, 'state');
    this.variables = {
      PATH: environment.PATH ?? '',
      HOME: this.home,
      XDG_RUNTIME_DIR: this.#state,
      TMPDIR: this.#state,
    };
  }

  /** @throws Error when the machine lacks a program, or root permissions to become the user */
  static async open(folder: string): Promise<RootlessPodman> {
    if (process.getuid?.() !== 0) {
      throw new Error('The test of the image needs root permissions, to become a user without them. Run it as root.');
    }
    const why = 'The test of the image builds and runs it without Docker.';
    for (const program of ['buildah', 'podman', 'runc']) await ensureProgram(why, [program], program);
    await ensureProgram(why, ['newuidmap'], 'uidmap');
    const podman = new RootlessPodman(folder);
    await podman.#prepare();
    return podman;
  }

  /** Returns the words that run a program of the user. */
  command(program: 'podman' | 'buildah', args: readonly string[]): [string, ...string[]] {
    const folders = [`--root=${join(this.home, 'storage')}`, `--runroot=${join(this.#state, 'storage')}`];
    const options = [...folders, ...STORAGE, ...(program === 'podman' ? PODMAN : [])];
    return ['unshare', '--mount', 'sh', '-c', AS_USER, 'sh', this.#files, program, ...options, ...args];
  }

  async run(program: 'podman' | 'buildah', args: readonly string[]): Promise<{ code: number; output: string }> {
    const [first, ...words] = this.command(program, args);
    return await runCommand(first, words, { quiet: true, cwd: this.home, env: this.variables });
  }

  /** @throws Error with the last lines that the program printed */
  async must(program: 'podman' | 'buildah', args: readonly string[]): Promise<string> {
    const { code, output } = await this.run(program, args);
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output.slice(-4000)}`);
    return output;
  }

  /** Creates a folder of the user, which is empty. */
  emptyFolder(name: string): string {
    const path = join(this.home, name);
    this.removeFolder(name);
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, USER, USER);
    return path;
  }

  removeFolder(name: string): void {
    rmSync(join(this.home, name), { recursive: true, force: true, maxRetries: 10 });
  }

  /** Ends all containers, and the process that keeps the user namespace. */
  async end(): Promise<void> {
    await this.run('podman', ['rm', '--all', '--force', '--time=0']);
    await this.run('buildah', ['rm', '--all']);
    await this.run('podman', ['system', 'migrate']);
    rmSync(this.#state, { recursive: true, force: true, maxRetries: 10 });
  }

  async #prepare(): Promise<void> {
    mkdirSync(this.#files, { recursive: true });
    const line = `${NAME}:x:${USER}:`;
    const added = { passwd: `${line}${USER}::${this.home}:/bin/sh\n`, group: `${line}\n` };
    for (const [file, own] of Object.entries(added)) {
      writeFileSync(join(this.#files, file), `${readFileSync(`/etc/${file}`, 'utf8')}${own}`);
    }
    for (const file of ['subuid', 'subgid']) writeFileSync(join(this.#files, file), `${NAME}:200000:65536\n`);
    mkdirSync(this.home, { recursive: true });
    chownSync(this.home, USER, USER);
    // A run that was killed has left its state.
    if (existsSync(this.#state)) await this.end();
    mkdirSync(this.#state);
    chownSync(this.#state, USER, USER);
    chmodSync(this.#state, 0o700);
  }
}
