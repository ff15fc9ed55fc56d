/** Runs the code of the guide for reading a version from Python. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LineageGraph } from '@dais/api/lineage';
import type { DatasetVersion, Ingest } from '@dais/api/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startClientPython, type ClientPython } from '#testing/client-python.ts';

const PATIENCE = 900_000;
const GUIDE = fileURLToPath(new URL('../../../../../docs/guide/datasets.md', import.meta.url));
const ROWS = 5000;

let peer: ClientPython;
beforeAll(async () => {
  peer = await startClientPython('data');
});
afterAll(async () => await peer?.stop());

async function call<Output>(method: string, path: string, body?: object | Buffer): Promise<Output> {
  const bytes = Buffer.isBuffer(body);
  const response = await fetch(`${peer.dais.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${peer.token}`,
      ...(body !== undefined && { 'content-type': bytes ? 'application/octet-stream' : 'application/json' }),
    },
    ...(body !== undefined && { body: bytes ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Output;
}

async function push(csv: string): Promise<void> {
  const bytes = Buffer.from(csv);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const pushes = '/data/datasets/flights/pushes';
  const { id } = await call<Ingest>('POST', pushes, { files: [{ name: 'a.csv', bytes: bytes.length, sha256 }] });
  await call('PUT', `${pushes}/${id}/files?file=a.csv`, bytes);
  await call('POST', `${pushes}/${id}/commit`, {});
  const ended = async () => (await call<Ingest>('GET', `/data/datasets/flights/ingests/${id}`)).state;
  await expect.poll(ended).toBe('succeeded');
}

test('DuckDB, pandas, Polars, Arrow and an input of MLflow', { timeout: PATIENCE }, async () => {
  const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Dataset', metadata: { name: 'flights' }, spec: {} });
  await call('POST', '/apply', { sources: [{ file: 'flights.yaml', text }] });
  for (const version of [1, 2, 3]) {
    const lines = Array.from({ length: ROWS }, (_, id) => `${id},${id * version},2026-11-01T00:00:00Z`);
    await push(`flight_id,delay,landed_at\n${lines.join('\n')}\n`);
  }
  const { code, stdout, stderr } = await peer.run(
    { name: 'data', requirements: 'requirements.txt' },
    [join(peer.folder, 'readers.py'), GUIDE, 'flights', '3'],
    {
      variables: {
        DAIS_URL: peer.dais.url,
        DAIS_TOKEN: peer.token,
        MLFLOW_TRACKING_URI: peer.dais.url,
        MLFLOW_TRACKING_TOKEN: peer.token,
      },
      timeoutMs: PATIENCE,
    },
  );
  if (code !== 0) throw new Error(stderr.slice(-3000));
  const printed = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { rows?: number[]; run?: string; frame?: number; columns?: string[] });
  const last = printed.at(-1);
  const shown = printed.slice(0, -1).flatMap(({ rows = [] }) => rows);
  expect(shown.length).toBeGreaterThanOrEqual(5);
  expect(new Set(shown)).toEqual(new Set([ROWS]));
  expect(last).toMatchObject({ frame: ROWS, columns: ['delay', 'flight_id', 'landed_at'] });
  const { id } = await call<DatasetVersion>('GET', '/data/datasets/flights/versions/3');
  const graph = async () =>
    await call<LineageGraph>('GET', `/lineage?node=${encodeURIComponent(`dataset-version:${id}`)}`);
  await expect.poll(async () => JSON.stringify((await graph()).nodes)).toContain(last?.run ?? 'no run');
});
