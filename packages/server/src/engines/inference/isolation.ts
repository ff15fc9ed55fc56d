/**
 * Isolation of a model's process by bubblewrap: it sees the programs of the machine, its model and its environment, all of it
 * read-only, and a /tmp of its own; no network, no other process, no right. Its socket it has from its start.
 */
import { createHash } from 'node:crypto';
import { above, ETC, MERGED_FOLDERS, mergedFolder, PROGRAM_FOLDERS } from '#lib/bubblewrap.ts';
import { Lazy } from '#lib/lazy.ts';
import { run } from '#lib/process.ts';
import { seccompFilter } from '#lib/seccomp.ts';

export interface IsolatedProgram {
  readonly program: string;
  readonly args: readonly string[];
  /** For descriptor 4. */
  readonly atFour?: Buffer;
}

/** Of models that root starts: one for each model, from a range that systemd leaves to nobody; steps have the one below. */
const FIRST_UID = 2_000_000_000;
const UIDS = 100_000_000;
const SCRATCH_BYTES = 1024 ** 3;

export class ModelIsolation {
  readonly #isRoot = process.getuid?.() === 0;
  readonly #filter = seccompFilter(process.arch);
  readonly #fault = new Lazy(async () => await this.#try());

  /** Why nothing can be isolated here; undefined when a program was seen to be. */
  async fault(): Promise<string | undefined> {
    return await this.#fault.get();
  }

  /** `readable`: folders, beside the machine's programs. `owner`: models of the same share a user. */
  wrap(program: readonly string[], readable: readonly string[], owner: string): IsolatedProgram {
    const uid = String(FIRST_UID + (createHash('sha256').update(owner).digest().readUInt32BE() % UIDS));
    const drop = `--reuid=${uid} --regid=${uid} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs --`;
    const who = this.#isRoot
      ? '--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP'
      : '--unshare-user --disable-userns --cap-drop ALL';
    const fixed = [
      '--die-with-parent --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try --hostname model',
      ...(this.#filter === undefined ? [] : ['--seccomp 4']),
      who,
      '--dir /etc --dir /sys --dir /sys/devices',
      '--proc /proc --dev /dev --perms 1777 --tmpfs /dev/shm',
      '--ro-bind-try /sys/devices/system /sys/devices/system',
      `--perms 1777 --size ${SCRATCH_BYTES} --tmpfs /tmp`,
      ...[...PROGRAM_FOLDERS, ...ETC.map((name) => `/etc/${name}`)].map((place) => `--ro-bind-try ${place} ${place}`),
    ];
    return {
      program: 'bwrap',
      args: [
        ...fixed.join(' ').split(' '),
        ...MERGED_FOLDERS.flatMap(mergedFolder),
        ...readable.flatMap((folder) => [...above(folder), '--ro-bind', folder, folder]),
        '--remount-ro',
        '/',
        '--chdir',
        '/',
        '--',
        ...(this.#isRoot ? ['setpriv', ...drop.split(' ')] : []),
        ...program,
      ],
      ...(this.#filter !== undefined && { atFour: this.#filter }),
    };
  }

  async #try(): Promise<string | undefined> {
    const { program, args } = this.wrap(['sh', '-c', TRIAL], [], 'trial');
    // `run` has no fifth descriptor: the filter comes as standard input.
    const given = args.map((word, at) => (args[at - 1] === '--seccomp' ? '0' : word));
    const answer = await run(program, given, {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      timeoutMs: 20_000,
      ...(this.#filter !== undefined && { input: this.#filter }),
    });
    if (answer.code === 0) return undefined;
    const told = answer.stderr.trim().split('\n').at(-1) ?? '';
    return `bubblewrap isolates nothing here (${told === '' ? `exit code ${answer.code}` : told})`;
  }
}

/** Says no when it sees a process or a network that is not its own, or may write where it should not. */
const TRIAL = `
read -r first </proc/1/comm
test "$first" = bwrap || { echo "it sees the process $first" >&2; exit 1; }
test "$(tail -n +3 /proc/net/dev | wc -l)" = 1 || { echo "it sees the network" >&2; exit 1; }
touch /tmp/trial || exit 1
touch /usr/trial 2>/dev/null && { echo "it may write" >&2; exit 1; }
exit 0
`;
