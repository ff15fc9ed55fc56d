/** What users store in a Dais through its public interfaces, and how they read it back. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runWith } from '../release/started.testing.ts';
import type { DaisCommand } from './built-release.testing.ts';

const MANIFESTS = `
apiVersion: dais.dev/v1
kind: Project
metadata: { name: flights, labels: { team: operations } }
spec: { description: Delay predictions }
---
apiVersion: dais.dev/v1
kind: Secret
metadata: { name: hook, project: flights }
spec: { data: { key: whsec_ZXhhbXBsZSBrZXk6IHJlcGxhY2UgbWUgYmVmb3JlIHVzZQ== } }
---
apiVersion: dais.dev/v1
kind: AlertChannel
metadata: { name: operations-desk, project: flights }
spec: { send: { type: webhook, url: "https://alerts.example.com/dais", signingKey: { secret: hook, key: key } } }
`;

/** One version of Dais that runs, with its own command. */
export interface Installation {
  readonly url: string;
  readonly command: DaisCommand;
  readonly variables: Readonly<Record<string, string>>;
  /** A folder for files of the user. */
  readonly folder: string;
}

export interface Stored {
  readonly runId: string;
  readonly artifact: string;
}

/** Runs a command of the installation, which must succeed. Returns what it printed. */
async function dais({ command, variables, url }: Installation, ...words: readonly string[]): Promise<string> {
  const [program, ...args] = command;
  const ended = await runWith(variables, program, ...args, '--url', url, ...words);
  expect({ words, ...ended }).toMatchObject({ code: 0 });
  return ended.out;
}

/** Stores a project with resources, a dataset version, a finished run with an artifact, a model with an alias, and a job. */
export async function fill(at: Installation): Promise<Stored> {
  const manifests = join(at.folder, 'resources.yaml');
  writeFileSync(manifests, MANIFESTS);
  await dais(at, 'apply', '-f', manifests);
  const rows = Array.from({ length: 50 }, (_, row) => `${row},${row * 7}`);
  const table = join(at.folder, 'days.csv');
  writeFileSync(table, `id,delay\n${rows.join('\n')}\n`);
  await dais(at, 'data', 'push', 'days', table, '--tag', 'first');
  const stored = await addRun(at, 'before the upgrade');
  await mlflow(at, 'registered-models/create', { name: 'delay' });
  await mlflow(at, 'model-versions/create', {
    name: 'delay',
    source: `runs:/${stored.runId}/model`,
    run_id: stored.runId,
  });
  await mlflow(at, 'registered-models/alias', { name: 'delay', alias: 'champion', version: '1' });
  expect(await dais(at, 'run', '--no-code', '--name', 'hello', '--', 'sh', '-c', 'echo from the job')).toContain(
    'from the job',
  );
  return stored;
}

/** Stores a finished run with parameters, metrics and an artifact in the experiment `delays`. */
export async function addRun(at: Installation, name: string): Promise<Stored> {
  const found = await fetch(`${at.url}/api/2.0/mlflow/experiments/get-by-name?experiment_name=delays`);
  const experiment = found.ok
    ? ((await found.json()) as { experiment: { experiment_id: string } }).experiment
    : await mlflow<{ experiment_id: string }>(at, 'experiments/create', { name: 'delays' });
  const created = await mlflow<{ run: { info: { run_id: string; artifact_uri: string } } }>(at, 'runs/create', {
    experiment_id: experiment.experiment_id,
    run_name: name,
    start_time: 1_700_000_000_000,
  });
  const { run_id, artifact_uri } = created.run.info;
  await mlflow(at, 'runs/log-batch', {
    run_id,
    params: [{ key: 'depth', value: '4' }],
    tags: [{ key: 'team', value: 'operations' }],
    metrics: [1, 2, 3].map((step) => ({ key: 'rmse', value: 3.5 / step, step, timestamp: 1_700_000_000_000 + step })),
  });
  const path = `${artifact_uri.replace(/^mlflow-artifacts:(\/\/[^/]*)?\//, '')}/model/weights.bin`;
  const artifact = `${at.url}/api/2.0/mlflow-artifacts/artifacts/${path}`;
  const put = await fetch(artifact, { method: 'PUT', body: 'weights of the model' });
  expect({ status: put.status, path }).toMatchObject({ status: 200 });
  await mlflow(at, 'runs/update', { run_id, status: 'FINISHED', end_time: 1_700_000_060_000 });
  return { runId: run_id, artifact: path };
}

/** Reads everything that `fill` stored, in the form that users see. */
export async function read(at: Installation, { runId, artifact }: Stored): Promise<Readonly<Record<string, unknown>>> {
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(`${at.url}/api/2.0/mlflow/${path}`);
    expect({ path, status: response.status }).toMatchObject({ status: 200 });
    return await response.json();
  };
  return {
    projects: await dais(at, 'get', 'projects', '-o', 'name'),
    channel: JSON.parse(
      await dais(at, 'get', 'alertchannel/operations-desk', '--project', 'flights', '-o', 'json'),
    ) as unknown,
    secret: await dais(at, 'get', 'secrets', '--project', 'flights', '-o', 'name'),
    rows: await dais(at, 'data', 'sql', 'select count(*) as n, sum(delay) as total from days'),
    run: await get(`runs/get?run_id=${runId}`),
    history: await get(`metrics/get-history?run_id=${runId}&metric_key=rmse`),
    model: await get('registered-models/alias?name=delay&alias=champion'),
    job: (await dais(at, 'runs')).match(/hello\s+\S+/)?.[0].replaceAll(/\s+/g, ' '),
    artifact: await artifactText(at, artifact),
  };
}

/** Reads the artifact of a run. */
export async function artifactText(at: Installation, path: string): Promise<string> {
  const response = await fetch(`${at.url}/api/2.0/mlflow-artifacts/artifacts/${path}`);
  return response.ok ? await response.text() : `status ${response.status}`;
}

async function mlflow<Response>(at: Installation, path: string, body: object): Promise<Response> {
  const response = await fetch(`${at.url}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  expect({ path, status: response.status, text }).toMatchObject({ status: 200 });
  return JSON.parse(text) as Response;
}
