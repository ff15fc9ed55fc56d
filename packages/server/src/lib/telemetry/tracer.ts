/** Traces of this program: spans and their parents, in the format of W3C trace context. */
import { randomBytes } from 'node:crypto';

/** Where a piece of work belongs. */
export interface SpanContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits; the span of the caller, when there is one. */
  readonly parentId: string | undefined;
  /** 16 hex digits; of this piece of work. */
  readonly spanId: string;
  readonly sampled: boolean;
}

export interface FinishedSpan {
  readonly context: SpanContext;
  readonly name: string;
  /** Milliseconds since the Unix epoch. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
  /** Default: it serves a request. */
  readonly kind?: 'server' | 'internal';
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** The destination of traces. Recording never waits for it. */
export interface Tracer {
  /** Continues the caller's trace (W3C `traceparent`), or starts one. */
  context(traceparent: string | undefined): SpanContext;
  /**
   * The same for work with an id: repeated executions are the same span of the same trace, sampled or not. `trace` is a
   * UUID.
   */
  contextOf(trace: string, span: string): SpanContext;
  record(span: FinishedSpan): void;
  /** Sends what waits. Never rejects. */
  flush(): Promise<void>;
}

/** A part of a piece of work. */
export function childOf({ traceId, spanId, sampled }: SpanContext): SpanContext {
  return { traceId, parentId: spanId, spanId: newSpanId(), sampled };
}

/** The trace context for other services: W3C `traceparent`. */
export function traceparentOf({ traceId, spanId, sampled }: SpanContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** 16 hex digits. */
export function newSpanId(): string {
  return randomBytes(8).toString('hex');
}
