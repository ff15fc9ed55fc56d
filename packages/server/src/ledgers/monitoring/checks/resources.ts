/** Evaluates the CPU time and memory of an endpoint. Pure. */
import { nameOfCheck, type MonitorCheck, type MonitorResult, type MonitorSpec } from '@dais/api/monitoring';
import type { EndpointUsage } from '#ledgers/serving/index.ts';
import { outcomeOf, text, unknownOutcome, type CheckOutcome } from './outcome.ts';

type ResourcesCheck = Extract<MonitorCheck, { type: 'resources' }>;

const MIB = 2 ** 20;
/** The minimum share of requests of the window with reported usage. Below it, the usage is not representative. */
const MIN_REPORTED_SHARE = 0.5;

export function evaluateResources(
  check: ResourcesCheck,
  spec: Pick<MonitorSpec, 'severity'>,
  { requests, usage }: { readonly requests: number; readonly usage: EndpointUsage | undefined },
): CheckOutcome {
  const unknown = (reason: string) => unknownOutcome(check, spec, CPU, reason);
  if (requests === 0) return unknown('The window has no requests.');
  if (usage === undefined || usage.requests === 0)
    return unknown('No gateway reported the resource usage of the window.');
  if (usage.requests < requests * MIN_REPORTED_SHARE) {
    return unknown(`Gateways reported the resource usage of only ${usage.requests} of ${requests} requests.`);
  }
  const about = { check: nameOfCheck(check), type: check.type, rows: usage.requests } as const;
  const { cpuMs, memoryBytes, gatewayBytes } = usage;
  const cpu = cpuMs === undefined ? undefined : cpuMs / usage.requests;
  return outcomeOf(check, spec, [
    ...evaluateThreshold({ ...about, metric: CPU }, cpu, check.cpuSeconds, {
      above: (value, threshold) =>
        `1,000 requests used ${text(value)} CPU seconds (measured over ${usage.requests} requests), threshold ${text(threshold)}.`,
      none: 'The operating system of the gateway does not report CPU time.',
    }),
    ...evaluateThreshold({ ...about, metric: 'peak_memory_mb' }, memoryBytes / MIB, check.memoryMb, {
      above: (value, threshold) =>
        `The peak memory of its models was ${text(value)} MiB, threshold ${text(threshold)} MiB.`,
      none: '',
    }),
    { ...about, metric: 'gateway_peak_memory_mb', value: gatewayBytes / MIB, status: 'passing' },
  ]);
}

const CPU = 'cpu_seconds_per_1000';

function evaluateThreshold(
  about: Pick<MonitorResult, 'check' | 'type' | 'rows' | 'metric'>,
  value: number | undefined,
  threshold: number | undefined,
  words: { readonly above: (value: number, threshold: number) => string; readonly none: string },
): MonitorResult[] {
  const named = { ...about, ...(threshold !== undefined && { threshold }) };
  // Without a limit, a missing value is not reported.
  if (value === undefined) return threshold === undefined ? [] : [{ ...named, status: 'unknown', reason: words.none }];
  if (threshold === undefined || value <= threshold) return [{ ...named, value, status: 'passing' }];
  return [{ ...named, value, status: 'failing', reason: words.above(value, threshold) }];
}
