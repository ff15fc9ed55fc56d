/** One instance of a model, wherever it is: it runs one batch at a time. */
import type { InferOptions, Tensor } from './contract.ts';

export interface Runner {
  /** Only when nothing runs. */
  infer(inputs: readonly Tensor[], options: InferOptions): RunningBatch;
  /** Resolves when it ended without being told to. */
  readonly gone: Promise<RunnerEnd>;
  memoryBytes(): number;
  /** CPU time of its own process so far; of one that has ended what was last looked at. */
  cpuMs(): number;
  /** It still runs, but another should take its place before it has more than it may. */
  isWorn(): boolean;
  /** Ends it now. Resolves when it is gone. */
  stop(): Promise<void>;
}

export interface RunnerEnd {
  readonly reason: string;
  /** False for a SIGKILL from outside, as an administrator sends. */
  readonly isOwnFault: boolean;
}

export interface RunningBatch {
  readonly outputs: Promise<readonly Tensor[]>;
  /** When the instance can take another batch or is gone; later than `outputs` when those were given up. Never rejects. */
  readonly free: Promise<void>;
}
