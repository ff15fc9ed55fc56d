/**
 * Isolation without namespaces, for machines and containers that permit none: Landlock controls files, TCP ports and signals, a
 * filter of system calls controls the rest. The run shares the user, the process numbers and the network device of Dais.
 */
import { seccompFilter } from '#lib/system/seccomp.ts';
import { gpuFiles, machineFiles } from '../bubblewrap/machine-files.ts';
import type { Confined, IsolatedRun } from '../contract.ts';
import { landlockProgram } from './launcher-program.ts';

/** From these versions of the interface on, the kernel controls truncation, TCP ports, and signals. */
const TRUNCATION = 3;
const TCP = 4;
const SCOPE = 6;

/** Files that programs read at their start and that tell nothing of other users. */
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

/** Why a run cannot have this boundary; undefined when it can. */
export function landlockRefusal({ files, network }: IsolatedRun): string | undefined {
  if (files.root !== undefined) return 'An image needs namespaces, which this machine does not permit.';
  if (network.type === 'host') return 'Access to the network needs namespaces, which this machine does not permit.';
  const below = files.hidden?.find((folder) => machineFiles().some((seen) => folder.startsWith(`${seen}/`)));
  return below === undefined
    ? undefined
    : `The folder ${below} cannot be hidden without namespaces: move it out of the folders of programs.`;
}

/** What this boundary does not protect from or does not offer. */
export function landlockLacks(abi: number): string[] {
  return [
    'A run can learn whether a file exists, its size and its times.',
    'A run has the user id of Dais; changes of file modes, owners and times have no effect in it.',
    'A run has no /dev/shm and no private /tmp; images cannot run.',
    ...(abi >= SCOPE ? [] : ['A run cannot send signals to its own child processes.']),
    ...(abi >= TCP
      ? ['A permitted TCP port is permitted on every address.']
      : ['A run has no network at all, so a step cannot call Dais.']),
  ];
}
