import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Prediction, PredictionErasure, PredictionFile, PredictionRows } from '@dais/api/serving';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { Collector } from './collect.ts';
import { predictionsLedger } from './index.ts';
import { SegmentWriter } from './segment.ts';
import { ack, floats, startPredictionsWorld, texts, type PredictionsWorld } from './testing/predictions-world.ts';
import { deleteOldFiles, mergeSmallFiles } from './maintenance.ts';
import { silentLog } from '#lib/log.ts';

let world: PredictionsWorld;
beforeAll(async () => {
  world = await startPredictionsWorld();
});
afterAll(async () => {
  await world.stop();
});

async function query(endpoint: string, sql: string, more: object = {}): Promise<PredictionRows> {
  return await world.dais.call<PredictionRows>('prediction.query', { endpoint, sql, ...more });
}

async function filesOf(endpoint: string): Promise<readonly PredictionFile[]> {
  return (await world.dais.call<{ items: PredictionFile[] }>('predictionFile.list', { endpoint })).items;
}

describe('predictions', () => {
  it('become a table with a row for each row and a column for each tensor', async () => {
    const name = await world.endpoint();
    const first = await world.record(name, {
      inputs: [floats('age', 40, 50.5), texts('carrier', 'AA', 'é')],
      outputs: [{ name: 'p', datatype: 'FP32', shape: [2, 2], data: Float32Array.of(0.25, 0.75, NaN, 1) }],
    });
    await world.record(name, { status: 400, error: 'no input "age"', version: '4' });
    await world.record(name, {
      inputs: [{ name: 'age', datatype: 'INT64', shape: [1], data: BigInt64Array.of(7n) }],
      outputs: [{ name: 'big', datatype: 'UINT64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) }],
    });
    const sql =
      'select row, status, version, in_age, in_carrier, out_p, out_big, error from predictions order by prediction_id, row';
    expect((await query(name, sql)).rows).toEqual([
      [0, 200, '3', 40, 'AA', [0.25, 0.75], null, null],
      [1, 200, '3', 50.5, 'é', ['NaN', 1], null, null],
      [0, 400, '4', null, null, null, null, 'no input "age"'],
      [0, 200, '3', 7, null, null, '18446744073709551615', null],
    ]);
    const [file] = await filesOf(name);
    expect(file).toMatchObject({ predictions: 3, rows: 4, erased: 0, models: ['flights/3', 'flights/4'] });
    const one = await world.dais.call<Prediction>('prediction.get', { endpoint: name, id: first.id });
    expect(one).toMatchObject({ id: first.id, model: 'flights', version: '3', lineage: [`predictions:${file!.id}`] });
    expect(one.rows).toHaveLength(2);
    const graph = await world.dais.call<{ edges: object[] }>('lineage.get', { node: `predictions:${file!.id}` });
    expect(graph.edges).toEqual([
      expect.objectContaining({ from: `endpoint:${first.endpointUid}`, to: `predictions:${file!.id}` }),
    ]);
    const missing = first.id.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    expect(await codeOf(world.dais.call('prediction.get', { endpoint: name, id: missing }))).toBe('not_found');
    expect(await codeOf(query(name, 'select * from nothing'))).toBe('query_invalid');
    await expect(query(name, 'select row, carier from predictions')).rejects.toMatchObject({
      code: 'query_invalid',
      message: expect.stringContaining('Column `carier` does not exist. Similar columns: `in_carrier`'),
    });
    // Each of the three queries is recorded as usage, also those that failed.
    const usage = `select type, person from usage.record where resource = 'Endpoint/${name}'`;
    expect(await world.db.asAdmin(usage)).toEqual(
      Array.from({ length: 3 }, () => ({ type: 'query', person: 'owner' })),
    );
  });

  it('are listed by page, and as CloudEvents', async () => {
    const name = await world.endpoint();
    for (let age = 0; age < 5; age++)
      await world.record(name, { inputs: [floats('age', age)], outputs: [floats('y', -age)] });
    const tail = async (input: object) =>
      await world.dais.call<PredictionRows>('prediction.tail', { endpoint: name, ...input });
    const ages = ({ columns, rows }: PredictionRows) => {
      const at = columns.findIndex((one) => one.name === 'in_age');
      return rows.map((row) => row[at]);
    };
    const newest = await tail({ limit: 2 });
    expect(ages(newest)).toEqual([3, 4]);
    await world.record(name, { inputs: [floats('age', 5)] });
    expect(ages(await tail({ after: newest.rows.at(-1)![0] }))).toEqual([5]);
    const first = await world.dais.call<{ events: Record<string, unknown>[]; after?: string }>('prediction.export', {
      endpoint: name,
      limit: 4,
    });
    expect(first.events).toHaveLength(8);
    expect(first.events.slice(0, 2)).toMatchObject([
      {
        specversion: '1.0',
        type: 'org.kubeflow.serving.inference.request',
        inferenceservicename: name,
        namespace: 'default',
        data: { inputs: [{ name: 'age', data: [0] }] },
      },
      { type: 'org.kubeflow.serving.inference.response', data: { outputs: [{ name: 'y' }] } },
    ]);
    const rest = await world.dais.call<{ events: object[]; after?: string }>('prediction.export', {
      endpoint: name,
      limit: 4,
      after: first.after,
    });
    expect(rest.events).toHaveLength(4);
    expect(rest.after).toBeUndefined();
  });

  it('join ground truth: by id and by key, corrected labels last', async () => {
    const name = await world.endpoint();
    const { id } = await world.record(name, { inputs: [texts('order', 'o1', 'o2')], outputs: [floats('y', 1, 2)] });
    const label = async (labels: object[]) =>
      await world.dais.call('predictionLabel.create', { endpoint: name, labels, source: 'test' });
    await label([
      { prediction: id, row: 0, value: 'late' },
      { key: { column: 'in_order', value: 'o2' }, value: 'early' },
    ]);
    await label([{ prediction: id, row: 0, value: 'on time' }]);
    const sql = 'select row, label from labeled order by row';
    expect((await query(name, sql)).rows).toEqual([
      [0, 'on time'],
      [1, 'early'],
    ]);
    expect((await query(name, 'select count(*) from labels')).rows).toEqual([[3]]);
    const one = await world.dais.call<Prediction>('prediction.get', { endpoint: name, id });
    expect(one.labels.map(({ value }) => value)).toEqual(['late', 'on time']);
    const listed = await world.dais.call<{ items: object[] }>('predictionLabel.list', { endpoint: name, limit: 2 });
    expect(listed.items).toHaveLength(2);
    expect(await codeOf(label([{ value: 'x' }]))).toBe('invalid_request');
  });

  it('are erased but still counted', async () => {
    const name = await world.endpoint();
    for (const who of ['ada', 'bob', 'ada']) {
      await world.record(name, {
        inputs: [texts('customer', who)],
        outputs: [floats('y', 1)],
        principal: `user/${who}`,
      });
      await query(name, 'select 1');
    }
    const before = await filesOf(name);
    expect(before).toHaveLength(3);
    const request = await world.dais.call<PredictionErasure>('prediction.erase', {
      endpoint: name,
      column: 'in_customer',
      value: 'ada',
      reason: 'requested by the user',
    });
    expect(request.state).toBe('pending');
    const get = async () =>
      await world.dais.call<PredictionErasure>('predictionErasure.get', { endpoint: name, id: request.id });
    await expect.poll(async () => (await get()).state, { timeout: 60_000 }).toBe('succeeded');
    expect(await get()).toMatchObject({ rows: 2, column: 'in_customer' });
    const sql = 'select in_customer, principal, out_y, erased, model from predictions order by erased';
    expect((await query(name, sql)).rows).toEqual([
      ['bob', 'user/bob', 1, false, 'flights'],
      [null, null, null, true, 'flights'],
      [null, null, null, true, 'flights'],
    ]);
    const after = await filesOf(name);
    expect(after.reduce((sum, { erased }) => sum + erased, 0)).toBe(2);
    const stored = await world.db.database.transaction(
      { mode: 'read', scope: 'all' },
      async (sql2) => await sql2.query('select value from predictions.erasure where id = $1', [request.id]),
    );
    expect(stored).toEqual([{ value: null }]);
  });

  it('are merged into few files and expire', async () => {
    const name = await world.endpoint();
    const hour = Date.now() - 3 * 3_600_000;
    for (let count = 0; count < 3; count++) {
      await world.record(name, { at: hour - (hour % 3_600_000) + count, inputs: [floats(`x${count % 2}`, count)] });
      await query(name, 'select 1');
    }
    expect(await filesOf(name)).toHaveLength(3);
    const io = {
      signal: new AbortController().signal,
      read: async (work: never) => await world.dais.write(work),
      write: async (work: never) => await world.dais.write(work),
    };
    await mergeSmallFiles(world.dependencies, io as never);
    expect(await filesOf(name)).toMatchObject([{ predictions: 3, rows: 3 }]);
    expect((await query(name, 'select in_x0, in_x1 from predictions order by predicted_at')).rows).toEqual([
      [0, null],
      [null, 1],
      [2, null],
    ]);
    await deleteOldFiles({ ...world.dependencies, days: 0 }, io as never);
    expect(await filesOf(name)).toEqual([]);
  });

  it('are collected once, by any process, and segments are deleted afterwards', async () => {
    const name = await world.endpoint();
    const sent = new Set<string>();
    const writers = ['a', 'b'].map(
      (gateway) =>
        new SegmentWriter({
          folder: join(world.dependencies.spool, gateway),
          gateway,
          now: () => Date.now(),
          log: silentLog,
          segmentBytes: 2000,
        }),
    );
    const collectors = [new Collector(world.dependencies), new Collector(world.dependencies)];
    for (let round = 0; round < 6; round++) {
      const template = await world.record(name, { inputs: [floats('n', round)] });
      sent.add(template.id);
      for (const [index, writer] of writers.entries()) {
        for (let count = 0; count < 3; count++) {
          const id = template.id.slice(0, -4) + (0xa000 + index * 256 + round * 16 + count).toString(16);
          sent.add(id);
          await writer.append({ ...template, id }, ack);
        }
      }
      await Promise.all(collectors.map((one) => one.collect()));
    }
    for (const writer of writers) await writer.close();
    const { rows } = await query(name, 'select prediction_id from predictions', { limit: 1000 });
    expect(rows.map(([id]) => String(id)).toSorted()).toEqual([...sent].toSorted());
    // The last file of a living process may still grow.
    for (const gateway of ['a', 'b']) expect(await readdir(join(world.dependencies.spool, gateway))).toHaveLength(1);
  });

  it('leave no collected record in the spool when their file has reached its age, without further traffic', async () => {
    const name = await world.endpoint();
    const folder = join(world.dependencies.spool, 'aged');
    const options = { folder, gateway: 'aged', now: () => Date.now(), log: silentLog, segmentMs: 100 };
    const writer = new SegmentWriter(options);
    const template = await world.record(name, { inputs: [floats('n', 4711)] });
    await writer.append({ ...template, callerId: 'customer-4711' }, ack);
    const collector = new Collector(world.dependencies);
    const spooled = async () => {
      await collector.collect();
      const names = await readdir(folder);
      return await Promise.all(names.map(async (one) => await readFile(join(folder, one), 'latin1')));
    };
    await expect.poll(spooled, { interval: 50 }).toEqual([expect.not.stringContaining('customer-4711')]);
    const { rows } = await query(name, 'select prediction_id from predictions');
    expect(rows).toEqual(expect.arrayContaining([[template.id]]));
    await writer.close();
  });

  it('are collected by the node whose gateway wrote them, without background work too', async () => {
    const name = await world.endpoint();
    const node = { ...world.dependencies, spool: join(world.root, 'another-node'), collectMs: 20 };
    const writer = new SegmentWriter({ folder: join(node.spool, '7'), gateway: '7', now: Date.now, log: silentLog });
    const template = await world.record(name, { inputs: [floats('n', 1)] });
    const ids = [1, 2, 3].map((count) => template.id.slice(0, -4) + (0xb000 + count).toString(16));
    for (const id of ids) await writer.append({ ...template, id }, ack);
    const ledger = predictionsLedger(node);
    await ledger.start();
    const found = async () =>
      (await query(name, 'select prediction_id from predictions')).rows.map(([id]) => String(id));
    await expect.poll(found, { interval: 50 }).toEqual(expect.arrayContaining([template.id, ...ids]));
    await ledger.stop();
    await writer.close();
  });

  it('of another node stay known as collected until that node has removed their segments', async () => {
    const insert = (segment: string) =>
      `insert into predictions.segment (name, project_id, read_bytes, lost_bytes, ended, updated_at)
       values ('${segment}', '${ORGANIZATION}', 10, 0, true, 0)`;
    for (const segment of ['4095/1-aa-0.segment', 'g1/1-aa-0.segment']) await world.db.asAdmin(insert(segment));
    await new Collector(world.dependencies).collect();
    const rows = await world.db.asAdmin(`select name from predictions.segment where name like '%/1-aa-0.segment'`);
    expect(rows).toEqual([{ name: '4095/1-aa-0.segment' }]);
  });
});
