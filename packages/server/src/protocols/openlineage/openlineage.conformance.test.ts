/** The unmodified OpenLineage client in its own Python environment, with a Dais that requires credentials. */
import { join } from 'node:path';
import type { LineageGraph } from '@dais/api/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startClientPython, type ClientPython } from '#testing/client-python.ts';

/** In ms; the first run also builds the environment. */
const PATIENCE = 300_000;

let peer: ClientPython;
beforeAll(async () => {
  peer = await startClientPython('openlineage');
});
afterAll(async () => {
  await peer.stop();
});

async function client(apiKey: string) {
  return await peer.run({ name: 'openlineage', requirements: 'requirements.txt' }, [join(peer.folder, 'events.py')], {
    variables: { OPENLINEAGE_URL: peer.dais.url, OPENLINEAGE_API_KEY: apiKey },
    timeoutMs: PATIENCE,
  });
}

async function graph(node: string): Promise<LineageGraph> {
  const answer = await fetch(`${peer.dais.url}/api/v1/lineage?node=${encodeURIComponent(node)}`, {
    headers: { authorization: `Bearer ${peer.token}` },
  });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as LineageGraph;
}

test('its runs, jobs and datasets are in the lineage', { timeout: PATIENCE }, async () => {
  const { code, stdout, stderr } = await client(peer.token);
  expect(`${code}: ${stderr.slice(-3000)}`).toMatch(/^0: /);
  const ids = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, string>;
  const shown = await graph(`job-run:${ids['dag']}`);
  // Nodes with equal distance and time come in any order.
  const reported = shown.nodes.map(({ type, name, data }) => `${type} ${name} ${data?.['state'] ?? ''}`.trim());
  expect(reported[0]).toBe('job-run flights COMPLETE');
  expect(reported.toSorted()).toEqual([
    'dataset public.flights',
    'job flights',
    'job flights.report',
    'job-run flights COMPLETE',
    'job-run flights.check FAIL',
    'job-run flights.load COMPLETE',
  ]);
  const task = await graph(`job-run:${ids['task']}`);
  const raw = task.nodes.find(({ name }) => name === 'flights.csv');
  expect(raw?.data).toMatchObject({ namespace: 's3://raw', version: 'v7' });
  const down = await graph(raw?.node ?? '');
  expect(down.nodes.map(({ name }) => name)).toEqual([
    'flights.csv',
    'flights.load',
    'public.flights',
    'flights.report',
  ]);
  expect((await graph(`dataset:${encodeURIComponent('postgres://db:5432')}/public.static/`)).edges).toEqual([]);
});

test('reports an invalid key', { timeout: PATIENCE }, async () => {
  const { code, stderr } = await client('dais_pat_wrong');
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/401/);
});
