/** Prometheus from Debian scrapes Dais and a gateway, and evaluates rules and dashboards. */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { run, start, type ChildProcess } from '#lib/process.ts';
import { unpackedPrograms } from '../../../../../tools/debian-packages.mjs';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { freePort, startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { servingClient } from '#testing/serving-client.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
interface Target {
  readonly health: string;
  readonly lastError: string;
  readonly labels: Readonly<Record<string, string>>;
}

const conformance = fileURLToPath(new URL('../../../../../conformance/prometheus', import.meta.url));
const deploy = fileURLToPath(new URL('../../../../../deploy', import.meta.url));
const rulesFile = join(deploy, 'prometheus', 'dais.rules.yaml');
/** Labels that Prometheus adds, and the bucket bound. */
const ALWAYS = ['job', 'instance', 'le'];

let folder: string;
let programs: string;
let dais: DaisProcess;
let prometheus: ChildProcess;
let prometheusUrl: string;
let gone: Promise<void>;
let printed = '';
let urls: { readonly dais: string; readonly gateway: string };
let scrapeToken: string;
let rules: readonly Rule[];
let panels: readonly { readonly name: string; readonly expr: string }[];

const promtool = async (args: readonly string[], input?: string) =>
  await run(join(programs, 'promtool'), args, { ...(input !== undefined && { input }), timeoutMs: 60_000 });
const api = async <T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> => {
  const answer = await fetch(`${prometheusUrl}/api/v1/${path}?${new URLSearchParams(query).toString()}`);
  const body = (await answer.json()) as { status: string; error?: string; data: T };
  if (body.status !== 'success') throw new Error(`${path} ${JSON.stringify(query)}: ${body.error}`);
  return body.data;
};
/** As a dashboard queries with everything selected. */
const chosen = (expr: string) =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(job|project|endpoint)/g, '.*');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-prometheus-'));
  programs = await unpackedPrograms('Tests of /metrics need Prometheus.', 'prometheus', 'prometheus');
  const data = join(folder, 'data');
  dais = startDaisProcess({ data, 'keys.folder': join(folder, 'keys'), 'authentication.mode': 'accounts' });
  const url = await dais.ready;
  const owner = { authorization: `Bearer ${(await readFile(join(data, 'owner-token'), 'utf8')).trim()}` };
  const client = servingClient(url, owner);
  const documents = [
    { kind: 'ServiceAccount', name: 'prometheus', spec: {} },
    { kind: 'OrganizationRoleBinding', name: 'scrapers', spec: { role: 'scraper', serviceAccounts: ['prometheus'] } },
  ].map(({ kind, name, spec }) => ({ apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec }));
  const sources = documents.map((document) => ({ file: '-', text: JSON.stringify(document) }));
  const must = async (path: string, body: unknown) => {
    const answer = await client.call('POST', path, body);
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await must('/api/v1/apply', { sources });
  const requests = { title: 'scrape', days: 1, scopes: ['metrics:read'] };
  const made = await must('/api/v1/serviceaccounts/prometheus/tokens', requests);
  scrapeToken = made['token'] as string;
  await client.register('m', 2, { example: { inputs: [[1]] } });
  await must('/api/v1/serving/endpoints/scaled/deploy', { model: 'models:/m/1' });
  await client.settled('scaled', ({ conditions, rollout }) => {
    return (
      rollout === undefined && conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
    );
  });
  const { body } = await client.call('GET', '/api/v1/serving/endpoints/scaled/contract');
  urls = { dais: url, gateway: `http://127.0.0.1:${body.port}` };
  const inputs = [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [21] }];
  await must('/v2/models/scaled/infer', { inputs });

  await writeFile(join(folder, 'dais.token'), scrapeToken);
  await writeFile(
    join(folder, 'prometheus.yaml'),
    JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rulesFile],
      scrape_configs: [
        {
          job_name: 'dais',
          authorization: { credentials_file: join(folder, 'dais.token') },
          static_configs: [{ targets: [new URL(urls.dais).host] }],
        },
        { job_name: 'dais-gateway', static_configs: [{ targets: [new URL(urls.gateway).host] }] },
      ],
    }),
  );
  const port = await freePort();
  prometheusUrl = `http://127.0.0.1:${port}`;
  prometheus = start(
    join(programs, 'prometheus'),
    [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  for (const stream of [prometheus.stdout, prometheus.stderr]) {
    stream?.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
  }
  gone = new Promise<void>((resolve) => prometheus.once('close', () => resolve()));

  const { groups } = parse(await readFile(rulesFile, 'utf8')) as { groups: { rules: Rule[] }[] };
  rules = groups.flatMap((group) => group.rules);
  const files = (await readdir(join(deploy, 'grafana'))).filter((file) => file.endsWith('.json'));
  panels = (
    await Promise.all(
      files.map(async (file) => {
        const { panels: all } = JSON.parse(await readFile(join(deploy, 'grafana', file), 'utf8')) as {
          panels: { title: string; targets?: { expr: string }[] }[];
        };
        return all.flatMap(({ title, targets = [] }) =>
          targets.map(({ expr }) => ({ name: `${file}: ${title}`, expr })),
        );
      }),
    )
  ).flat();
});
afterAll(async () => {
  prometheus?.kill('SIGTERM');
  await gone;
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('Prometheus scrapes Dais with a scraper token, and a gateway without one, without errors', async () => {
  const targets = async () => {
    const { activeTargets } = await api<{ activeTargets: Target[] }>('targets').catch(() => ({ activeTargets: [] }));
    return activeTargets
      .map(({ health, lastError, labels }) => ({ job: labels['job'], health, lastError }))
      .toSorted((a, b) => String(a.job).localeCompare(String(b.job)));
  };
  await expect.poll(targets).toEqual([
    { job: 'dais', health: 'up', lastError: '' },
    { job: 'dais-gateway', health: 'up', lastError: '' },
  ]);
  expect(printed).not.toMatch(/level=(error|warn)/);
  expect((await fetch(`${urls.dais}/metrics`)).status).toBe(401);
});

test.each(['dais', 'gateway'] as const)('promtool reports no problem with the metrics of %s', async (which) => {
  const headers = { authorization: `Bearer ${scrapeToken}` };
  const text = await (await fetch(`${urls[which]}/metrics`, { headers })).text();
  expect(text).toContain(which === 'dais' ? 'dais_database_up 1' : 'dais_gateway_requests_total{');
  const { code, stdout, stderr } = await promtool(['check', 'metrics'], text);
  expect({ code, out: stdout.toString('utf8'), stderr }).toEqual({ code: 0, out: '', stderr: '' });
});

test.each(['dais', 'gateway'] as const)('the parser of Prometheus reads the OpenMetrics of %s', async (which) => {
  const response = await fetch(`${urls[which]}/metrics`, {
    headers: { authorization: `Bearer ${scrapeToken}`, accept: 'application/openmetrics-text; version=1.0.0' },
  });
  expect(response.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  expect(response.headers.get('vary')).toMatch(/accept/i);
  const text = await response.text();
  const file = join(folder, `${which}.openmetrics`);
  await writeFile(file, text);
  const python = await pythonEnvironment('prometheus', join(conformance, 'requirements.txt'));
  const parsed = await run(join(python, 'bin', 'python'), [join(conformance, 'parse_openmetrics.py'), file], {
    timeoutMs: 60_000,
  });
  expect({ code: parsed.code, stderr: parsed.stderr }).toEqual({ code: 0, stderr: '' });
  const families = JSON.parse(parsed.stdout.toString('utf8')) as Record<string, { type: string; samples: string[] }>;
  const expected = {
    dais: {
      dais_database_up: { type: 'gauge', samples: ['dais_database_up'] },
      dais_http_request_duration_seconds: {
        type: 'histogram',
        samples: ['_bucket', '_count', '_created', '_sum'].map((end) => `dais_http_request_duration_seconds${end}`),
      },
      dais_steps_connections_refused: {
        type: 'counter',
        samples: ['dais_steps_connections_refused_created', 'dais_steps_connections_refused_total'],
      },
    },
    gateway: {
      dais_gateway_requests: {
        type: 'counter',
        samples: ['dais_gateway_requests_created', 'dais_gateway_requests_total'],
      },
    },
  };
  expect(families).toMatchObject(expected[which]);
  // The same series in both formats.
  const plain = await (
    await fetch(`${urls[which]}/metrics`, { headers: { authorization: `Bearer ${scrapeToken}`, accept: 'text/plain' } })
  ).text();
  const namesOf = (lines: string) =>
    new Set(
      // Metrics of Node have samples only for what is active at the moment.
      [...lines.matchAll(/^(dais_[a-z_]+)[ {]/gm)]
        .map(([, name]) => name)
        .filter((name) => !name?.endsWith('_created')),
    );
  expect(namesOf(text)).toEqual(namesOf(plain));
});

test('the rules are valid, each has an example, and the examples pass', async () => {
  expect(await promtool(['check', 'rules', rulesFile])).toMatchObject({ code: 0 });
  const examples = join(deploy, 'prometheus', 'dais.rules.test.yaml');
  const { code, stdout, stderr } = await promtool(['test', 'rules', examples]);
  expect({ code, output: `${stdout.toString('utf8')}${stderr}` }).toMatchObject({ code: 0 });
  const { tests } = parse(await readFile(examples, 'utf8')) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[];
  };
  const raised = tests.flatMap(({ alert_rule_test: all }) => all.filter((one) => one.exp_alerts !== undefined));
  expect(new Set(raised.map(({ alertname }) => alertname))).toEqual(new Set(rules.map(({ alert }) => alert)));
});

test('Prometheus evaluates every rule and the query of every panel', async () => {
  const health = async () => {
    const { groups } = await api<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>(
      'rules',
    );
    return groups.flatMap((group) => group.rules).filter((rule) => rule.health !== 'ok');
  };
  await expect.poll(health).toEqual([]);
  expect(panels.length).toBeGreaterThan(40);
  const emptyPanels = async () => {
    const empty: string[] = [];
    for (const { name, expr } of panels) {
      const { result } = await api<{ result: unknown[] }>('query', { query: chosen(expr) });
      if (result.length === 0) empty.push(name);
    }
    return [...new Set(empty)].toSorted();
  };
  // A rate has no value before the second scrape.
  // No shadow, push, monitor or recent end exists; all other queries return data.
  await expect
    .poll(emptyPanels)
    .toEqual([
      'dais-endpoints.json: Shadow requests',
      'dais-server.json: Completed executions by status (last hour)',
      'dais-server.json: Deliveries by queue and state',
      'dais-server.json: Failing monitors',
      'dais-server.json: Monitors by state',
      'dais-server.json: Open alerts by severity',
    ]);
  // The disk of the machine that runs the tests may be full.
  const query = 'ALERTS{alertname!~"DaisDisk(Low|Full)"}';
  const { result: firing } = await api<{ result: { metric: unknown }[] }>('query', { query });
  expect(firing.map(({ metric }) => metric)).toEqual([]);
});

test('Dais exposes every metric that rules and panels use, with their labels', async () => {
  const known = await api<Record<string, unknown>>('metadata');
  const all = [...rules.map(({ alert, expr }) => ({ name: alert, expr })), ...panels];
  const unknown: string[] = [];
  for (const { name, expr } of all) {
    const metrics = [...expr.matchAll(/\b(?:dais|process|nodejs)_\w+/g)].map(([metric]) => metric);
    const labels = new Set(ALWAYS);
    let seen = metrics.length > 0;
    for (const metric of metrics) {
      // Prometheus scrapes OpenMetrics, where the family of a counter has no suffix.
      const family = metric.replace(/_(bucket|count|total)$/, '');
      if (known[metric] === undefined && known[family] === undefined) unknown.push(`${name}: ${metric}`);
      const found = await api<string[]>('labels', { 'match[]': metric });
      if (found.length === 0) seen = false;
      for (const label of found) labels.add(label);
    }
    const requests = [
      ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(',').map((one) => one.trim())),
      ...[...expr.matchAll(/[{,](\w+)(?:=|!=|=~|!~)"/g)].map(([, label = '']) => label),
    ];
    // A metric without a series has only its name.
    if (seen) unknown.push(...requests.filter((label) => !labels.has(label)).map((label) => `${name}: ${label}`));
  }
  expect(unknown).toEqual([]);
});
