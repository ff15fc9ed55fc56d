/** Reports and behavior of a complete Dais on a machine without bubblewrap, and on one without any isolation. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerInfo } from '@dais/api';
import type { Execution } from '@dais/api/executions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findProgram } from '../../../../../../tools/debian-packages.mjs';
import type { ReadinessCheck } from '#http/metrics/probe-routes.ts';
import { startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';

const PATIENCE = { timeout: 120_000, interval: 100 };
const BWRAP = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'];

let folder: string;
let dais: DaisProcess;
let url: string;
let headers: Record<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-isolation-'));
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true });
});

async function startWithout(name: string, programs: readonly string[], flags: Record<string, unknown>): Promise<void> {
  const data = join(folder, name);
  const keys = join(folder, 'keys');
  dais = startDaisProcess(
    { data, 'keys.folder': keys, 'authentication.mode': 'accounts', ...flags },
    { hidden: programs },
  );
  url = await dais.ready;
  const token = (await readFile(join(data, 'owner-token'), 'utf8')).trim();
  headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
}

async function ask<T>(path: string, body?: object): Promise<T> {
  const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`${url}/api/v1${path}`, { headers, ...sent });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

/** The check of /readyz and the description of the server, once isolation was tried. */
async function reported() {
  await expect.poll(async () => (await ask<ServerInfo>('/server')).isolation, PATIENCE).toBeDefined();
  const { checks } = (await (await fetch(`${url}/readyz`)).json()) as { checks: ReadinessCheck[] };
  const { isolation } = await ask<ServerInfo>('/server');
  return { isolation, check: checks.find(({ name }) => name === 'isolation') };
}

async function endedRun(id: string): Promise<Execution> {
  await expect.poll(async () => (await ask<Execution>(`/executions/${id}`)).endedAt, PATIENCE).toBeDefined();
  return await ask<Execution>(`/executions/${id}`);
}

test('without bubblewrap on the machine, the bundled one isolates the steps of a schedule', async () => {
  await startWithout('bundled', BWRAP, {});
  const { isolation, check } = await reported();
  expect(isolation).toMatchObject({ boundary: 'bubblewrap', program: 'bundled' });
  expect(check).toMatchObject({ ok: true, detail: expect.stringContaining('the bubblewrap of Dais') as string });
  expect(dais.output()).toContain('user code and models are isolated in namespaces by the bubblewrap of Dais');

  const steps = { look: { command: ['sh', '-c', `ls ${folder} 2>&1; echo isolated`] } };
  await ask('/pipelines', { apiVersion: 'dais.dev/v1', kind: 'Pipeline', metadata: { name: 'look' }, spec: { steps } });
  const spec = { pipeline: 'look', when: { type: 'interval', seconds: 1 } };
  await ask('/schedules', { apiVersion: 'dais.dev/v1', kind: 'Schedule', metadata: { name: 'often' }, spec });
  const started = async () => (await ask<{ items: Execution[] }>('/executions?limit=10')).items[0]?.id;
  await expect.poll(started, PATIENCE).toBeDefined();
  expect(await endedRun((await started()) ?? '')).toMatchObject({ state: 'succeeded' });
  dais.process.kill('SIGTERM');
  expect(await dais.ended).toBe(0);
});

test('without any isolation, the log, readiness and each refusal name the reason and the remedy', async () => {
  await mkdir(join(folder, 'wheels'));
  const perl = findProgram(['perl']) ?? '/usr/bin/perl';
  await startWithout('none', [...BWRAP, perl], {
    'isolation.folder': join(folder, 'isolation'),
    'environments.wheelhouse': join(folder, 'wheels'),
    'environments.index': 'http://127.0.0.1:1/simple',
  });
  const { isolation, check } = await reported();
  expect(isolation).toMatchObject({ boundary: 'none', remedy: expect.stringContaining('bubblewrap') as string });
  expect(isolation?.reason).toContain('bubblewrap');
  expect(check).toMatchObject({ ok: true, remedy: isolation?.remedy });
  expect(check?.detail).not.toContain(folder);
  expect(dais.output()).toContain('no isolation is available on this machine');
  expect(dais.output()).not.toContain('ENOENT');

  const run = await ask<Execution>('/executions', { steps: { main: { command: ['true'] } } });
  const { state, error } = await endedRun(run.id);
  expect({ state, error }).toMatchObject({
    state: 'failed',
    error: expect.stringContaining(isolation?.remedy ?? '') as string,
  });
});
