/** Traces of this process, if the configuration names a collector. */
import { systemClock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';
import type { ResolvedConfig } from '#config-load.ts';

export interface TracerParts {
  readonly config: Pick<ResolvedConfig, 'otlp'>;
  readonly version: string;
  readonly role: string;
  readonly outbound: () => Promise<Outbound>;
  readonly log: Log;
}

export async function openTracer(parts: TracerParts): Promise<Tracer | undefined> {
  const { endpoint, headers, sampleRatio } = parts.config.otlp;
  if (endpoint === undefined) return undefined;
  const { OtlpTracer } = await import('#lib/telemetry/otlp-tracer.ts');
  const outbound = await parts.outbound();
  return new OtlpTracer({
    endpoint,
    headers,
    sampleRatio,
    version: parts.version,
    role: parts.role,
    clock: systemClock,
    log: parts.log,
    random: Math.random,
    // The operator named the collector: it may be anywhere.
    post: async (url, sent, body) =>
      (await outbound.send({ url, method: 'POST', headers: sent, body, trusted: true })).status,
  });
}
