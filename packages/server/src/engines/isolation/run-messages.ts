/** Messages about runs for their owners. */
import type { RunLimits, Workload } from './contract.ts';

const SUBJECTS: Readonly<Record<Workload, string>> = {
  step: 'The step',
  'image-step': 'The step',
  'python-model': "The model's process",
  'onnx-model': "The model's process",
  conversion: 'The conversion',
  'trial-load': 'The trial load of the model',
  'batch-job': 'The batch job',
  query: 'The query process',
  'package-build': 'The package build',
};

/** Returns the subject of a sentence, capitalized. */
export function subjectOf(workload: Workload): string {
  return SUBJECTS[workload];
}

/** Returns the reason without a final period. */
export function limitReason(
  workload: Workload,
  limit: 'memory' | 'processes' | 'disk' | 'wall-time',
  { memoryBytes = 0, processes = 0, diskBytes = 0, wallMs = 0 }: RunLimits,
): string {
  const exceeded = {
    memory: `used more than its memory limit of ${bytesText(memoryBytes)}`,
    processes: `used more than its limit of ${processes} processes and threads`,
    disk: `wrote more than its disk limit of ${bytesText(diskBytes)}`,
    'wall-time': `exceeded its time limit of ${wallMs < 1000 ? `${wallMs} ms` : `${Math.round(wallMs / 1000)} s`}`,
  }[limit];
  return `${subjectOf(workload)} ${exceeded} and was terminated`;
}

/** `2 GiB`, `512 MiB`. */
export function bytesText(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  if (mebibytes < 1) return `${Math.round(bytes / 1024)} KiB`;
  return mebibytes < 1024 ? `${number(mebibytes)} MiB` : `${number(mebibytes / 1024)} GiB`;
}

function number(value: number): string {
  return String(Number(value.toPrecision(4)));
}
