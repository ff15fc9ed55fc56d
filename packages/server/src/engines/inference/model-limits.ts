/** Default limits of model processes, unless the endpoint sets them. */
import type { LoadOptions } from './contract.ts';

const MEBIBYTE = 1024 * 1024;
/** An interpreter with scikit-learn has 128 MiB, with torch about 500 MiB. */
const USUAL_MEMORY_BYTES = 2048 * MEBIBYTE;
const LOAD_MS = 300_000;
const INFER_MS = 60_000;
const MAX_ROWS = 10_000;

export interface ModelLimits {
  readonly memoryBytes: number;
  readonly loadMs: number;
  readonly inferMs: number;
}

/** Rows of the largest admitted batch. */
export function mostRows({ maxRows = MAX_ROWS }: LoadOptions): number {
  return maxRows;
}

/** `fileBytes`: size of the model files, which are in memory twice during loading. */
export function modelLimits(
  { memoryBytes, loadMs = LOAD_MS, inferMs = INFER_MS }: LoadOptions,
  fileBytes: number,
): ModelLimits {
  return { memoryBytes: memoryBytes ?? USUAL_MEMORY_BYTES + 2 * fileBytes, loadMs, inferMs };
}
