/** What the gateway hands over to be remembered, and what it may count on. */
import type { ServedEndpoint } from '@dais/api/serving';
import type { Tensor } from './tensors.ts';

/** One request and its answer; failed ones and copies for a shadow too. */
export interface CapturedPrediction {
  readonly id: string;
  /** Milliseconds since the Unix epoch, of the answer. */
  readonly at: number;
  readonly project: string;
  readonly endpoint: string;
  readonly endpointUid: string;
  readonly variant: string;
  /** Registered name and version of the model; of a request that reached none, empty. */
  readonly model: string;
  readonly version: string;
  /** Id of the prediction that this is a copy of. */
  readonly shadowOf: string | undefined;
  /** Name of the door: `open-inference`, `open-inference-grpc`, `scoring`. */
  readonly protocol: string;
  readonly principal: string;
  readonly requestId: string;
  /** The caller's own id of the request. */
  readonly callerId: string | undefined;
  readonly traceparent: string | undefined;
  /** Of HTTP, whatever the protocol. */
  readonly status: number;
  readonly error: string | undefined;
  readonly latencyMicros: number;
  /** Empty when the request could not be read. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
}

export interface CaptureSink {
  /**
   * Takes a record by the endpoint's policy. Undefined, or resolved: taken. With `ack` and `sync` it is only taken when it
   * is as safe as those promise, and the answer waits for it. Rejects with `overloaded` when nothing may be answered
   * unwritten (`overflow: shed`) and there is no room. Whether `sample` takes it, the sink decides.
   */
  append(record: CapturedPrediction, policy: ServedEndpoint['capture']): Promise<void> | undefined;
  /** There is no room: asked before a model runs whose predictions may not go unwritten (`overflow: shed`). */
  full(): boolean;
  /** Everything taken so far is on the disk. */
  flush(): Promise<void>;
}
