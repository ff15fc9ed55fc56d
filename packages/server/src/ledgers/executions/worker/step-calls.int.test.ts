/** Steps call the server: as themselves, whatever uid they run with and wherever they are. */
import type { Execution, ExecutionNode, SubmitExecutionInput } from '@dais/api/executions';
import { beforeAll, expect, test } from 'vitest';
import { sharedDais, type SharedDais } from '#testing/shared-dais.ts';

let dais: SharedDais;
let url: string;

beforeAll(async () => {
  dais = await sharedDais();
  // The project `default`: its steps call the server by the address without a project.
  url = dais.root;
  const other = { apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name: 'other' }, spec: {} };
  const made = await send('/api/v1/apply', { sources: [{ file: 'other', text: JSON.stringify(other) }] });
  if (!made.ok) throw new Error(await made.text());
});

async function send(path: string, body: unknown, token?: string): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function read<T>(path: string): Promise<T> {
  return (await (await fetch(`${url}${path}`)).json()) as T;
}

/** Results of calls from within a step, by call. */
const PROGRAM = `
const { DAIS_URL, DAIS_TOKEN, DAIS_PROJECT, DAIS_RUN_ID, MLFLOW_TRACKING_URI } = process.env;
const as = (token) => (token === undefined ? {} : { authorization: 'Bearer ' + token });
const ask = async (path, body, token = DAIS_TOKEN) => {
  const headers = { 'content-type': 'application/json', ...as(token) };
  const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
  return (await fetch(path.startsWith('http') ? path : DAIS_URL + path, init)).status;
};
const bare = async (path) => (await fetch(DAIS_URL + path)).status;
(async () => {
  const found = {
    project: DAIS_PROJECT,
    run: DAIS_RUN_ID,
    logs: await ask(MLFLOW_TRACKING_URI + '/api/2.0/mlflow/runs/create', { experiment_id: '0' }),
    server: await ask(MLFLOW_TRACKING_URI + '/api/3.0/mlflow/server-info'),
    otherProject: await ask('/p/other/api/2.0/mlflow/runs/create', { experiment_id: '0' }),
    submits: await ask('/api/v1/executions', { steps: { a: { command: ['true'] } } }),
    secrets: await ask('/api/v1/secrets'),
    projects: await ask('/api/v1/projects'),
    events: await ask('/api/v1/events'),
    cancels: await ask('/api/v1/executions/' + DAIS_RUN_ID + '/cancel', {}),
    wrong: await ask('/api/v1/executions', undefined, DAIS_TOKEN.slice(0, -1) + (DAIS_TOKEN.endsWith('x') ? 'y' : 'x')),
    bare: [],
  };
  for (const path of ['/livez', '/metrics', '/', '/api/v1/projects', '/health', '/api/openapi.json', '/nowhere']) {
    found.bare.push(await bare(path));
  }
  require('node:fs').writeFileSync('found', JSON.stringify(found));
  require('node:fs').writeFileSync('token', DAIS_TOKEN);
  console.log('done');
})();
`;

interface Found {
  readonly bare: readonly number[];
}

async function run(
  step: Partial<SubmitExecutionInput['steps'][string]>,
): Promise<{ found: Found; token: string; id: string }> {
  const outputs = { found: { path: 'found', as: 'json' as const }, token: { path: 'token', as: 'text' as const } };
  const steps = { main: { command: ['node', '-e', PROGRAM], outputs, ...step } };
  const made = (await (await send('/api/v1/executions', { steps })).json()) as Execution;
  const ended = async () => (await read<Execution>(`/api/v1/executions/${made.id}`)).endedAt !== undefined;
  await expect.poll(ended, { timeout: 60_000 }).toBe(true);
  const { items } = await read<{ items: ExecutionNode[] }>(`/api/v1/executions/${made.id}/nodes`);
  expect(items).toMatchObject([{ path: 'main', state: 'succeeded' }]);
  const values = items[0]?.outputs as Record<string, { parameter: unknown }>;
  const value = (name: string) => values[name]?.parameter;
  return { found: value('found') as Found, token: value('token') as string, id: made.id };
}

/** A step may log in its project. It may not act as another principal, read other projects or start anything. */
const AS_ITSELF = {
  project: 'default',
  logs: 200,
  server: 200,
  otherProject: 400,
  submits: 403,
  secrets: 403,
  projects: 403,
  events: 403,
  cancels: 403,
  wrong: 401,
};

test('isolated without network, a step reaches the server only with its token', async () => {
  const { found, token, id } = await run({ isolation: 'required', network: false });
  expect(found).toMatchObject({ ...AS_ITSELF, run: id });
  expect(found.bare.map((status) => status)).toEqual(found.bare.map(() => 401));
  // Its run has ended.
  expect((await send('/api/2.0/mlflow/runs/create', { experiment_id: '0' }, token)).status).toBe(401);
});

test('without isolation, its token still identifies the step', async () => {
  const { found, token, id } = await run({ isolation: 'none', network: true });
  expect(found).toMatchObject({ ...AS_ITSELF, run: id });
  expect((await send('/api/2.0/mlflow/runs/create', { experiment_id: '0' }, token)).status).toBe(401);
  expect(dais.output()).not.toContain(token);
});

test('isolated with network, a step reaches the server only with its token', async () => {
  const { found, id } = await run({ isolation: 'required', network: true });
  expect(found).toMatchObject({ ...AS_ITSELF, run: id });
  expect(found.bare).toEqual(found.bare.map(() => 401));
});

test('refused outbound connections are in the error of the step, in the log and in the metrics', async () => {
  const script = `exec 5<>/dev/tcp/127.0.0.1/\${HTTP_PROXY##*:}
    printf 'GET http://169.254.169.254/latest/meta-data/ HTTP/1.0\\r\\n\\r\\n' >&5; cat <&5; exit 3`;
  const steps = { main: { command: ['bash', '-c', script], isolation: 'required', network: true } };
  const before = await refusals();
  const { id } = (await (await send('/api/v1/executions', { steps })).json()) as Execution;
  const ended = async () => (await read<Execution>(`/api/v1/executions/${id}`)).endedAt !== undefined;
  await expect.poll(ended, { timeout: 60_000 }).toBe(true);
  const sentence =
    'Connection to 169.254.169.254:80 was refused by the outbound guard: 169.254.169.254 is a link-local address, where metadata services are. An administrator can allow it with outbound.allowHosts.';
  const { items } = await read<{ items: ExecutionNode[] }>(`/api/v1/executions/${id}/nodes`);
  expect(items[0]?.state).toBe('failed');
  expect(JSON.stringify(items[0])).toContain(sentence);
  expect(await refusals()).toBe(before + 1);
});

async function refusals(): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^dais_steps_connections_refused_total (\d+)$/m.exec(metrics)?.[1]);
}
