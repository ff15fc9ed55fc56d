/** Describes a task of this engine as a run of the isolation engine: its visible files and paths. */
import type { Boundary, IsolatedRun } from '#engines/isolation/contract.ts';
import type { TaskFolder, TaskRecord } from './task-folder.ts';

/** Paths of the folders of an isolated task when its boundary can move them. */
export const INSIDE = { work: '/work', home: '/home/step', tmp: '/tmp' } as const;

export interface StepFolders {
  readonly work: string;
  readonly home: string;
  readonly tmp: string;
}

export function foldersOf(boundary: Boundary, { box }: Pick<TaskFolder, 'box'>): StepFolders {
  if (boundary.startsWith('bubblewrap')) return INSIDE;
  return { work: `${box}/work`, home: `${box}/home`, tmp: `${box}/tmp` };
}

export interface StepContext {
  readonly folder: TaskFolder;
  readonly hidden: readonly string[];
  readonly gpus: readonly string[];
  /** Ports that it reaches on its loopback device. */
  readonly ports: readonly number[];
  readonly maxProcesses: number;
  readonly command: readonly string[];
}

type StepRecord = Pick<TaskRecord, 'attempt' | 'resources' | 'limits' | 'root' | 'environmentFolders'>;

/** Returns the memory limit of the task in bytes: its request, or the limit of tasks without a request. */
export function memoryLimitOf({ resources, limits }: Pick<TaskRecord, 'resources' | 'limits'>): number | undefined {
  return resources['memory'] ?? limits.memoryBytes;
}

export function isolatedStep(record: StepRecord, around: StepContext): IsolatedRun {
  const { root, limits, environmentFolders } = record;
  const { folder, hidden, gpus, ports, maxProcesses, command } = around;
  const { box } = folder;
  const memory = memoryLimitOf(record);
  return {
    workload: root === undefined ? 'step' : 'image-step',
    owner: `step:${record.attempt}`,
    command,
    limits: {
      processes: maxProcesses,
      ...(memory !== undefined && { memoryBytes: memory }),
      ...(limits.diskBytes !== undefined && { diskBytes: limits.diskBytes }),
    },
    network: { type: 'ports', ports },
    files: {
      readable: environmentFolders,
      writable: [
        { outside: `${box}/work`, inside: INSIDE.work },
        { outside: `${box}/home`, inside: INSIDE.home },
        { outside: `${box}/tmp`, inside: INSIDE.tmp },
        { outside: `${box}/tmp`, inside: '/var/tmp' },
      ],
      hidden,
      gpus,
      ...(root !== undefined && { root }),
    },
  };
}
