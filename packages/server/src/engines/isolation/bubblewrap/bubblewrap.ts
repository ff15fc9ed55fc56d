/**
 * Isolation with bubblewrap: a run sees the programs of the machine read-only, its listed files, private temporary folders, and
 * separate namespaces. Everything else is invisible: data folder, keys, sockets, processes.
 */
import type { ConfineOptions, Confined, IsolatedRun } from '../contract.ts';
import { filterForNamespaces } from '../filters.ts';
import { OUTSIDE, outsidePrograms } from '../outside-programs.ts';
import { uidOf } from '../user.ts';
import {
  ancestorsOf,
  ETC,
  gpuFiles,
  isBelowMachineFiles,
  MERGED_FOLDERS,
  mergedFolder,
  PROGRAM_FOLDERS,
} from './machine-files.ts';

/** One way to start bwrap; they are tried in order. */
export interface BubblewrapMode {
  /** Path of bwrap. */
  readonly program: string;
  /** Mounts as root and gives each owner a user id; otherwise uses a user namespace. */
  readonly asRoot: boolean;
  /** Mounts a private /proc. */
  readonly hasProc: boolean;
  /** Forbids further user namespaces through /proc/sys; where that is read-only, only the filter forbids them. */
  readonly disablesNamespaces: boolean;
}

/** Files that replace those of an image. */
const NETWORK_FILES = ['/etc/hosts', '/etc/resolv.conf'];
/** Memory of /dev/shm and a private /tmp: the kernel counts it in control groups only. */
const SHARED_MEMORY_BYTES = 256 * 2 ** 20;
const DEFAULT_SCRATCH_BYTES = 2 ** 30;

const outside = outsidePrograms(process.arch);

export function wrapWithBubblewrap(run: IsolatedRun, mode: BubblewrapMode, options: ConfineOptions): Confined {
  const { files, network, owner, limits } = run;
  const { program, asRoot, hasProc, disablesNamespaces } = mode;
  const { root, readable, writable, hidden = [], gpus = [] } = files;
  const filter = filterForNamespaces(options.hasControlGroups);
  const uid = asRoot && run.identity !== 'dais' ? uidOf(owner) : undefined;
  const seen = root === undefined ? [...PROGRAM_FOLDERS, ...ETC.map((name) => `/etc/${name}`)] : NETWORK_FILES;
  // Other processes can listen inside the namespace only when it belongs to a user namespace that they can join: an outer one.
  const hasOuter = !asRoot && network.type === 'ports';
  const shared = options.hasControlGroups ? undefined : sharedMemory(limits.memoryBytes);
  const scratch = Math.min(limits.diskBytes ?? DEFAULT_SCRATCH_BYTES, shared ?? Infinity);
  const args = [
    ...words('--die-with-parent --unshare-ipc --unshare-pid --unshare-uts --unshare-cgroup-try'),
    ...(network.type === 'host' || hasOuter ? [] : ['--unshare-net']),
    ...(filter.length === 0 ? [] : ['--seccomp', String(options.filterDescriptor)]),
    // In a user namespace, a run of root would be root outside it.
    '--cap-drop',
    'ALL',
    ...(uid === undefined ? [] : words('--cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP')),
    ...(asRoot ? [] : ['--unshare-user', ...(disablesNamespaces ? ['--disable-userns'] : [])]),
    // Parents first, see `above`.
    ...words('--dir /etc --dir /sys --dir /sys/devices'),
    ...(hasProc ? words('--proc /proc') : []),
    ...words('--dev /dev --perms 1777'),
    ...(shared === undefined ? [] : ['--size', String(shared)]),
    ...words('--tmpfs /dev/shm --ro-bind-try /sys/devices/system /sys/devices/system'),
    ...(hasTemporaryFolder(run) ? [] : ['--perms', '1777', '--size', String(scratch), '--tmpfs', '/tmp']),
    ...seen.flatMap((path) => ['--ro-bind-try', path, path]),
    ...(root === undefined ? MERGED_FOLDERS.flatMap(mergedFolder) : ['--ro-bind', '/usr', OUTSIDE]),
    ...gpuFiles(gpus).flatMap((file) => ['--dev-bind-try', file, file]),
    ...hidden.filter(isBelowMachineFiles).flatMap((folder) => hide(folder, root)),
    ...writable.flatMap(({ outside: from, inside }) => [...ancestorsOf(inside), '--bind', from, inside]),
    // Last: they may be below one of those.
    ...readable.flatMap((path) => [...ancestorsOf(path), '--ro-bind', path, path]),
    // Kernel settings are files of root, which root can write even without capabilities.
    ...(hasProc && run.identity === 'dais' ? words('--remount-ro /proc') : []),
    ...words('--remount-ro / --chdir / --'),
  ];
  const drop = `--reuid=${uid} --regid=${uid} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs --`;
  const setpriv = root === undefined ? ['setpriv'] : (outside?.('setpriv') ?? []);
  const outer = words('--die-with-parent --unshare-user --unshare-net --dev-bind / / --');
  return {
    boundary: hasProc ? 'bubblewrap' : 'bubblewrap-without-proc',
    command: [
      program,
      ...(hasOuter ? [...outer, program] : []),
      ...(root === undefined ? [] : ['--ro-bind', root, '/']),
      ...args,
      ...(uid === undefined ? [] : [...setpriv, ...words(drop)]),
      ...run.command,
    ],
    filter,
    uid,
  };
}

function hasTemporaryFolder({ files }: IsolatedRun): boolean {
  return files.writable.some(({ inside }) => inside === '/tmp');
}

/** At most a quarter of the memory limit; it is not part of the size of any process. */
function sharedMemory(memoryBytes: number | undefined): number {
  return Math.max(2 ** 20, Math.min(SHARED_MEMORY_BYTES, Math.floor((memoryBytes ?? Infinity) / 4)));
}

/** In an image only what is below `/usr` of the machine is visible. */
function hide(folder: string, root: string | undefined): string[] {
  if (root === undefined) return ['--tmpfs', folder];
  return folder.startsWith('/usr/') ? ['--tmpfs', OUTSIDE + folder.slice('/usr'.length)] : [];
}

function words(text: string): string[] {
  return text.split(' ');
}
