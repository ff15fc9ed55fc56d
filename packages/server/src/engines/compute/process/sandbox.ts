/**
 * Isolation by bubblewrap: a task sees the programs of the machine read-only, its own folder, a private /tmp and its
 * environment, in namespaces of its own. What is not named here is not there: no data folder, no key, no socket.
 */
import { createHash } from 'node:crypto';
import { above, ETC, MERGED_FOLDERS, mergedFolder, PROGRAM_FOLDERS } from '#lib/bubblewrap.ts';
import { run } from '#lib/process.ts';
import { OUTSIDE, outsidePrograms } from './outside-programs.ts';
import type { TaskFolder } from './task-folder.ts';

/** Where a task finds itself. */
export const INSIDE = { work: '/work', home: '/home/step', tmp: '/tmp' } as const;

/** What an image cannot know. */
const NETWORK = ['hosts', 'resolv.conf'];

/**
 * Of tasks that root starts; each attempt has its own, so that none reaches another's processes and files. The range is one
 * that systemd leaves to nobody (UIDs and GIDs on systemd systems, "unused").
 */
const FIRST_UID = 1_900_000_000;
const UIDS = 100_000_000;

export interface SandboxOptions {
  /** Where programs are looked for. */
  readonly path: string;
  /** Hidden even where they lie below a folder that tasks see. */
  readonly hidden: readonly string[];
  readonly isRoot: boolean;
  /** Of system calls; undefined where none is known for this machine. */
  readonly filter: Buffer | undefined;
}

export interface SandboxTask {
  readonly attempt: string;
  readonly folder: TaskFolder;
  /** Until a byte comes from descriptor 7. */
  readonly isHeldBack: boolean;
  /** Where bwrap reads the filter from. */
  readonly filterDescriptor: number;
  readonly environmentFolders: readonly string[];
  readonly gpus: readonly string[];
  /** An image's files, which are seen instead of the machine's. */
  readonly root?: string;
}

export class Sandbox {
  readonly #options: SandboxOptions;
  readonly outside = outsidePrograms(process.arch);
  #proven = false;

  constructor(options: SandboxOptions) {
    this.#options = options;
  }

  /** Whether it was seen to isolate. */
  get isProven(): boolean {
    return this.#proven;
  }

  /** Who owns the files of an isolated task; undefined: whoever Dais runs as. */
  uidOf(attempt: string): number | undefined {
    if (!this.#options.isRoot) return undefined;
    return FIRST_UID + (createHash('sha256').update(attempt).digest().readUInt32BE() % UIDS);
  }

  wrap(task: SandboxTask, program: readonly string[]): string[] {
    const { isRoot, hidden, filter } = this.#options;
    const uid = this.uidOf(task.attempt);
    const { box } = task.folder;
    const { root } = task;
    const seen =
      root === undefined
        ? [...PROGRAM_FOLDERS, ...ETC.map((name) => `/etc/${name}`)]
        : NETWORK.map((name) => `/etc/${name}`);
    // Root makes the mounts with its own rights, because a user namespace would leave the task root outside of it.
    const who = isRoot
      ? ['--cap-drop ALL', ...['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'].map((name) => `--cap-add ${name}`)]
      : ['--unshare-user --disable-userns --cap-drop ALL'];
    const fixed = [
      '--die-with-parent --unshare-ipc --unshare-pid --unshare-uts --unshare-cgroup-try --hostname step',
      // An ordinary user's namespaces are made by an outer bwrap: only its child can be joined again.
      ...(isRoot ? ['--unshare-net'] : []),
      ...(task.isHeldBack ? ['--block-fd 7'] : []),
      ...(filter === undefined ? [] : [`--seccomp ${task.filterDescriptor}`]),
      ...who,
      // Before what lies in them, see `above`.
      '--dir /etc --dir /sys --dir /sys/devices',
      '--proc /proc --dev /dev --perms 1777 --tmpfs /dev/shm --ro-bind-try /sys/devices/system /sys/devices/system',
      ...seen.map((place) => `--ro-bind-try ${place} ${place}`),
    ];
    const mounts = [
      ...(root === undefined ? MERGED_FOLDERS.flatMap(mergedFolder) : ['--ro-bind', '/usr', OUTSIDE]),
      ...(task.gpus.length > 0 ? gpuFiles(task.gpus) : []),
      ...hidden.filter(isSeen).flatMap((folder) => hide(folder, root)),
      ...bind(`${box}/work`, INSIDE.work),
      ...bind(`${box}/home`, INSIDE.home),
      ...bind(`${box}/tmp`, INSIDE.tmp),
      ...bind(`${box}/tmp`, '/var/tmp'),
      // Last: they may lie below one of those.
      ...task.environmentFolders.flatMap((folder) => [...above(folder), '--ro-bind', folder, folder]),
    ];
    const drop = `--reuid=${uid} --regid=${uid} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs --`;
    const setpriv = root === undefined ? ['setpriv'] : (this.outside?.('setpriv') ?? []);
    const inner = uid === undefined ? program : [...setpriv, ...drop.split(' '), ...program];
    const outer = ['bwrap', '--die-with-parent', '--unshare-user', '--unshare-net', '--dev-bind', '/', '/', '--'];
    return [
      ...(isRoot ? [] : outer),
      'bwrap',
      ...(root === undefined ? [] : ['--ro-bind', root, '/']),
      ...fixed.join(' ').split(' '),
      ...mounts,
      '--remount-ro',
      '/',
      '--chdir',
      '/',
      '--',
      ...inner,
    ];
  }

  /** Undefined when a task was isolated as it should be; else what is missing and how to get it. Tried until it works. */
  async fault(folder: TaskFolder): Promise<string | undefined> {
    if (this.#proven) return undefined;
    const own = { attempt: 'trial', folder, environmentFolders: [], gpus: [] };
    const task = { ...own, isHeldBack: false, filterDescriptor: 0 };
    const [bwrap = '', ...args] = this.wrap(task, ['sh', '-c', TRIAL, 'trial', folder.path]);
    const answer = await run(bwrap, args, {
      env: { PATH: this.#options.path },
      timeoutMs: 20_000,
      ...(this.#options.filter !== undefined && { input: this.#options.filter }),
    });
    this.#proven = answer.code === 0;
    if (this.#proven) return undefined;
    if (answer.code === 127 && answer.stderr.includes('ENOENT')) {
      return 'bubblewrap is missing: install it (Debian, Ubuntu: `apt-get install bubblewrap`; Fedora: `dnf install bubblewrap`).';
    }
    const told = answer.stderr.trim().split('\n').at(-1);
    return (
      `bubblewrap does not work here (${told === '' ? `exit code ${answer.code}` : told}). It needs user namespaces ` +
      '(`sysctl kernel.unprivileged_userns_clone=1`; on Ubuntu an AppArmor profile that lets bwrap have them) and a /proc ' +
      'that nothing covers (systemd: no ProtectKernelTunables, no ProtectHostname; Docker: `--security-opt ' +
      'systempaths=unconfined --security-opt seccomp=unconfined`).'
    );
  }
}

/** In an image only what lies below `/usr` of the machine can be seen. */
function hide(folder: string, root: string | undefined): string[] {
  if (root === undefined) return ['--tmpfs', folder];
  return folder.startsWith('/usr/') ? ['--tmpfs', OUTSIDE + folder.slice('/usr'.length)] : [];
}

function bind(outside: string, inside: string): string[] {
  return [...above(inside), '--bind', outside, inside];
}

/** Says no when it sees a process or a file that is not its own. */
const TRIAL = `
test ! -e "$1" || { echo "it sees $1" >&2; exit 1; }
read -r first </proc/1/comm
test "$first" = bwrap || { echo "it sees the process $first" >&2; exit 1; }
test "$(tail -n +3 /proc/net/dev | wc -l)" = 1 || { echo "it sees the network" >&2; exit 1; }
touch ${INSIDE.work}/trial ${INSIDE.tmp}/trial || exit 1
`;

function isSeen(folder: string): boolean {
  return [...PROGRAM_FOLDERS, ...ETC.map((name) => `/etc/${name}`)].some((seen) => folder.startsWith(`${seen}/`));
}

function gpuFiles(gpus: readonly string[]): string[] {
  const names = [
    'nvidiactl',
    'nvidia-uvm',
    'nvidia-uvm-tools',
    'nvidia-modeset',
    ...gpus.map((index) => `nvidia${index}`),
  ];
  return names.flatMap((name) => ['--dev-bind-try', `/dev/${name}`, `/dev/${name}`]);
}
