/** Disk limits of steps: the default and the maximum. */
import { byteText } from '#lib/formats/byte-text.ts';
import type { Step } from '../machine/plan.ts';
import { ValueError } from '../machine/values.ts';

export interface DiskRules {
  /** Limit of a step that requests no disk. */
  readonly defaultBytes: number;
  /** Largest limit that a step can request. */
  readonly maxBytes: number;
}

export const DISK_RULES: DiskRules = { defaultBytes: 10 * 2 ** 30, maxBytes: 100 * 2 ** 30 };

/** Files and folders of one step. More of them exhaust the inodes of a disk. */
export const MOST_STEP_FILES = 1_000_000;
/** Files of one output: the same limit as for the inputs of a step. */
export const MOST_OUTPUT_FILES = 100_000;

/** Returns the bytes of disk that the step may use. @throws ValueError when it requests more than the operator allows. */
export function diskLimitOf({ resources }: Pick<Step, 'resources'>, { defaultBytes, maxBytes }: DiskRules): number {
  const asked = resources['disk'];
  if (asked === undefined) return Math.min(defaultBytes, maxBytes);
  if (asked <= maxBytes) return asked;
  throw new ValueError(
    `The step requests ${byteText(asked)} of disk, and the limit is ${byteText(maxBytes)}. Request less in ` +
      '`resources.disk`, or ask the operator to raise `executions.maxStepDiskBytes`.',
  );
}
