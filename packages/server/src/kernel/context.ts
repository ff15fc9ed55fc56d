import type { Readable } from 'node:stream';
import type { Source } from '@dais/api';
import type { Client, Principal } from '#kernel/principal.ts';

/** The context of a call, in addition to its input. */
export interface CallContext {
  readonly principal: Principal;
  /** Absent when it does not come over the network. */
  readonly client?: Client;
  /** Shown in answers, logs and events. */
  readonly requestId: string;
  /** The type of the client: `metadata.origin` of the resources that it creates. */
  readonly origin: string;
  /** Projects that the request names (URL prefix, header, foreign namespace). All must agree; none means `default`. */
  readonly projects: readonly string[];
  /** Makes a repeated write return the first response. Only for writes. */
  readonly idempotencyKey?: string;
  /** Aborts when the caller disconnects. */
  readonly signal: AbortSignal;
  readonly source?: Source;
  /** Bytes that the request carries, for operations that take them. */
  readonly content?: Readable;
}

/** Listed explicitly, because a context can have a getter for its signal. */
export function withSignal(context: CallContext, signal: AbortSignal): CallContext {
  const { principal, client, requestId, origin, projects, content } = context;
  const known = { principal, requestId, origin, projects, signal };
  return { ...known, ...(client !== undefined && { client }), ...(content !== undefined && { content }) };
}

export function withContent(context: CallContext, content: Readable): CallContext {
  return { ...withSignal(context, context.signal), content };
}
