/** One request on its way through the gateway. */
import type { PredictionRecord } from '#ledgers/predictions/segment.ts';
import type { EndpointRoute, RouteVariant } from './route-table.ts';
import type { Grant } from './served-access.ts';
import type { OpenedRequest } from './serving-door.ts';
import type { Tensor } from './tensors.ts';

/** Who asks, and through which door. */
export interface Caller {
  readonly grant: Grant;
  /** Who is recorded. */
  readonly principal: string;
  readonly protocol: string;
  readonly project: string | undefined;
  readonly requestId: string;
  /** Dais tries something: it is no prediction. */
  readonly isTrial?: boolean;
  readonly traceparent: string | undefined;
  readonly header: (name: string) => string | undefined;
  /** Calls back when the caller is gone; gives how to stop listening. */
  readonly onGone: (gone: () => void) => () => void;
  /** As the transport has it: microseconds left. */
  readonly timeoutMicros?: number | undefined;
}

/** The body of a request, received in full. */
export interface RequestBody<Reply> {
  /** Its size without compression. */
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
  /** Of the run that it was part of; microseconds. */
  batch?: { readonly queueMicros: number; readonly runMicros: number; readonly rows: number };
}
