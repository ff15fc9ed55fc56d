import { randomBytes } from 'node:crypto';
import type { LineageGraph } from '@dais/api/lineage';
import type { Run } from '@dais/api/tracking';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { lineageEntries, lineageRetention, lineageSlice } from '#ledgers/lineage/index.ts';
import { loggedModelNodes, runNodes, trackingLedger, trackingSlice } from '#ledgers/tracking/index.ts';
import { systemClock } from '#lib/clock.ts';
import { transact } from '#kernel/transaction.ts';
import { openLineageEntries } from './index.ts';

let http: HttpFixture;

beforeAll(async () => {
  const ledger = trackingLedger({
    options: {
      artifactRoot: 'artifacts:',
      nameTag: 'name',
      contextTag: 'context',
      originTags: { parent: 'parent', commit: 'commit', repository: 'repository', entryPoint: 'program' },
    },
    clock: systemClock,
    random: randomBytes,
  });
  http = await startHttpFixture({
    slices: [lineageSlice, trackingSlice],
    entries: () => [
      ...ledger.entries,
      ...lineageEntries([runNodes, loggedModelNodes]),
      ...openLineageEntries(runNodes),
    ],
  });
});
afterAll(async () => await http?.stop());

async function send(method: string, path: string, body?: unknown) {
  const response = await fetch(`${http.url}/api/v1/${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  });
  return { status: response.status, json: (await response.json()) as never };
}
const record = async (event: unknown) => await send('POST', 'lineage', event);
const graph = async (node: string): Promise<LineageGraph> =>
  (await send('GET', `lineage?node=${encodeURIComponent(node)}`)).json;

const producer = 'https://github.com/OpenLineage/OpenLineage/tree/1.0/client';
const schemaURL = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';
const facet = (fields: object) => ({ _producer: producer, _schemaURL: schemaURL, ...fields });
const RUN = '0197fa23-5d1e-7a70-9d1c-000000000001';
const event = (more: object = {}) => ({
  eventType: 'START',
  eventTime: '2026-11-26T10:00:00.000Z',
  producer,
  schemaURL,
  run: { runId: RUN },
  job: { namespace: 'etl', name: 'load.flights' },
  ...more,
});

test('a run of a job elsewhere, from START to COMPLETE', async () => {
  const inputs = [{ namespace: 's3://raw', name: 'flights.csv', facets: { version: facet({ datasetVersion: 'v7' }) } }];
  const outputs = [{ namespace: 's3://lake', name: 'flights' }];
  expect(await record(event())).toEqual({ status: 201, json: {} });
  const complete = event({ eventType: 'COMPLETE', eventTime: '2026-11-26T10:05:00+00:00', inputs, outputs });
  expect((await record(complete)).status).toBe(201);
  const shown = await graph(`job-run:${RUN}`);
  expect(shown.nodes.map(({ type, name, data }) => [type, name, data?.['state'] ?? data?.['version']])).toEqual([
    ['job-run', 'load.flights', 'COMPLETE'],
    ['dataset', 'flights.csv', 'v7'],
    ['job', 'load.flights', undefined],
    ['dataset', 'flights', undefined],
  ]);
  expect(shown.edges.map(({ relation }) => relation).toSorted()).toEqual(['instance', 'made', 'read']);
  // Late and twice: what is newer stays.
  for (const late of [event(), event({ eventType: 'RUNNING', eventTime: '2026-11-26T10:01:00Z' }), complete]) {
    expect((await record(late)).status).toBe(201);
  }
  expect(await graph(`job-run:${RUN}`)).toEqual({ ...shown, edges: expect.arrayContaining([...shown.edges]) });
});

test('job events and dataset events', async () => {
  const { run: _, eventType: __, ...jobEvent } = event({ inputs: [{ namespace: 'db', name: 'a' }] });
  expect((await record(jobEvent)).status).toBe(201);
  expect((await graph('job:etl/load.flights')).edges).toContainEqual(
    expect.objectContaining({ from: 'dataset:db/a/', to: 'job:etl/load.flights', relation: 'read' }),
  );
  const { run: ___, eventType: ____, job: _____, ...base } = event();
  expect((await record({ ...base, dataset: { namespace: 'db', name: 'static' } })).status).toBe(201);
  expect((await graph('dataset:db/static/')).nodes).toMatchObject([{ name: 'static', data: { namespace: 'db' } }]);
});

test('the run above may be one of Dais', async () => {
  const make = async (path: string, body: object) => (await send('POST', path, body)).json as Run;
  const { id } = await make('tracking/runs', { experimentId: '0', startedAt: 1 });
  const uuid = id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const runId = '0197fa23-5d1e-7a70-9d1c-00000000000a';
  const parent = facet({ run: { runId: uuid }, job: { namespace: 'dais', name: 'train' } });
  expect((await record(event({ run: { runId, facets: { parent } } }))).status).toBe(201);
  const down = await graph(`run:${id}`);
  expect(down.nodes.map(({ node }) => node)).toEqual([`run:${id}`, `job-run:${runId}`]);
  expect(down.edges).toMatchObject([{ relation: 'child' }]);
});

test('a batch stores the valid events, and reports the others', async () => {
  const { json, status } = await send('POST', 'lineage/batch', [
    event({ run: { runId: '0197fa23-5d1e-7a70-9d1c-0000000000b1' } }),
    event({ run: { runId: 'none' } }),
    'no event',
    event({ run: { runId: '0197fa23-5d1e-7a70-9d1c-0000000000b2' } }),
  ]);
  expect(status).toBe(200);
  expect(json).toEqual({
    status: 'partial_success',
    summary: { received: 4, successful: 2, failed: 2, retriable: 0, non_retriable: 2 },
    failed_events: [
      { index: 1, reason: expect.stringContaining('run.runId'), retriable: false },
      { index: 2, reason: expect.any(String), retriable: false },
    ],
  });
  expect((await graph('job-run:0197fa23-5d1e-7a70-9d1c-0000000000b2')).nodes[0]?.type).toBe('job-run');
  expect((await send('POST', 'lineage/batch', [])).json).toMatchObject({ status: 'success' });
});

describe('rejects an invalid event with its position', () => {
  const { run: _, ...withoutRun } = event();
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['no time', { ...event(), eventTime: undefined }, 'eventTime'],
    ['a time without an offset', event({ eventTime: '2026-11-26T10:00:00' }), 'eventTime'],
    ['no producer', { ...event(), producer: undefined }, 'producer'],
    ['a producer that is no URI', event({ producer: 'me' }), 'producer'],
    ['an id that is no UUID', event({ run: { runId: 'r1' } }), 'run.runId'],
    ['no job', { ...withoutRun, job: undefined }, 'job'],
    ['a dataset beside a job', { ...withoutRun, dataset: { namespace: 'a', name: 'b' } }, 'dataset'],
    ['an unknown state', event({ eventType: 'BEGIN' }), 'eventType'],
    ['a facet without its schema', event({ job: { namespace: 'a', name: 'b', facets: { sql: {} } } }), 'job.facets'],
    ['inputs that are no list', event({ inputs: { namespace: 'a' } }), 'inputs'],
    ['an input without a name', event({ inputs: [{ namespace: 'a' }] }), 'inputs[0].name'],
    [
      'more than a thousand',
      event({ outputs: Array.from({ length: 1001 }, () => ({ namespace: 'a', name: 'b' })) }),
      'outputs',
    ],
    ['a parent without a run', event({ run: { runId: RUN, facets: { parent: facet({}) } } }), 'run.facets.parent'],
  ];
  test.each(cases)('%s', async (_name, body, path) => {
    const { status, json } = await record(body);
    expect(status).toBe(400);
    expect(JSON.stringify((json as { issues: unknown }).issues)).toContain(path);
  });
  test('JSON that is none', async () => expect((await record('{"eventTime":')).status).toBe(400));
});

test('any input has a response without an internal error', async () => {
  const part = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.jsonValue({ maxDepth: 2 }));
  const sent = fc.record({
    eventTime: fc.oneof(fc.constant('2026-11-26T10:00:00Z'), part),
    producer: fc.constant(producer),
    schemaURL: fc.constant(schemaURL),
    job: fc.oneof(fc.record({ namespace: part, name: part }), part),
    run: fc.oneof(fc.record({ runId: fc.oneof(fc.uuid(), part) }), part),
    inputs: fc.oneof(fc.array(fc.record({ namespace: part, name: part }), { maxLength: 4 }), part),
  });
  await fc.assert(
    fc.asyncProperty(sent, async (body) => {
      expect([201, 400]).toContain((await record(body)).status);
    }),
    { numRuns: Math.min(fc.readConfigureGlobal()?.numRuns ?? 100, 200) },
  );
});

test('external lineage is deleted when no source reports it any more; lineage of Dais stays', async () => {
  const old = event({
    eventTime: '2020-01-01T00:00:00Z',
    run: { runId: '0197fa23-5d1e-7a70-9d1c-0000000000c1' },
    job: { namespace: 'old', name: 'old' },
  });
  await record(old);
  const before = (await graph('job:old/old')).nodes.length;
  expect(before).toBe(2);
  const job = lineageRetention({ days: 400, now: () => systemClock.now() });
  const { database } = http.database;
  await job.run({} as never, {
    signal: new AbortController().signal,
    progress: () => {},
    read: async (work) => await transact(database, { mode: 'read', projectId: 'all' }, work),
    write: async (work) => await transact(database, { mode: 'write', projectId: 'all' }, work),
  });
  expect((await send('GET', 'lineage?node=job:old/old')).status).toBe(404);
  expect((await graph(`job-run:${RUN}`)).nodes.length).toBeGreaterThan(1);
});
