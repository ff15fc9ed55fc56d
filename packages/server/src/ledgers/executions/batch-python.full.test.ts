/** Models for Python predict for whole datasets: texts, moments, gaps, and several outputs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelJob, ModelScan } from '@dais/api/serving';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { batchClient, succeeded, type BatchCall, type BatchClient } from '#testing/batch-client.ts';
import type { DaisProcess } from '#testing/dais-process.ts';
import { PYTHON_TIMEOUT, runPython, startPythonDais } from '#testing/python-dais.testing.ts';
import { servingClient, type ServingClient } from '#testing/serving-client.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/', import.meta.url));
/** More rows than one batch of the model. */
const ROWS = 3000;
/** From here on, each third row lacks its delay and each second its note: in the first batch nothing is missing. */
const GAPS_FROM = 2000;

let folder: string;
let dais: DaisProcess;
let models: ServingClient;
let batch: BatchClient;

const call: BatchCall = async <Output>(method: string, path: string, body?: object | Buffer) => {
  const { status, body: reported } = await models.call(method, `/api/v1${path}`, body);
  if (status >= 300) throw new Error(`${status} ${String(reported['code'])}: ${String(reported['detail'])}`);
  return reported as Output;
};
const rowOf = (id: number) => {
  const isLate = id >= GAPS_FROM;
  const day = String(1 + (id % 28)).padStart(2, '0');
  const delay = isLate && id % 3 === 0 ? '' : id % 40;
  return `${id},${id % 2 === 0 ? 'Müller' : 'LH'},2026-05-${day} 13:45:30.25,${id % 24},${delay},${isLate && id % 2 === 0 ? '' : `n${id}`}\n`;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-batch-python-'));
  dais = await startPythonDais(folder);
  const url = await dais.ready;
  models = servingClient(url);
  batch = batchClient(call);
  const requirements = join(conformance, 'convert', 'requirements.txt');
  const script = join(conformance, 'serving', 'batch_models.py');
  await runPython({ name: 'convert', requirements, script, words: [url], folder });
  for (const model of ['flights', 'parts']) await waive(model);
  const rows = Array.from({ length: ROWS }, (_, id) => rowOf(id));
  await batch.push('trips', `id,carrier,at,hour,delay,note\n${rows.join('')}`);
}, PYTHON_TIMEOUT);
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** Custom classes are pickled code, which has to be approved. */
async function waive(model: string): Promise<void> {
  const path = `/registry/models/${model}/versions/1/scan`;
  const scan = async () => await call<ModelScan>('GET', path);
  await vi.waitUntil(async () => (await scan()).result !== 'pending', { timeout: PYTHON_TIMEOUT, interval: 100 });
  for (const { id } of (await scan()).findings) {
    await call('POST', `${path}/findings/${id}/waive`, { reason: 'It was written for this test.' });
  }
}

async function predicted(input: object): Promise<ModelJob> {
  return await batch.ended((await batch.start({ data: 'trips@1', columns: ['id'], ...input })).id);
}

test(
  'each column has the type in the signature: texts, timestamps, missing values',
  { timeout: PYTHON_TIMEOUT },
  async () => {
    const done = await predicted({ model: 'models:/flights/1', out: 'flights-predicted' });
    expect(succeeded(done)).toMatchObject({ rows: { done: ROWS, total: ROWS, rejected: 0 } });
    const types = 'typeof(greeting), typeof("day"), typeof(score), typeof(late), typeof("rank")';
    expect(await batch.query(`select distinct ${types} from "flights-predicted@1"`)).toEqual([
      ['VARCHAR', expect.stringMatching(/^TIMESTAMP/), 'DOUBLE', 'BOOLEAN', 'BIGINT'],
    ]);
    const rows = await batch.query(
      `select id, greeting, strftime("day", '%Y-%m-%d %H:%M:%S'), score, late, "rank" from "flights-predicted@1"
       where id in (7, 2000, 2001) order by id`,
    );
    expect(rows).toEqual([
      [7, 'LH/n7', '2026-05-08 00:00:00', 14, false, 7],
      [2000, 'Müller/-', '2026-05-13 00:00:00', 0, false, 8],
      [2001, 'LH/n2001', null, 'NaN', null, null],
    ]);
    const gaps = Array.from({ length: ROWS }, (_, id) => id).filter((id) => id >= GAPS_FROM && id % 3 === 0).length;
    const counted = 'count(*) filter ("rank" is null), count(*) filter (late is null), count(*) filter (isnan(score))';
    expect(await batch.query(`select ${counted} from "flights-predicted@1"`)).toEqual([[gaps, gaps, gaps]]);
  },
);

test(
  'named arrays become columns, and an array of several numbers per row becomes a list',
  { timeout: PYTHON_TIMEOUT },
  async () => {
    const done = await predicted({ model: 'models:/parts/1', out: 'parts-predicted' });
    succeeded(done);
    expect(await batch.query('select label, parts from "parts-predicted@1" where id in (5, 23) order by id')).toEqual([
      ['h5', [5, 10, 15]],
      ['h23', [23, 46, 69]],
    ]);
  },
);

test('a scikit-learn model that returns text', { timeout: PYTHON_TIMEOUT }, async () => {
  const done = await predicted({ model: 'models:/halves/1', out: 'halves-predicted', onError: 'reject' });
  // It takes no gaps: each row of them is left out, and its neighbors are not.
  const gaps = Array.from({ length: ROWS }, (_, id) => id).filter((id) => id >= GAPS_FROM && id % 3 === 0);
  expect(succeeded(done)).toMatchObject({ rows: { done: ROWS, rejected: gaps.length } });
  expect(done.problems[0]).toMatchObject({ row: gaps[0]! + 1, message: expect.stringContaining('NaN') });
  const { columns } = done.output!;
  expect(columns).toEqual(['id']);
  const answers = await batch.query(
    'select columns(* exclude (id)) from "halves-predicted@1" where id in (1, 23) order by id',
  );
  expect(answers).toEqual([['am'], ['pm']]);
});

test('a missing required text is reported with its column', { timeout: PYTHON_TIMEOUT }, async () => {
  await batch.push('nameless', 'id,carrier,at,hour,delay\n1,LH,2026-05-01 10:00:00,1,1\n2,,2026-05-01 10:00:00,1,1\n');
  const request = { model: 'models:/flights/1', data: 'nameless@1', out: 'nameless-predicted' };
  const failed = await predicted(request);
  expect(failed).toMatchObject({ state: 'failed', problems: [{ row: 2, column: 'carrier' }] });
  const done = await predicted({ ...request, onError: 'reject' });
  expect(succeeded(done)).toMatchObject({ rows: { done: 2, rejected: 1 } });
  // The column that may be missing is not in the data at all.
  expect(await batch.query('select id, greeting from "nameless-predicted@1"')).toEqual([[1, 'LH/-']]);
});
