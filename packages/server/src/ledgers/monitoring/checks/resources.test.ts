import { expect, test } from 'vitest';
import { evaluateResources } from './resources.ts';

const MIB = 2 ** 20;
const check = (limits: { readonly cpuSeconds?: number; readonly memoryMb?: number }) =>
  ({ type: 'resources', ...limits }) as const;
const spec = { severity: 'warning' } as const;
const usage = { requests: 200, cpuMs: 400, memoryBytes: 300 * MIB, gatewayBytes: 120 * MIB };
const values = ({ results }: ReturnType<typeof evaluateResources>) =>
  Object.fromEntries(results.map(({ metric, value, status }) => [metric, [value, status]]));

test('limits CPU seconds per 1,000 requests and peak memory', () => {
  const good = evaluateResources(check({ cpuSeconds: 2, memoryMb: 300 }), spec, { requests: 200, usage });
  expect(values(good)).toEqual({
    cpu_seconds_per_1000: [2, 'passing'],
    peak_memory_mb: [300, 'passing'],
    gateway_peak_memory_mb: [120, 'passing'],
  });
  expect(good.status).toBe('passing');
  const dear = evaluateResources(check({ cpuSeconds: 1.5 }), spec, { requests: 200, usage });
  expect(dear).toMatchObject({ status: 'failing', reason: expect.stringContaining('used 2 CPU seconds') as string });
  const large = evaluateResources(check({ memoryMb: 299 }), spec, { requests: 200, usage });
  expect(large).toMatchObject({ status: 'failing', reason: expect.stringContaining('300 MiB') as string });
});

test('is unknown without reported usage', () => {
  const both = check({ cpuSeconds: 2, memoryMb: 300 });
  for (const [requests, reported, why] of [
    [0, usage, 'no requests'],
    [5, undefined, 'No gateway reported'],
    [500, usage, 'the resource usage of only 200 of 500 requests'],
    [200, { ...usage, cpuMs: undefined }, 'does not report CPU time'],
  ] as const) {
    const outcome = evaluateResources(both, spec, { requests, usage: reported });
    expect([outcome.status, outcome.reason]).toEqual(['unknown', expect.stringContaining(why)]);
  }
  // Without a CPU limit, unknown CPU time is ignored.
  const memory = evaluateResources(check({ memoryMb: 300 }), spec, {
    requests: 200,
    usage: { ...usage, cpuMs: undefined },
  });
  expect(memory.status).toBe('passing');
});
