import type { GatewayFigures } from '@dais/api/gateway';
import { expect, test } from 'vitest';
import { UsageCounts } from './usage-counts.ts';

interface Report {
  readonly cpuMs?: number;
  readonly variants: readonly (readonly [endpoint: string, model: string, requests: number, busyMs: number])[];
  readonly models: readonly (readonly [key: string, cpuMs: number, memoryBytes: number, inFlight?: number])[];
  readonly startedAt?: string;
}

const figures = ({ cpuMs, variants, models, startedAt = '2026-01-01T00:00:00Z' }: Report): GatewayFigures => ({
  startedAt,
  revision: 1,
  at: '2026-01-01T00:00:00Z',
  ...(cpuMs !== undefined && { cpuMs }),
  memoryBytes: 900,
  variants: variants.map(([endpoint, model, requests, busyMs]) => ({
    project: 'default',
    endpoint,
    variant: endpoint.endsWith('~') ? 'copy' : 'stable',
    model,
    requests,
    failed: 0,
    refused: 0,
    latency: [],
    busyMs,
  })),
  models: models.map(([key, cpu, memoryBytes, inFlight = 0]) => ({
    key,
    state: 'ready' as const,
    workers: 1,
    inFlight,
    memoryBytes,
    cpuMs: cpu,
  })),
});

const counted = (...samples: readonly Report[]) => {
  const counts = new UsageCounts();
  for (const [at, one] of samples.entries()) counts.record(figures(one), at * 500);
  return counts.take();
};

test('a model uses the CPU time of its processes, and a share of the gateway by request time', () => {
  const [a, b] = counted(
    {
      cpuMs: 1000,
      variants: [
        ['a', 'm', 10, 100],
        ['b', 'n', 10, 100],
      ],
      models: [
        ['m', 50, 300],
        ['n', 0, 20],
      ],
    },
    {
      cpuMs: 1400,
      variants: [
        ['a', 'm', 30, 400],
        ['b', 'n', 20, 200],
      ],
      models: [
        ['m', 250, 500],
        ['n', 0, 20],
      ],
    },
  );
  // 400 ms in total, 200 of them in m's own process, and three quarters of the rest.
  expect(a).toEqual({
    project: 'default',
    endpoint: 'a',
    minute: 0,
    requests: 20,
    cpuMs: 350,
    memoryBytes: 500,
    gatewayBytes: 900,
  });
  expect(b).toMatchObject({ endpoint: 'b', requests: 10, cpuMs: 50, memoryBytes: 20 });
});

test('the usage of a long request counts at its response; an idle gateway belongs to no endpoint', () => {
  const still = [['a', 'm', 1, 10]] as const;
  const [used, ...others] = counted(
    { cpuMs: 0, variants: still, models: [['m', 0, 1]] },
    { cpuMs: 50, variants: still, models: [['m', 0, 1]] },
    { cpuMs: 150, variants: still, models: [['m', 80, 6, 1]] },
    { cpuMs: 200, variants: [['a', 'm', 2, 900]], models: [['m', 120, 1]] },
  );
  expect(others).toEqual([]);
  expect(used).toMatchObject({ requests: 1, cpuMs: 150, memoryBytes: 6 });
});

test('a restarted gateway, model or variant counts from its start', () => {
  expect(
    counted(
      { cpuMs: 5000, variants: [['a', 'm', 100, 900]], models: [['m', 900, 1]] },
      { cpuMs: 10, variants: [['a', 'm', 1, 9]], models: [['m', 5, 1]], startedAt: '2026-01-01T00:01:00Z' },
    ),
  ).toEqual([]);
  const [used] = counted(
    { cpuMs: 5000, variants: [['a', 'm', 100, 900]], models: [['m', 900, 1]] },
    { cpuMs: 5100, variants: [['a', 'n', 3, 30]], models: [['n', 40, 7]] },
  );
  expect(used).toMatchObject({ requests: 3, cpuMs: 100, memoryBytes: 7 });
});

test('where the system does not report CPU time it is unknown, and not zero; unsaved usage is saved next time', () => {
  const counts = new UsageCounts();
  counts.record(figures({ variants: [['a', 'm', 1, 1]], models: [['m', 0, 5]] }), 0);
  counts.record(figures({ variants: [['a', 'm', 4, 9]], models: [['m', 0, 5]] }), 500);
  const taken = counts.take();
  expect(taken).toMatchObject([{ requests: 3, cpuMs: undefined }]);
  expect(counts.take()).toEqual([]);
  counts.putBack(taken);
  counts.record(figures({ variants: [['a', 'm', 5, 9]], models: [['m', 0, 8]] }), 1000);
  expect(counts.take()).toMatchObject([{ requests: 4, memoryBytes: 8 }]);
});
