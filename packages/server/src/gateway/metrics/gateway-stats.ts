import type { CaptureStats } from '../predictions/capture.ts';
import type { TensorSpec } from '../tensors/tensors.ts';

/** Statistics of a gateway, for status, scaling and pages of the control plane. Counters only increase. */
export interface GatewayStats {
  readonly revision: number;
  readonly draining: boolean;
  readonly variants: readonly VariantStats[];
  readonly models: readonly ModelSlotStats[];
  /** Undefined if capture is off. */
  readonly capture: CaptureStats | undefined;
}

/** Statistics of a variant while it serves the same model. */
export interface VariantStats {
  readonly project: string;
  readonly endpoint: string;
  readonly variant: string;
  /** Key of its model. */
  readonly model: string;
  readonly version: string;
  readonly shadow: boolean;
  /** Requests in progress at the endpoint, over all variants. */
  readonly running: number;
  readonly requests: number;
  /** Requests with a response status of 500 or higher. */
  readonly failures: number;
  /** Requests with a response status from 400 to 499. */
  readonly refused: number;
  /** Requests that failed because the model failed on their input. */
  readonly modelErrors: number;
  /** Requests rejected because of a full queue or a short timeout. */
  readonly shed: number;
  readonly rows: number;
  readonly shadowDropped: number;
  /** Requests by `LATENCY_BUCKETS_MS`, plus one bucket for longer ones. */
  readonly latencies: readonly number[];
  /** Requests by the buckets of `LATENCY_GRID`. */
  readonly latencyGrid: readonly number[];
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
  /** `failed` because the server of a remote model is not ready. */
  readonly isAway: boolean;
  /** Current phase of loading. */
  readonly phase: string | undefined;
  readonly engine: string | undefined;
  readonly platform: string | undefined;
  readonly inputs: readonly TensorSpec[] | undefined;
  readonly outputs: readonly TensorSpec[] | undefined;
  readonly batchable: boolean | undefined;
  readonly waitingRows: number;
  readonly waitingBytes: number;
  readonly running: number;
  /** Instances; 0 for a remote model, whose instances are those of its server. */
  readonly concurrency: number;
  readonly loadMs: number | undefined;
  readonly memoryBytes: number;
  /** CPU time of the model's own processes since it was loaded. */
  readonly cpuMs: number;
  readonly crashes: number;
}
