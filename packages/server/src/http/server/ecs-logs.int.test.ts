/** Log lines of every process, checked against the Elastic Common Schema. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ecsProblems } from '../../../../../tools/ecs.mjs';
import { startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { servingClient } from '#testing/serving-client.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';
let folder: string;
let dais: DaisProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-ecs-'));
  const flags = { 'log.level': 'debug', 'log.requests': 'all', 'otlp.endpoint': 'http://127.0.0.1:9' };
  dais = startDaisProcess({ ...flags, data: join(folder, 'data'), 'keys.folder': join(folder, 'keys') });
  const url = await dais.ready;
  const client = servingClient(url, { traceparent: `00-${trace}-b7ad6b7169203331-01`, 'x-request-id': 'request-7' });
  await client.call('GET', '/api/v1/projects');
  await client.call('GET', '/nothing?secret=1');
  // The gateway starts, and logs that it cannot export its traces.
  await client.register('m', 2, { example: { inputs: [[1]] } });
  await client.call('POST', '/api/v1/serving/endpoints/scaled/deploy', { model: 'models:/m/1' });
  await client.settled('scaled', ({ conditions }) => {
    return conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  });
  const inputs = [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [1] }];
  await client.call('POST', '/v2/models/scaled/infer', { inputs });
  dais.process.kill('SIGTERM');
  await dais.ended;
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('every line of every process is an ECS object with its component', () => {
  const lines = dais.output().trimEnd().split('\n');
  const documents = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const problems = documents.flatMap((document, at) =>
    ecsProblems(document, 'dais').map((problem) => `${problem}: ${lines[at]}`),
  );
  expect(problems).toEqual([]);
  for (const document of documents)
    expect(Object.keys(document).slice(0, 3)).toEqual(['@timestamp', 'log.level', 'message']);
  const roles = new Set(documents.map((document) => document['service.node.role']));
  expect([...roles]).toEqual(expect.arrayContaining(['control', 'gateway', 'supervisor']));
  expect(documents).toContainEqual(
    expect.objectContaining({
      'log.level': 'info',
      'event.dataset': 'dais.control',
      'http.request.id': 'request-7',
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.path': '/api/v1/projects',
      'client.ip': '127.0.0.1',
      'trace.id': trace,
      'event.duration': expect.any(Number),
    }),
  );
  expect(dais.output()).not.toContain('secret=1');
});

test('a field of Dais has one type in all lines, as an index requires', () => {
  const types = new Map<string, Set<string>>();
  for (const line of dais.output().trimEnd().split('\n')) {
    for (const [name, value] of Object.entries(JSON.parse(line) as Record<string, unknown>)) {
      const type = Array.isArray(value) ? typeof value[0] : typeof value;
      types.set(name, (types.get(name) ?? new Set()).add(type));
    }
  }
  expect([...types].filter(([, seen]) => seen.size > 1)).toEqual([]);
});
