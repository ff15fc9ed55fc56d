/** Traces of this process, if the configuration names a collector. */
import { systemClock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';
import type { ResolvedConfig } from '#config-load.ts';

export interface TracerDependencies {
  readonly config: Pick<ResolvedConfig, 'otlp'>;
  readonly version: string;
  readonly role: string;
  readonly outbound: () => Promise<Outbound>;
  readonly log: Log;
}

export async function openTracer(dependencies: TracerDependencies): Promise<Tracer | undefined> {
  const { endpoint, headers, sampleRatio } = dependencies.config.otlp;
  if (endpoint === undefined) return undefined;
  const { OtlpTracer } = await import('#lib/telemetry/otlp-tracer.ts');
  const outbound = await dependencies.outbound();
  return new OtlpTracer({
    endpoint,
    headers,
    sampleRatio,
    version: dependencies.version,
    role: dependencies.role,
    clock: systemClock,
    log: dependencies.log,
    random: Math.random,
    // The operator named the collector: it may be anywhere.
    post: async (url, sent, body) =>
      (await outbound.send({ url, method: 'POST', headers: sent, body, trusted: true })).status,
  });
}
