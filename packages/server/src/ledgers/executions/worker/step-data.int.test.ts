/** Steps that read versions of datasets, and steps whose files become versions. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Execution, ExecutionNode, SubmitExecutionInput } from '@dais/api/executions';
import type { LineageGraph } from '@dais/api/lineage';
import type { Run } from '@dais/api/tracking';
import type { DatasetVersion, Ingest } from '@dais/api/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importingPipeline } from '#protocols/kfp/testing/importing-pipeline.ts';
import { SYSTEM_IMAGE } from '#protocols/kfp/testing/kfp-fixture.ts';
import { controlOf, freePort, killTree, startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';

const PATIENCE = { timeout: 120_000, interval: 50 };

let folder: string;
let dais: DaisProcess;
let port: number;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-step-data-'));
  port = await freePort();
  await launch();
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true });
});

async function launch(): Promise<void> {
  dais = startDaisProcess({ data: join(folder, 'data'), 'keys.folder': join(folder, 'keys'), port });
  url = await dais.ready;
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init = { method, headers: { 'content-type': 'application/json' } };
  const answer = await fetch(`${url}${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as T;
}

async function apply(kind: string, name: string, spec: object): Promise<void> {
  const manifest = { apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec };
  await call('POST', `/api/v1/${kind.toLowerCase()}s`, manifest);
}

async function push(name: string, text: string): Promise<Ingest> {
  const bytes = Buffer.from(text);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const at = `/api/v1/data/datasets/${name}`;
  const files = [{ name: 'a.csv', bytes: bytes.length, sha256 }];
  const { id, needed } = await call<Ingest>('POST', `${at}/pushes`, { files });
  if (needed.length > 0) {
    const headers = { 'content-type': 'application/octet-stream' };
    await fetch(`${url}${at}/pushes/${id}/files?file=a.csv`, { method: 'PUT', headers, body: bytes });
  }
  await call('POST', `${at}/pushes/${id}/commit`, {});
  const get = async () => await call<Ingest>('GET', `${at}/ingests/${id}`);
  await expect.poll(async () => (await get()).endedAt !== undefined, PATIENCE).toBe(true);
  return await get();
}

type Step = SubmitExecutionInput['steps'][string];

const sh = (text: string, more: Partial<Step> = {}): Step => ({
  command: ['sh', '-e', '-c', text],
  isolation: 'none',
  ...more,
});

async function ended({ id }: Pick<Execution, 'id'>): Promise<Execution> {
  const get = async () => await call<Execution>('GET', `/api/v1/executions/${id}`).catch(() => undefined);
  await expect.poll(async () => (await get())?.endedAt !== undefined, PATIENCE).toBe(true);
  return (await get())!;
}

async function nodeOf({ id }: Pick<Execution, 'id'>, path = 'main'): Promise<ExecutionNode> {
  const { items } = await call<{ items: ExecutionNode[] }>('GET', `/api/v1/executions/${id}/nodes`);
  const found = items.find((node) => node.path === path);
  if (found === undefined) throw new Error(`no node ${path}`);
  return found;
}

const versionsOf = async (name: string) =>
  (await call<{ items: DatasetVersion[] }>('GET', `/api/v1/data/datasets/${name}/versions`)).items;

/** Once its newest version is ready. */
async function newest(name: string, number: number): Promise<DatasetVersion> {
  const get = async () => (await versionsOf(name).catch(() => [])).find((one) => one.number === number);
  await expect.poll(async () => (await get())?.state, PATIENCE).toBe('ready');
  return (await get())!;
}

const rowsOf = async (name: string) =>
  (await call<{ rows: unknown[][] }>('POST', '/api/v1/data/query', { sql: `select * from "${name}" order by 1` })).rows;

test('a job gets a dataset version: its rows and name, with lineage and an input of the tracked run', async () => {
  await apply('Dataset', 'rides', {});
  await push('rides', 'id,km\n1,5\n2,7\n');
  const look = '{ cat "$DAIS_DATA_ROWS/rows.csv"; echo "$DAIS_DATA_ROWS_VERSION"; ls "$DAIS_DATA_FILES" | head -1; }';
  const inputs = {
    rows: { dataset: 'rides@latest', format: 'csv' as const },
    files: { dataset: 'rides@1' },
  };
  const main = sh(`${look} > out; cat out`, {
    inputs,
    tracking: { experiment: 'rides' },
    outputs: { out: { path: 'out', as: 'text' } },
  });
  const made = await call<Execution>('POST', '/api/v1/executions', { name: 'look', steps: { main } });
  // What was submitted stays what it was.
  await push('rides', 'id,km\n9,9\n');
  expect(await ended(made)).toMatchObject({ state: 'succeeded' });
  const node = await nodeOf(made);
  const version = (await versionsOf('rides')).find(({ number }) => number === 1)!;
  expect(node.outputs['out']).toEqual({ parameter: expect.stringMatching(/^id,km\n1,5\n2,7\nrides@1\n.+\.parquet$/) });
  expect(node.inputs['rows']).toMatchObject({ dataset: 'rides', version: 1, id: version.id });
  const { datasets } = await call<Run>('GET', `/api/v1/tracking/runs/${node.tracking!.run}`);
  expect(datasets).toMatchObject([{ dataset: { name: 'rides', source: 'dais://rides@1' } }]);
  const query = `node=dataset-version:${version.id}&direction=downstream&depth=4`;
  const { nodes } = await call<LineageGraph>('GET', `/api/v1/lineage?${query}`);
  expect(nodes.map(({ type }) => type)).toEqual(expect.arrayContaining(['step', 'run']));
  const again = await ended(await call<Execution>('POST', `/api/v1/executions/${made.id}/retry`, { again: ['main'] }));
  expect((await nodeOf(again)).outputs).toEqual(node.outputs);
});

test('a Kubeflow component gets a dataset version from an importer, as of the start of the run', async () => {
  await apply('Target', 'local', { images: [{ image: SYSTEM_IMAGE, environment: { type: 'system' } }] });
  const submit = async (address: string) => {
    const spec = importingPipeline(address, { script: 'cat "$1"/rows.csv > "$2"' });
    return await call<{ run_id: string }>('POST', '/apis/v2beta1/runs', { display_name: 'rides', pipeline_spec: spec });
  };
  const made = await submit('dais://datasets/rides@1?format=csv');
  const run = { id: made.run_id };
  expect(await ended(run)).toMatchObject({ state: 'succeeded' });
  const { data } = await call<{ data: string }>('GET', `/apis/v2beta1/runs/${run.id}/nodes/say/artifacts/data:read`);
  expect(Buffer.from(data, 'base64').toString('utf8')).toBe('id,km\n1,5\n2,7\n');
  const version = (await versionsOf('rides')).find(({ number }) => number === 1)!;
  expect((await nodeOf(run, 'say')).inputs['given']).toMatchObject({ dataset: 'rides', version: 1, id: version.id });
  const query = `node=dataset-version:${version.id}&direction=downstream&depth=1`;
  const { nodes } = await call<LineageGraph>('GET', `/api/v1/lineage?${query}`);
  expect(nodes.filter(({ type }) => type === 'step').length).toBeGreaterThan(1);

  await expect(submit('dais://datasets/nowhere')).rejects.toThrow('There is no dataset nowhere');
  const odd = { id: (await submit('dais://datasets/rides?format=xml')).run_id };
  expect((await ended(odd)).state).toBe('failed');
  expect((await nodeOf(odd, 'bring')).error).toContain('is not a dataset URI');
});

test('unreadable dataset versions are reported when the job is submitted', async () => {
  const submit = async (dataset: string) =>
    await call<Execution>('POST', '/api/v1/executions', {
      steps: { main: sh('true', { inputs: { a: { dataset } } }) },
    });
  await expect(submit('nowhere@latest')).rejects.toThrow('There is no dataset nowhere');
  await expect(submit('rides@77')).rejects.toThrow('has no version 77');
  const text = sh('true', { outputs: { a: { path: 'a', as: 'text', dataset: 'rides' } } });
  await expect(call('POST', '/api/v1/executions', { steps: { main: text } })).rejects.toThrow(
    'this output is a parameter',
  );
});

test('a pipeline step reads the version in a parameter, and creates a version from its file', async () => {
  await apply('Dataset', 'long-rides', { keys: ['id'] });
  await apply('Pipeline', 'filter', {
    parameters: { from: { default: 'latest' } },
    steps: {
      long: {
        run: 'awk -F, \'NR == 1 || $2 > 6\' "$DAIS_DATA_RIDES/rows.csv" > long.csv',
        isolation: 'none',
        inputs: { rides: { dataset: 'rides', parameter: 'from', format: 'csv' } },
        outputs: { rows: { path: 'long.csv', dataset: 'long-rides' } },
      },
    },
  });
  const run = async (parameters: object) =>
    await ended(await call<Execution>('POST', '/api/v1/pipelines/filter/runs', { parameters }));
  const first = await run({ from: '1' });
  expect(first).toMatchObject({ state: 'succeeded' });
  const version = await newest('long-rides', 1);
  expect(version).toMatchObject({
    source: { type: 'step', execution: first.id },
    rows: 1,
    createdBy: { type: 'user' },
  });
  expect(await rowsOf('long-rides@1')).toEqual([[2, 7]]);
  const query = `node=dataset-version:${version.id}&direction=upstream&depth=4`;
  const { nodes } = await call<LineageGraph>('GET', `/api/v1/lineage?${query}`);
  expect(nodes.map(({ type, name }) => `${type} ${name ?? ''}`)).toEqual(
    expect.arrayContaining(['step filter / long', 'dataset-version rides@1']),
  );
  expect(await run({})).toMatchObject({ state: 'succeeded' });
  await newest('long-rides', 2);
  expect(await rowsOf('long-rides@2')).toEqual([[9, 9]]);
});

test('a schedule on a dataset requires and references it, and its run reads the new version', async () => {
  const when = (dataset: string) => ({ type: 'dataset', dataset });
  const spec = { pipeline: 'filter', parameters: { from: '${version}' } };
  await expect(apply('Schedule', 'waits', { ...spec, when: when('nowhere') })).rejects.toThrow('nowhere');
  await apply('Schedule', 'waits', { ...spec, when: when('rides') });
  const refused = await fetch(`${url}/api/v1/datasets/rides`, { method: 'DELETE' });
  expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining('waits')]);
  await push('rides', 'id,km\n3,30\n');
  await newest('long-rides', 3);
  expect(await rowsOf('long-rides@3')).toEqual([[3, 30]]);
});

test('files of an unknown format fail the step', async () => {
  const main = sh('echo x > rows', { outputs: { rows: { path: 'rows', dataset: 'odd' } } });
  const run = await ended(await call<Execution>('POST', '/api/v1/executions', { steps: { main } }));
  expect([run.state, (await nodeOf(run)).error]).toEqual([
    'failed',
    expect.stringContaining('The format of rows is unknown'),
  ]);
});

test('a failed step keeps its `always` outputs', async () => {
  const outputs = { note: { path: 'note', always: true }, other: { path: 'note' } };
  const main = sh('echo kept > note; exit 3', { outputs });
  const { id } = await ended(await call<Execution>('POST', '/api/v1/executions', { steps: { main } }));
  const { items } = await call<{ items: { name: string }[] }>('GET', `/api/v1/executions/${id}/files?prefix=steps/`);
  expect(items.map(({ name }) => name.split('/').at(-1))).toEqual(['note']);
});

test('kill -9 while steps create versions: each step creates one version once', async () => {
  const steps = Object.fromEntries(
    Array.from({ length: 6 }, (_, n): [string, Step] => [
      `make-${n}`,
      sh(`sleep 0.${n}; echo id,n > rows.csv; for i in $(seq 1 2000); do echo "$i,${n}" >> rows.csv; done`, {
        outputs: { rows: { path: 'rows.csv', dataset: `killed-${n % 2}` } },
      }),
    ]),
  );
  const run = await call<Execution>('POST', '/api/v1/executions', { name: 'killed', steps });
  for (const wait of [300, 700, 400]) {
    await new Promise((resolve) => void setTimeout(resolve, wait));
    const control = wait === 700 ? controlOf(dais.process.pid!) : undefined;
    if (control !== undefined) process.kill(control, 'SIGKILL');
    await killTree(dais);
    await launch();
  }
  expect(await ended(run)).toMatchObject({ state: 'succeeded' });
  for (const name of ['killed-0', 'killed-1']) {
    const ingests = async () => (await call<{ items: Ingest[] }>('GET', `/api/v1/data/datasets/${name}/ingests`)).items;
    await expect
      .poll(async () => (await ingests()).filter(({ state }) => state === 'succeeded').length, PATIENCE)
      .toBe(3);
    expect([(await ingests()).length, (await versionsOf(name)).map(({ rows }) => rows)]).toEqual([
      3,
      [2000, 2000, 2000],
    ]);
  }
}, 300_000);
