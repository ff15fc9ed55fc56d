/** One instance of a model, in a thread or process: it runs one batch at a time. */
import type { InferOptions, Tensor } from './contract.ts';

export interface Runner {
  /** Call only when nothing runs. */
  infer(inputs: readonly Tensor[], options: InferOptions): RunningBatch;
  /** Resolves when it ended unexpectedly. */
  readonly gone: Promise<RunnerEnd>;
  memoryBytes(): number;
  /** CPU time of its process so far; after its end, the last measurement. */
  cpuMs(): number;
  /** It still runs, but should be replaced before it exceeds its memory limit. */
  isWorn(): boolean;
  /** Ends it immediately. Resolves when it has ended. */
  stop(): Promise<void>;
}

export interface RunnerEnd {
  readonly reason: string;
  /** False for a SIGKILL from outside, for example of an administrator. */
  readonly isOwnError: boolean;
}

export interface RunningBatch {
  readonly outputs: Promise<readonly Tensor[]>;
  /** Resolves when the instance can accept another batch or has ended; after `outputs` if those were aborted. Never rejects. */
  readonly free: Promise<void>;
}
