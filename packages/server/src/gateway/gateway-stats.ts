import type { CaptureStats } from './capture.ts';
import type { TensorSpec } from './tensors.ts';

/** What a gateway tells of itself, for the control plane's status, scaling and pages. Counts only grow. */
export interface GatewayStats {
  readonly revision: number;
  readonly draining: boolean;
  readonly variants: readonly VariantStats[];
  readonly models: readonly ModelSlotStats[];
  /** Undefined where no prediction is kept. */
  readonly capture: CaptureStats | undefined;
}

/** Of a variant of an endpoint, for as long as it has the same model. */
export interface VariantStats {
  readonly project: string;
  readonly endpoint: string;
  readonly variant: string;
  /** Key of its model. */
  readonly model: string;
  readonly version: string;
  readonly shadow: boolean;
  /** Under way at the endpoint, all variants together. */
  readonly running: number;
  readonly requests: number;
  /** Of those, answered with 500 or above. */
  readonly failures: number;
  /** Of those, answered with 400 to 499. */
  readonly refused: number;
  /** Of those, because the model itself failed on what it was given. */
  readonly modelFaults: number;
  /** Of those, for want of room or time. */
  readonly shed: number;
  readonly rows: number;
  readonly shadowDropped: number;
  /** Requests by `LATENCY_BUCKETS_MS`, one more for what took longer. */
  readonly latencies: readonly number[];
  readonly latencySeconds: number;
  readonly lastAt: number;
}

export interface ModelSlotStats {
  readonly key: string;
  readonly project: string;
  readonly name: string;
  readonly version: string;
  readonly state: 'ready' | 'idle' | 'loading' | 'failed' | 'quarantined';
  readonly reason: string | undefined;
  /** What loading is at. */
  readonly phase: string | undefined;
  readonly engine: string | undefined;
  readonly platform: string | undefined;
  readonly inputs: readonly TensorSpec[] | undefined;
  readonly outputs: readonly TensorSpec[] | undefined;
  readonly batchable: boolean | undefined;
  readonly waitingRows: number;
  readonly waitingBytes: number;
  readonly running: number;
  readonly concurrency: number;
  readonly loadMs: number | undefined;
  readonly memoryBytes: number;
  /** CPU time of its own processes since it was loaded. */
  readonly cpuMs: number;
  readonly crashes: number;
}
