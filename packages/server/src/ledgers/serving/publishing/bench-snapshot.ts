/** Builds a snapshot for a gateway that serves one model only to its tests. Pure. */
import type { ServedEndpoint, ServedModel } from '@dais/api/gateway';
import { endpointSpec } from '@dais/api/serving';
import { servedModel } from './served-model.ts';
import type { BenchModel } from '../model-tests/test-bench.ts';

export interface BenchSnapshot {
  readonly models: [ServedModel];
  readonly endpoints: [ServedEndpoint];
}

/** Endpoint and project have the same name. All other fields have the defaults of a manifest. */
export function benchSnapshot({ row, environment, trust }: BenchModel, name: string): BenchSnapshot {
  const spec = endpointSpec.parse({ model: row.label });
  const model = servedModel(row, spec, { project: name, aliases: [], trust, environment });
  const { timeoutSeconds, bodyMb, input, queue, batching, enforce } = spec;
  return {
    models: [model],
    endpoints: [
      {
        project: name,
        name,
        uid: model.key,
        generation: 1,
        variants: [{ name: 'stable', model: model.key, weight: 10_000 }],
        pins: [],
        shadow: [],
        timeoutMs: timeoutSeconds * 1000,
        bodyBytes: bodyMb * 2 ** 20,
        input: { rows: input.rows, bytes: input.mb * 2 ** 20 },
        queue: { rows: queue.rows, bytes: queue.mb * 2 ** 20 },
        batching,
        capture: { policy: 'off', share: 1, overflow: 'drop', omit: [] },
        enforce,
      },
    ],
  };
}
