/** Two served linear models and their attribution monitors, for one test file. */
import type { MonitorReport } from '@dais/api/monitoring';
import { expect } from 'vitest';
import { linear } from '#engines/inference/onnx/onnx-files.testing.ts';
import { batchClient, type BatchCall, type BatchClient } from '#testing/batch-client.ts';
import { evaluatedWindow } from '#testing/evaluated-window.ts';
import { servingClient, type ServingClient } from '#testing/serving-client.ts';
import { sharedDais, type SharedDais } from '#testing/shared-dais.ts';

/** A limit against hanging, not a measurement. */
export const START_MS = 600_000;
const WEIGHTS = [3, -2, 0.5];
export const FEATURES = ['x[0]', 'x[1]', 'x[2]'];
/** The background rows: the input example. */
const USUAL = 1;
/** Rows of a window. */
export const ROWS = 100;

export type Row = readonly [number, number, number];

/** Rows of a normal window. */
export const usual = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at): Row => [(from + at) % 7, (at * 5) % 11, (at * 3) % 13]);

/** Two columns are constant, and the least important one changes strongly. */
export const moved = Array.from({ length: ROWS }, (_, at): Row => [1, 1, 40 + (at % 9)]);

/** Computed by hand: each weight times the difference from the example. */
export const sizesOf = (rows: readonly Row[]) =>
  WEIGHTS.map(
    (weight, at) => rows.reduce((sum, row) => sum + Math.abs(weight * ((row[at] ?? 0) - USUAL)), 0) / rows.length,
  );

export const resultOf = ({ results }: MonitorReport, metric: string, column?: string) =>
  results.find((one) => one.metric === metric && one.column === column);
export const reasonOf = (report: MonitorReport) => resultOf(report, 'ndcg')?.reason;

export interface AttributionWorld {
  readonly dais: SharedDais;
  readonly url: string;
  readonly client: ServingClient;
  readonly data: BatchClient;
  readonly call: BatchCall;
  /** Sends the rows of one window. */
  readonly ask: (endpoint: string, rows: readonly Row[]) => Promise<void>;
  /** Creates a monitor with one attribution check. */
  readonly watch: (name: string, endpoint: string, more: object, check?: object) => Promise<void>;
  readonly evaluated: (monitor: string, window: number) => Promise<MonitorReport>;
}

/** Serves the model `weighed`, which has an input example, and `bare`, which has none; `points@1` has a normal window. */
export async function openAttributionWorld(): Promise<AttributionWorld> {
  const dais = await sharedDais();
  const { url } = dais;
  const client = servingClient(url);
  const call: BatchCall = async <Output>(method: string, path: string, body?: object | Buffer) => {
    const answer = await client.call(method, `/api/v1${path}`, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as Output;
  };
  const data = batchClient(call);
  const bytes = linear(Float32Array.from(WEIGHTS));
  await client.register('weighed', 0, { bytes, columns: 3, example: { inputs: [[USUAL, USUAL, USUAL]] } });
  await client.register('bare', 0, { bytes, columns: 3 });
  await data.push('points', `a,b,c\n${usual(ROWS).join('\n')}\n`);
  for (const name of ['weighed', 'bare']) {
    await call('POST', `/serving/endpoints/${name}/deploy`, { model: `models:/${name}/1` });
    await client.settled(
      name,
      ({ conditions }) => conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
    );
  }
  return {
    dais,
    url,
    client,
    data,
    call,
    ask: async (endpoint, rows) => {
      const answer = await fetch(`${url}/v2/models/${endpoint}/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: [{ name: 'x', shape: [rows.length, 3], datatype: 'FP32', data: rows.flat() }] }),
      });
      expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
    },
    watch: async (name, endpoint, more, check = {}) => {
      const spec = {
        endpoint,
        windows: { type: 'count', rows: ROWS },
        since: new Date(Date.now() - 600_000).toISOString(),
        graceSeconds: 0,
        checks: [{ type: 'attributionDrift', ...check }],
        ...more,
      };
      await call('POST', '/monitors', { apiVersion: 'dais.dev/v1', kind: 'Monitor', metadata: { name }, spec });
    },
    evaluated: async (monitor, window) => await evaluatedWindow({ dais, call }, monitor, window),
  };
}
