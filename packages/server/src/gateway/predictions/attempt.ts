/** A request on its way through the gateway. */
import type { PredictionRecord } from '#ledgers/predictions/segment.ts';
import type { EndpointRoute, RouteVariant } from '../routing/route-table.ts';
import type { Grant } from '../routing/served-access.ts';
import type { OpenedRequest } from '../serving-protocol.ts';
import type { Tensor } from '../tensors/tensors.ts';

/** The caller, and the protocol of the request. */
export interface Caller {
  readonly grant: Grant;
  /** The principal that is recorded. */
  readonly principal: string;
  readonly protocol: string;
  readonly project: string | undefined;
  readonly requestId: string;
  /** A test request of Dais. It is not recorded as a prediction. */
  readonly isTrial?: boolean;
  readonly traceparent: string | undefined;
  readonly header: (name: string) => string | undefined;
  /** Calls `gone` when the client disconnects. Returns a function that unsubscribes. */
  readonly onGone: (gone: () => void) => () => void;
  /** Remaining time in microseconds, as the transport reports it. */
  readonly timeoutMicros?: number | undefined;
}

/** The body of a request, received in full. */
export interface RequestBody<Reply> {
  /** Size in bytes after decompression. */
  readonly bytes: number;
  readonly open: () => OpenedRequest<Reply> | Promise<OpenedRequest<Reply>>;
}

export interface Attempt {
  readonly id: string;
  readonly route: EndpointRoute;
  variant: RouteVariant | undefined;
  callerId: string | undefined;
  inputs: readonly Tensor[];
  inputBytes: number;
  outputs: readonly Tensor[];
  parameters: PredictionRecord['parameters'];
  readonly startedAt: number;
  /** The model run that served this request; times in microseconds. */
  batch?: { readonly queueMicros: number; readonly runMicros: number; readonly rows: number };
}
