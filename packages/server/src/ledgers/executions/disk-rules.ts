/** How much disk steps may use: what they get unasked, and what they may ask for. */
import { byteText } from '#lib/formats/byte-text.ts';
import type { Step } from './machine/plan.ts';
import { ValueFault } from './machine/values.ts';

export interface DiskRules {
  /** Of a step that asks for nothing. */
  readonly defaultBytes: number;
  /** Of any step. */
  readonly maxBytes: number;
}

export const DISK_RULES: DiskRules = { defaultBytes: 10 * 2 ** 30, maxBytes: 100 * 2 ** 30 };

/** Files and folders that one step may have; more of them exhaust the inodes of a disk. */
export const MOST_STEP_FILES = 1_000_000;
/** Files of one output: as many as one step may have as inputs. */
export const MOST_OUTPUT_FILES = 100_000;

/** Bytes of disk that the step may use. @throws ValueFault when it asks for more than the operator allows. */
export function diskLimitOf({ resources }: Pick<Step, 'resources'>, { defaultBytes, maxBytes }: DiskRules): number {
  const asked = resources['disk'];
  if (asked === undefined) return Math.min(defaultBytes, maxBytes);
  if (asked <= maxBytes) return asked;
  throw new ValueFault(
    `The step asks for ${byteText(asked)} of disk; a step may have at most ${byteText(maxBytes)} here. Ask for less in ` +
      '`resources.disk`, or have the operator raise `executions.maxStepDiskBytes`.',
  );
}
