/**
 * Isolation without namespaces, for machines and containers that do not permit them: Landlock controls files, TCP ports and
 * signals, a seccomp filter controls the rest. The run shares the user, the process ids and the network device of Dais.
 */
import { seccompFilter } from '#lib/system/seccomp.ts';
import { gpuFiles, machineFiles } from '../bubblewrap/machine-files.ts';
import type { Confined, IsolatedRun } from '../contract.ts';
import { landlockProgram } from './launcher-program.ts';

/** Interface versions from which the kernel controls truncation, TCP ports, and signals. */
const TRUNCATION = 3;
const TCP = 4;
const SCOPE = 6;

/** Files that programs read at their start and that contain no data of other users. */
const FURTHER_FILES = [
  '/dev/zero',
  '/dev/full',
  '/dev/random',
  '/dev/urandom',
  '/proc/cpuinfo',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/version',
  '/proc/filesystems',
  '/proc/sys/kernel',
  '/proc/sys/vm',
  '/proc/sys/fs',
  '/sys/devices/system',
  '/sys/kernel/mm/transparent_hugepage',
];

export interface LandlockMode {
  readonly perl: string;
  readonly abi: number;
}

export function wrapWithLandlock(run: IsolatedRun, { perl, abi }: LandlockMode): Confined {
  const { files, network } = run;
  const { readable, writable, gpus = [] } = files;
  const ports = network.type === 'ports' && abi >= TCP ? network.ports.map(String) : [];
  const filter = seccompFilter(process.arch, {
    keepCores: true,
    sharedUser: {
      sockets: ports.length > 0 ? 'tcp' : 'none',
      signalsAreScoped: abi >= SCOPE,
      truncationIsControlled: abi >= TRUNCATION,
    },
  });
  const counted = (words: readonly string[]) => [String(words.length), ...words];
  return {
    boundary: 'landlock',
    command: [
      perl,
      '-e',
      landlockProgram(process.arch) ?? '',
      (filter ?? Buffer.alloc(0)).toString('hex'),
      ...counted(ports),
      ...counted([...machineFiles(), ...FURTHER_FILES, ...readable]),
      ...counted([...writable.map(({ outside }) => outside), ...gpuFiles(gpus)]),
      ...run.command,
    ],
    filter: Buffer.alloc(0),
    uid: undefined,
  };
}

/** Returns why this boundary cannot be used for a run; undefined when it can. */
export function landlockRefusal({ files, network }: IsolatedRun): string | undefined {
  if (files.root !== undefined) return 'Images need namespaces, which this machine does not permit.';
  if (network.type === 'host') return 'Access to the network needs namespaces, which this machine does not permit.';
  const below = files.hidden?.find((folder) => machineFiles().some((seen) => folder.startsWith(`${seen}/`)));
  return below === undefined
    ? undefined
    : `The folder ${below} cannot be hidden without namespaces. Move it out of the program folders.`;
}

/** Returns the limitations of this boundary. */
export function landlockLacks(abi: number): string[] {
  return [
    'A run can read whether any file exists, its size and its timestamps.',
    'A run has the user id of Dais; it cannot change file modes, owners or timestamps.',
    'A run has no /dev/shm and no private /tmp; images cannot run.',
    ...(abi >= SCOPE ? [] : ['A run cannot send signals to its own child processes.']),
    ...(abi >= TCP
      ? ['A permitted TCP port is reachable on every address.']
      : ['A run has no network at all, so a step cannot call Dais.']),
  ];
}
