/**
 * Checks every URL of the main port, read from the routers: a caller without permissions in a project learns neither
 * names nor their existence from any URL. URLs without an operation are listed here.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kinds } from '@dais/api';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HttpServer, type HttpAddress } from '#http/server/http-server.ts';
import { metricsRoutes } from '#http/metrics/metrics-routes.ts';
import { probeRoutes } from '#http/metrics/probe-routes.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { loadConfig } from './config-load.ts';
import { userAdapters } from './serve-http.ts';
import { startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { MatrixCaller, operations, resource } from './testing/matrix-caller.ts';
import { targetManifest } from './testing/operation-recipes.ts';

const LONG = (fc.readConfigureGlobal().numRuns ?? 0) > 100;
const PATIENCE = LONG ? 1_200_000 : 240_000;
const AT_ONCE = 8;

/** Names of the same length, which differ in nothing that an answer could depend on but their existence. */
const CANARY = `canary-${randomBytes(6).toString('hex')}`;
const ABSENT = `absent-${randomBytes(6).toString('hex')}`;

let folder: string;
let dais: DaisProcess;
let url: string;
let addresses: readonly HttpAddress[];
const tokens = new Map<string, string | undefined>([['nobody', undefined]]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-addresses-'));
  const flags = {
    'authentication.mode': 'accounts',
    data: join(folder, 'data'),
    'keys.folder': join(folder, 'keys'),
    port: '0',
  };
  dais = startDaisProcess(flags);
  addresses = await listAddresses(flags);
  url = await dais.ready;
  const owner = (await readFile(join(folder, 'data', 'owner-token'), 'utf8')).trim();
  const caller = new MatrixCaller(url, owner);
  await caller.apply([
    resource('Project', CANARY, {}),
    resource('Project', 'neighbors', {}),
    ...['stranger', 'neighbor', 'scraper'].map((name) => resource('ServiceAccount', name, {})),
    resource('OrganizationRoleBinding', 'scraper', { role: 'scraper', serviceAccounts: ['scraper'] }),
  ]);
  await caller.apply(
    [resource('RoleBinding', 'neighbor', { role: 'admin', serviceAccounts: ['neighbor'] })],
    'neighbors',
  );
  for (const name of ['stranger', 'neighbor', 'scraper']) tokens.set(name, await caller.serviceToken(name));
  await fillProject(owner);
}, PATIENCE);

afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** The routes of a control process, with its own lists of operations; none of them is called. */
async function listAddresses(flags: Readonly<Record<string, string>>): Promise<readonly HttpAddress[]> {
  const unused = async () => await Promise.reject(new Error('no operation is called here'));
  const calls = { operations, call: unused, watch: unused };
  const sources = { calls, version: '0.0.0', log: silentLog, port: 0 };
  const gateway = { host: '127.0.0.1', port: undefined, token: '' };
  const config = await loadConfig({ flags });
  const server = await HttpServer.open({
    doors: [
      probeRoutes(async () => await Promise.resolve([])),
      metricsRoutes(calls, unused),
      ...(await userAdapters({ ...sources, config, gateway })),
    ],
    operations: new Set(operations.map(({ name }) => name)),
    access: { identify: unused, close: async () => await Promise.resolve() },
    browserPrompt: false,
    clock: systemClock,
    log: silentLog,
    limits: config.limits,
    publicUrl: undefined,
    trustedProxies: [],
    tls: undefined,
    trace: undefined,
    finished: () => {},
  });
  await server.drain(0);
  return server.addresses;
}

/**
 * One resource of every kind without dependencies, and objects of MLflow clients, all with the name that must not be
 * revealed.
 */
async function fillProject(owner: string): Promise<void> {
  const headers = { authorization: `Bearer ${owner}`, 'content-type': 'application/json' };
  const send = async (path: string, body: object) =>
    await fetch(`${url}/p/${CANARY}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const made: string[] = [];
  for (const kind of kinds.filter(({ scope }) => scope === 'project')) {
    const manifest = { ...(targetManifest(kind) as { spec: object }), metadata: { name: CANARY } };
    const answer = await send('/api/v1/apply', { sources: [{ file: '-', text: JSON.stringify(manifest) }] });
    if (answer.ok) made.push(kind.kind);
    await answer.arrayBuffer();
  }
  expect(made).toEqual(expect.arrayContaining(['Secret', 'Dataset', 'Policy', 'Endpoint', 'Entity']));
  for (const [path, body] of [
    ['/api/2.0/mlflow/experiments/create', { name: CANARY }],
    ['/api/2.0/mlflow/registered-models/create', { name: CANARY }],
    ['/api/2.0/mlflow/runs/create', { experiment_id: '0', run_name: CANARY, tags: [{ key: CANARY, value: CANARY }] }],
  ] as const) {
    const answer = await send(path, body);
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, expect.any(String)]);
  }
}

test('lists every URL without an operation, with its permitted callers', () => {
  const known = new Set(operations.map(({ name }) => name));
  // Replaced by the page of the console where it is built: the files of both are the same for every caller.
  const others = addresses
    .filter(({ door, method }) => door !== 'console' && door !== 'pages' && method !== 'HEAD')
    .filter(({ operation }) => !known.has(operation) && operation !== 'refusal')
    .map(({ method, path, access }) => `${method} ${path} ${access}`);
  expect(others.toSorted()).toEqual([
    'GET /api/openapi.json checked',
    'GET /apis/v2beta1/healthz open',
    'GET /docs anonymous',
    'GET /docs/* anonymous',
    'GET /health open',
    'GET /internal/tasks/:target/:project/* agent',
    'GET /livez open',
    'GET /metrics checked',
    'GET /readyz open',
    'GET /scim/v2/ResourceTypes checked',
    'GET /scim/v2/ResourceTypes/:id checked',
    'GET /scim/v2/Schemas checked',
    'GET /scim/v2/Schemas/:id checked',
    'GET /scim/v2/ServiceProviderConfig checked',
    'GET /version open',
    'POST /internal/tasks/:target/:project/* agent',
    'PUT /internal/tasks/:target/:project/* agent',
  ]);
});

/**
 * Their responses depend on time or on the number of calls, or contain a nonce: only the names in them are compared.
 */
const ALIKE = new Set(['auth', 'probes', 'metrics', 'pages', 'docs', 'console']);
const ALIKE_OPERATIONS = new Set(['/api/v1/metrics']);

interface Probe {
  readonly address: HttpAddress;
  readonly token: string | undefined;
  /** In the query and the body, too; else in the path alone. */
  readonly everywhere: boolean;
}

async function ask({ address, token, everywhere }: Probe, project: string, name: string): Promise<string> {
  const path = address.path.replace(/:\w+(\([^)]*\))?/g, name).replace('*', name);
  const prefix = address.perProject ? `/p/${project}` : '';
  const named = { name, experiment_name: name, key: name, run_id: name, id: name, node: `model-version:${name}/1` };
  const query = everywhere ? `?${new URLSearchParams(named).toString()}` : '';
  const hasBody = !['GET', 'HEAD', 'DELETE'].includes(address.method);
  const answer = await fetch(`${url}${prefix}${path}${query}`, {
    method: address.method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(hasBody && { 'content-type': 'application/json' }),
    },
    ...(hasBody && { body: JSON.stringify(everywhere ? named : {}) }),
    redirect: 'manual',
    signal: AbortSignal.timeout(30_000),
  });
  const text = `${answer.status} ${answer.headers.get('location') ?? ''} ${await answer.text()}`;
  return (
    text
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, 'ID')
      .replaceAll(/\b[0-9a-f]{32}\b/g, 'ID')
      // The position of a list in the event stream moves with the events of concurrent probes.
      .replaceAll(/"resourceVersion":"[0-9a-f]{8}-\d+"/g, '"resourceVersion":"POSITION"')
  );
}

/** Without the names of the request, and without the time of the response: a report of usage ends at it. */
const nameless = (text: string) =>
  text
    .replaceAll(CANARY, 'NAME')
    .replaceAll(ABSENT, 'NAME')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');

async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

test('no URL reveals names or projects', { timeout: PATIENCE }, async () => {
  const requests = addresses.filter(({ method, operation }) => method !== 'HEAD' && operation !== 'refusal');
  const probes = requests.flatMap((address, at) =>
    [...tokens].flatMap(([who, token], person) =>
      [true, false].flatMap((everywhere) => {
        // Each day one account calls everything; the other accounts, and names in the path alone, alternate.
        const isProbed = LONG || (who === 'neighbor' && everywhere) || (at + person) % 6 === (everywhere ? 0 : 3);
        return isProbed ? [{ address, token, everywhere }] : [];
      }),
    ),
  );
  const reported: string[] = [];
  await eachAtOnce(probes, async (probe) => {
    const nothing = await ask(probe, ABSENT, ABSENT);
    const { method, path, door } = probe.address;
    if (nothing.includes(CANARY)) reported.push(`${method} ${path} names ${CANARY}: ${nothing.slice(0, 300)}`);
    if (ALIKE.has(door) || ALIKE_OPERATIONS.has(path)) return;
    for (const project of probe.address.perProject ? [ABSENT, CANARY] : [ABSENT]) {
      const something = await ask(probe, project, CANARY);
      if (nameless(something) === nameless(nothing)) continue;
      reported.push(
        `${method} ${path} in ${project === CANARY ? 'a' : 'no'} project: ${nothing.slice(0, 200)} | ${something.slice(0, 200)}`,
      );
    }
  });
  expect(reported).toEqual([]);
});
