/** What a gateway tells of itself, for the control plane's status, scaling and pages. Counts only grow. */
export interface GatewayStats {
  readonly revision: number;
  readonly draining: boolean;
  readonly variants: readonly VariantStats[];
  readonly models: readonly ModelSlotStats[];
}

export interface VariantStats {
  readonly project: string;
  readonly endpoint: string;
  readonly variant: string;
  /** Key of its model. */
  readonly model: string;
  readonly version: string;
  readonly shadow: boolean;
  readonly requests: number;
  /** Of those, answered with 500 or above. */
  readonly failures: number;
  /** Refused for want of room or time. */
  readonly refused: number;
  readonly shadowDropped: number;
  /** Counts of latencies by upper bound in seconds (`latencyBounds`), the last without a bound. */
  readonly latencies: readonly number[];
  readonly latencySeconds: number;
  readonly lastAt: number;
}

export interface ModelSlotStats {
  readonly key: string;
  readonly state: 'ready' | 'idle' | 'loading' | 'failed';
  readonly reason: string | undefined;
  readonly engine: string | undefined;
  readonly waitingRows: number;
  readonly waitingBytes: number;
  readonly running: number;
  readonly concurrency: number;
  readonly loadMs: number | undefined;
  readonly memoryBytes: number;
  readonly crashes: number;
}

/** Upper bounds of latencies, in seconds. */
export const latencyBounds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;
