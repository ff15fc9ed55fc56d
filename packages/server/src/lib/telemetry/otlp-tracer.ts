/**
 * Traces of this program as OTLP/HTTP with JSON (OpenTelemetry protocol 1.x, `POST <endpoint>/v1/traces`). Small on
 * purpose: one span per piece of work, W3C trace context in, batches out, and never in the way of the work: what cannot
 * be sent is dropped and counted.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { newSpanId, type FinishedSpan, type SpanContext, type Tracer } from '#lib/telemetry/tracer.ts';

export interface OtlpTracerOptions {
  /** `http://127.0.0.1:4318`; `/v1/traces` is added. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Share of sampled traces without a decision of the caller. */
  readonly sampleRatio: number;
  readonly version: string;
  readonly role: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Sends one batch; returns the HTTP status. */
  readonly post: (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<number>;
  /** In [0, 1). */
  readonly random: () => number;
}

const FLUSH_MS = 2000;
const MAX_BATCH = 512;
/** More than this waiting means that the collector is away: newer spans are dropped. */
const MAX_WAITING = 4096;

export class OtlpTracer implements Tracer {
  readonly #options: OtlpTracerOptions;
  readonly #url: string;
  #waiting: Record<string, unknown>[] = [];
  #dropped = 0;
  #cancelFlush: (() => void) | undefined;
  #flushing: Promise<void> | undefined;

  constructor(options: OtlpTracerOptions) {
    this.#options = options;
    this.#url = `${options.endpoint.replace(/\/+$/, '')}/v1/traces`;
  }

  context(traceparent: string | undefined): SpanContext {
    const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/.exec(traceparent ?? '');
    const [, traceId, parentId, flags] = match ?? [];
    if (traceId !== undefined && !/^0+$/.test(traceId) && parentId !== undefined && !/^0+$/.test(parentId)) {
      return { traceId, parentId, spanId: newSpanId(), sampled: (Number.parseInt(flags ?? '0', 16) & 1) === 1 };
    }
    return {
      traceId: randomBytes(16).toString('hex'),
      parentId: undefined,
      spanId: newSpanId(),
      sampled: this.#options.random() < this.#options.sampleRatio,
    };
  }

  contextOf(trace: string, span: string): SpanContext {
    const digest = createHash('sha256').update(trace).digest();
    return {
      traceId: trace.replaceAll('-', ''),
      parentId: undefined,
      spanId: createHash('sha256').update(span).digest('hex').slice(0, 16),
      sampled: digest.readUInt32BE() / 2 ** 32 < this.#options.sampleRatio,
    };
  }

  record(span: FinishedSpan): void {
    if (!span.context.sampled) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(encodeSpan(span));
    if (this.#waiting.length >= MAX_BATCH) void this.flush();
    else this.#cancelFlush ??= this.#options.clock.after(FLUSH_MS, () => void this.flush());
  }

  async flush(): Promise<void> {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    this.#flushing ??= this.#send().finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      try {
        const status = await this.#options.post(
          this.#url,
          { 'content-type': 'application/json', ...this.#options.headers },
          JSON.stringify(this.#envelope(batch)),
        );
        if (status < 200 || status > 299) throw new Error(`the collector responded with status ${status}`);
      } catch (error) {
        this.#dropped += batch.length;
        this.#options.log.warn('could not send traces', { error, dropped: this.#dropped });
        return;
      }
    }
  }

  #envelope(spans: readonly unknown[]): unknown {
    const { version, role } = this.#options;
    const attributes = { 'service.name': 'dais', 'service.version': version, 'dais.role': role };
    return {
      resourceSpans: [
        {
          resource: { attributes: encodeAttributes(attributes) },
          scopeSpans: [{ scope: { name: 'dais', version }, spans }],
        },
      ],
    };
  }
}

const KIND_INTERNAL = 1;
const KIND_SERVER = 2;
const STATUS_ERROR = 2;

function encodeSpan(span: FinishedSpan): Record<string, unknown> {
  const start = BigInt(Math.round(span.startMs * 1e6));
  return {
    traceId: span.context.traceId,
    spanId: span.context.spanId,
    ...(span.context.parentId !== undefined && { parentSpanId: span.context.parentId }),
    name: span.name,
    kind: span.kind === 'internal' ? KIND_INTERNAL : KIND_SERVER,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(Math.round(span.durationMs * 1e6))),
    attributes: encodeAttributes(span.attributes),
    ...(span.failed && { status: { code: STATUS_ERROR } }),
  };
}

function encodeAttributes(attributes: Readonly<Record<string, string | number>>): unknown[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
  }));
}
