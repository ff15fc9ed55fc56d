/** Traces, evaluation datasets and scorers in the tables of MLflow 3.18 and of 2.14, in SQLite and in PostgreSQL. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sqlite from 'node-sqlite3-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../../server/src/engines/database/testing.ts';
import { LocalFiles } from './local-files.ts';
import type { SourceExperiment, TrackingSource } from './source.ts';
import { openPostgres, openSqlite } from './sql-reader.ts';
import { sqlSource } from './sql-source.ts';

const RUNS = `
create table experiments (experiment_id integer primary key, name varchar(256), artifact_location varchar(256),
  lifecycle_stage varchar(32), creation_time bigint, last_update_time bigint);
create table runs (run_uuid varchar(32) primary key);
create table metrics (run_uuid varchar(32));
create table latest_metrics (run_uuid varchar(32));
create table params (run_uuid varchar(32));
create table tags (run_uuid varchar(32));
insert into experiments values (7, 'traced', 'mlflow-artifacts:/7', 'active', 1, 1);
create table trace_tags (request_id varchar(50), key varchar(250), value varchar(8000));
create table trace_request_metadata (request_id varchar(50), key varchar(250), value varchar(8000));
insert into trace_tags values ('old', 'mlflow.artifactLocation', 'mlflow-artifacts:/7/traces/old/artifacts'),
  ('old', 'mlflow.traceName', 'ask');
insert into trace_request_metadata values ('old', 'mlflow.trace.tokenUsage', '{"input_tokens": 3}'), ('old', 'm', '1');
`;

/** The schema of 2.14. */
const FIRST = `${RUNS}
create table trace_info (request_id varchar(50) primary key, experiment_id integer, timestamp_ms bigint,
  execution_time_ms bigint, status varchar(50));
insert into trace_info values ('old', 7, 1700000000000, 12, 'OK');
`;

const CONTENT = JSON.stringify({
  trace_id: Buffer.from('ab'.repeat(16), 'hex').toString('base64'),
  span_id: Buffer.from('00000000000000a1', 'hex').toString('base64'),
  parent_span_id: null,
  name: 'ask',
  start_time_unix_nano: 0,
  end_time_unix_nano: 12,
  status: { code: 'STATUS_CODE_OK', message: '' },
  attributes: { ratio: '1.0' },
  events: [],
  links: [],
}).replace('"start_time_unix_nano":0', '"start_time_unix_nano":1790000000000000001');

/** The read columns of 3.18. */
const LATEST = `${RUNS}
create table trace_info (request_id varchar(50) primary key, experiment_id integer, timestamp_ms bigint,
  execution_time_ms bigint, status varchar(50), client_request_id varchar(50), request_preview varchar(1000),
  response_preview varchar(1000), trace_name varchar(8000), session_id varchar(250), input_tokens bigint,
  output_tokens bigint, total_tokens bigint, input_cost double precision, output_cost double precision,
  total_cost double precision);
create table spans (trace_id varchar(50), span_id varchar(50), start_time_unix_nano bigint, content text);
create table assessments (assessment_id varchar(50), trace_id varchar(50), name varchar(250), assessment_type varchar(50),
  value text, error text, created_timestamp bigint, last_updated_timestamp bigint, source_type varchar(50),
  source_id varchar(250), span_id varchar(50), rationale text, overrides varchar(50), valid boolean, assessment_metadata text);
create table entity_associations (association_id varchar(36), source_type varchar(36), source_id varchar(36),
  destination_type varchar(36), destination_id varchar(36), created_time bigint);
create table evaluation_datasets (dataset_id varchar(36), name varchar(255), schema text, profile text, digest varchar(64),
  created_time bigint, last_update_time bigint, created_by varchar(255), last_updated_by varchar(255));
create table evaluation_dataset_tags (dataset_id varchar(36), key varchar(255), value varchar(5000));
create table evaluation_dataset_records (dataset_record_id varchar(36), dataset_id varchar(36), inputs json, outputs json,
  expectations json, tags json, source json, created_time bigint, last_update_time bigint, created_by varchar(255),
  last_updated_by varchar(255));
create table scorers (experiment_id integer, scorer_name varchar(256), scorer_id varchar(36));
create table scorer_versions (scorer_id varchar(36), scorer_version integer, serialized_scorer text, creation_time bigint);
insert into trace_info values ('old', 7, 1700000000000, 12, 'OK', null, null, null, null, null, null, null, null, null, null, null),
  ('tr-1', 7, 1700000000001, null, 'IN_PROGRESS', 'c', 'why?', 'because', 'named', 's1', 1, 2, 3, 0.25, null, 0.5);
insert into trace_tags values ('tr-1', 'mlflow.trace.spansLocation', 'TRACKING_STORE');
insert into spans values ('tr-1', '00000000000000a1', 1790000000000000001, '${CONTENT}');
insert into assessments values
  ('a-1', 'tr-1', 'correct', 'feedback', '0.5', null, 5, 6, 'HUMAN', 'ada', null, 'so', null, false, '{"k": "v"}'),
  ('a-2', 'tr-1', 'correct', 'feedback', 'null', '{"error_code": "E", "error_message": "m"}', 7, 7, 'CODE', 'x', 's', null, 'a-1', true, null),
  ('a-3', 'tr-1', 'wanted', 'expectation', '{"a": [1]}', null, 8, 8, 'HUMAN', 'ada', null, null, null, true, null);
insert into entity_associations values ('1', 'trace', 'tr-1', 'run', 'r1', 1), ('2', 'trace', 'tr-1', 'prompt_version', 'p/1', 1),
  ('3', 'evaluation_dataset', 'd-1', 'experiment', '7', 1);
insert into evaluation_datasets values ('d-1', 'questions', '{"inputs": {"q": "string"}, "outputs": {}, "expectations": {}, "version": "1.0"}',
  null, 'abc', 1, 2, 'ada', null);
insert into evaluation_dataset_tags values ('d-1', 't', 'v');
insert into evaluation_dataset_records values ('dr-1', 'd-1', '{"q": "ü"}', '{"mlflow_wrapped": "text"}', '{"e": 1}', '{"t": "v"}',
  '{"source_type": "TRACE", "source_data": {"trace_id": "tr-1"}}', 3, 4, 'ada', null),
  ('dr-2', 'd-1', '{"q": 2}', null, null, null, null, 5, 5, null, null);
insert into scorers values (7, 'polite', 'sc-1');
insert into scorer_versions values ('sc-1', 1, '{}', 9), ('sc-1', 2, '{"a": 1}', 10);
`;

const EXPERIMENT: SourceExperiment = {
  id: '7',
  name: 'traced',
  artifactUri: 'mlflow-artifacts:/7',
  createdAt: 1,
  updatedAt: 1,
  deleted: false,
  tags: {},
};

let folder: string;
let postgres: TestDatabase;
const sources = new Map<string, TrackingSource>();

async function openBoth(which: string, tables: string): Promise<void> {
  const files = new LocalFiles(join(folder, 'artifacts'));
  const file = join(folder, `${which}.db`);
  const database = new sqlite.Database(file);
  database.exec(tables);
  database.close();
  sources.set(`${which} SQLite`, await sqlSource(await openSqlite(file), files, 'sqlite'));
  const { host, user, database: name } = await postgres.emptyDatabase();
  const url = `postgresql://${user}@localhost/${name}?host=${encodeURIComponent(host)}`;
  await postgres.asAdminIn(name, `${tables} grant select on all tables in schema public to public`);
  sources.set(`${which} PostgreSQL`, await sqlSource(await openPostgres(url), files, 'postgresql'));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-sql-traces-'));
  const artifacts = join(folder, 'artifacts/7/traces/old/artifacts');
  await mkdir(artifacts, { recursive: true });
  await writeFile(join(artifacts, 'traces.json'), `{"spans": [${CONTENT}]}`);
  postgres = await startTestDatabase([]);
  await openBoth('2.14', FIRST);
  await openBoth('3.18', LATEST);
});
afterAll(async () => {
  for (const source of sources.values()) await source.close();
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const OLD = {
  id: 'old',
  requestedAt: 1_700_000_000_000,
  durationMs: 12,
  state: 'OK',
  metadata: { m: '1' },
  tags: { 'mlflow.traceName': 'ask' },
  usage: { input_tokens: 3 },
  assessments: [],
  runIds: [],
  prompts: [],
  artifactUri: 'mlflow-artifacts:/7/traces/old/artifacts',
  hasSpans: false,
};
const SPAN = {
  traceId: 'ab'.repeat(16),
  id: '00000000000000a1',
  name: 'ask',
  startNs: '1790000000000000001',
  endNs: '12',
  status: 'OK',
  attributes: { ratio: { '@': ['double', 1] } },
};

describe.each(['SQLite', 'PostgreSQL'])('%s', (which) => {
  test('of 2.14: traces with spans in files, without any newer content', async () => {
    const source = sources.get(`2.14 ${which}`)!;
    const traces = await all(source.traces(EXPERIMENT));
    expect(traces).toEqual([OLD]);
    expect(await source.spans(traces[0]!)).toEqual([SPAN]);
    expect(await all(source.evaluationDatasets())).toEqual([]);
    expect(await all(source.scorers(EXPERIMENT))).toEqual([]);
  });

  test('of 3.18: columns have the values of clients, spans come from their table', async () => {
    const source = sources.get(`3.18 ${which}`)!;
    const [old, latest] = await all(source.traces(EXPERIMENT));
    expect(old).toEqual(OLD);
    expect(latest).toEqual({
      id: 'tr-1',
      requestedAt: 1_700_000_000_001,
      state: 'IN_PROGRESS',
      clientRequestId: 'c',
      requestPreview: 'why?',
      responsePreview: 'because',
      metadata: { 'mlflow.trace.session': 's1' },
      tags: { 'mlflow.traceName': 'named' },
      usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
      cost: { input_cost: 0.25, total_cost: 0.5 },
      assessments: [
        expect.objectContaining({ id: 'a-1', value: 0.5, valid: false, rationale: 'so', metadata: { k: 'v' } }),
        expect.objectContaining({
          id: 'a-2',
          value: null,
          error: { code: 'E', message: 'm' },
          overrides: 'a-1',
          valid: true,
        }),
        expect.objectContaining({ id: 'a-3', kind: 'expectation', value: { a: [1] }, createdAt: 8 }),
      ],
      runIds: ['r1'],
      prompts: ['p/1'],
      artifactUri: '',
      hasSpans: true,
    });
    expect(await source.spans(latest!)).toEqual([SPAN]);
  });

  test('of 3.18: evaluation datasets with records and links, scorers with versions', async () => {
    const source = sources.get(`3.18 ${which}`)!;
    expect(await all(source.evaluationDatasets())).toEqual([
      {
        id: 'd-1',
        name: 'questions',
        digest: 'abc',
        schema: { inputs: { q: 'string' }, outputs: {}, expectations: {} },
        experimentIds: ['7'],
        tags: { t: 'v' },
        createdAt: 1,
        updatedAt: 2,
        createdBy: 'ada',
      },
    ]);
    expect((await all(source.evaluationRecords('d-1'))).flat()).toEqual([
      {
        id: 'dr-1',
        inputs: { q: 'ü' },
        outputs: 'text',
        expectations: { e: 1 },
        tags: { t: 'v' },
        source: { type: 'TRACE', data: { trace_id: 'tr-1' } },
        createdAt: 3,
        updatedAt: 4,
        createdBy: 'ada',
      },
      { id: 'dr-2', inputs: { q: 2 }, outputs: null, tags: {}, createdAt: 5, updatedAt: 5 },
    ]);
    expect(await all(source.scorers(EXPERIMENT))).toEqual([
      { id: 'sc-1', name: 'polite', version: 1, definition: '{}', createdAt: 9 },
      { id: 'sc-1', name: 'polite', version: 2, definition: '{"a": 1}', createdAt: 10 },
    ]);
  });
});
