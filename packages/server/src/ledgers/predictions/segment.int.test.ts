import { pbkdf2 } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { predictionId } from '@dais/api/gateway';
import type { Tensor } from '#engines/inference/contract.ts';
import { silentLog } from '#lib/log.ts';
import { decodeHead, decodeRecord, type StoredPrediction } from './segment-format.ts';
import { SegmentWriter, type CapturePolicy, type PredictionRecord, type SegmentOptions } from './segment.ts';

const derive = promisify(pbkdf2);

let root: string;
let folders = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dais-segment-'));
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

const ack: CapturePolicy = { policy: 'ack', share: 1, overflow: 'shed', omit: [] };

function openWriter(options: Partial<SegmentOptions> = {}): { writer: SegmentWriter; folder: string } {
  const folder = join(root, String((folders += 1)));
  return {
    folder,
    writer: new SegmentWriter({ folder, gateway: 'g1', now: () => Date.now(), log: silentLog, ...options }),
  };
}

let count = 0;

function record(inputs: readonly Tensor[] = [], outputs: readonly Tensor[] = []): PredictionRecord {
  const at = 1_790_000_000_000;
  return {
    id: predictionId({ at, gateway: 7, endpoint: 9 }, (count += 1)),
    at,
    project: 'default',
    endpoint: 'flights',
    endpointUid: '0190a1b2-0000-7000-8000-000000000001',
    variant: 'stable',
    model: 'flights',
    version: '3',
    shadowOf: undefined,
    protocol: 'open-inference',
    principal: 'user/ada',
    requestId: `r${count}`,
    callerId: undefined,
    traceparent: undefined,
    status: 200,
    error: undefined,
    latencyMicros: 412,
    inputs,
    outputs,
    parameters: {},
  };
}

const floats: Tensor = { name: 'x', datatype: 'FP32', shape: [2, 2], data: Float32Array.of(1, 2.5, -3, NaN) };

async function readAll(folder: string): Promise<{ records: StoredPrediction[]; cut: number }> {
  const records: StoredPrediction[] = [];
  let cut = 0;
  for (const name of (await readdir(folder)).toSorted()) {
    const bytes = await readFile(join(folder, name));
    let at = decodeHead(bytes)!.bytes;
    while (at < bytes.length) {
      const next = decodeRecord(bytes, at);
      if (typeof next === 'string') {
        cut += bytes.length - at;
        break;
      }
      records.push(next.record);
      at += next.bytes;
    }
  }
  return { records, cut };
}

describe('segments', () => {
  it('returns the written records, in order, over several files', async () => {
    const { writer, folder } = openWriter({ segmentBytes: 3000 });
    const words: Tensor = { name: 's', datatype: 'BYTES', shape: [2], data: [Buffer.from('a'), Buffer.from('öö')] };
    const big: Tensor = { name: 'big', datatype: 'FP64', shape: [1, 2000], data: new Float64Array(2000).fill(0.5) };
    const sent = [record([floats, words], [floats]), record(), record([big], [words])];
    for (let index = 0; index < 40; index++) sent.push(record([floats]));
    for (const one of sent) await writer.append(one, ack);
    await writer.close();
    expect((await readdir(folder)).length).toBeGreaterThan(1);
    const { records, cut } = await readAll(folder);
    expect(cut).toBe(0);
    expect(records.map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
    expect(records.map(({ sequence }) => sequence)).toEqual(sent.map((_, index) => index + 1));
    const [first, , third] = records;
    expect(first).toMatchObject({ endpoint: 'flights', model: 'flights', version: '3', status: 200, cut: false });
    expect(first!.inputs[0]).toMatchObject({ name: 'x', datatype: 'FP32', shape: [2, 2] });
    expect([...first!.inputs[0]!.bytes]).toEqual([...Buffer.from(Float32Array.of(1, 2.5, -3, NaN).buffer)]);
    expect(first!.inputs[1]!.bytes.toString('latin1')).toBe('\x01\0\0\0a\x04\0\0\0\xc3\xb6\xc3\xb6');
    expect(third!.inputs[0]!.bytes.length).toBe(16_000);
    expect(writer.stats()).toMatchObject({ records: sent.length, dropped: 0, shed: 0, pendingBytes: 0 });
  });

  it('writes concurrent records completely and in order: many pages, texts longer than a page, large tensors in between', async () => {
    const { writer, folder } = openWriter();
    const big: Tensor = { name: 'big', datatype: 'FP64', shape: [1, 2000], data: new Float64Array(2000).fill(0.5) };
    // The second time, the pages of the first are reused.
    for (let round = 0; round < 2; round++) {
      const sent = Array.from({ length: 600 }, (_, at) => {
        const odd = [
          { ...floats, shape: [4] },
          { ...floats, name: 'z' },
          { ...floats, nulls: Uint8Array.of(0, 0, 0, 1) },
        ];
        const put = at % 50 === 3 ? [big, floats] : [(at % 3 === 0 ? odd[(at % 9) / 3] : undefined) ?? floats];
        const one = record(put, [floats]);
        if (at === 100) return { ...one, error: 'ö漢'.repeat(40_000) };
        return at % 7 === 0 ? { ...one, endpoint: `e${at}`, variant: 'größer', parameters: { at } } : one;
      });
      await Promise.all(sent.map(async (one) => await writer.append(one, ack)));
      const { records, cut } = await readAll(folder);
      expect([cut, records.length]).toEqual([0, 600 * (round + 1)]);
      for (const [at, { sequence, inputs, outputs, cut: isCut, ...read }] of records.slice(-600).entries()) {
        const { inputs: put, outputs: gave, ...plain } = sent[at]!;
        expect([sequence, isCut, read]).toEqual([round * 600 + at + 1, false, plain]);
        for (const [position, tensor] of [...put, ...gave].entries()) {
          const { buffer } = tensor.data as Float32Array;
          const stored = [...inputs, ...outputs][position]!;
          expect([stored.name, stored.datatype, stored.shape]).toEqual([tensor.name, tensor.datatype, tensor.shape]);
          expect(Buffer.from(buffer).equals(stored.bytes)).toBe(true);
          expect(stored.nulls?.join()).toBe(tensor.nulls?.join());
        }
      }
    }
    await writer.close();
  });

  it('has an acknowledged record on disk before the promise resolves; also for sync', async () => {
    const { writer, folder } = openWriter();
    await writer.append(record([floats]), ack);
    expect((await readAll(folder)).records).toHaveLength(1);
    await Promise.all([
      writer.append(record(), { ...ack, policy: 'sync' }),
      writer.append(record(), ack),
      writer.append(record(), { ...ack, policy: 'async' }),
    ]);
    expect((await readAll(folder)).records).toHaveLength(4);
    await writer.close();
  });

  it('writes only what the policy selects', async () => {
    const { writer, folder } = openWriter();
    expect(writer.append(record(), { ...ack, policy: 'off' })).toBeUndefined();
    expect(writer.append(record(), { ...ack, policy: 'sample', share: 0 })).toBeUndefined();
    expect(writer.append(record(), { ...ack, policy: 'sample', share: 1 })).toBeUndefined();
    await writer.append(record([floats, { ...floats, name: 'y' }], [floats]), { ...ack, omit: ['x'] });
    await writer.close();
    const { records } = await readAll(folder);
    expect(records).toHaveLength(2);
    expect(records[1]!.inputs.map(({ name }) => name)).toEqual(['y']);
    expect(records[1]!.outputs).toEqual([]);
  });

  it('keeps its limits: late or excessive records are shed or dropped, and counted', async () => {
    let now = 0;
    const { writer } = openWriter({ pendingBytes: 1200, now: () => now });
    // The disk is slow: the writing thread is busy.
    const busy = Array.from({ length: 16 }, async () => await derive('', '', 200_000, 64, 'sha512'));
    const first = [writer.append(record([floats]), ack), writer.append(record([floats]), ack)];
    await nextTurn();
    now = 1500;
    expect(writer.full()).toBe(false);
    await nextTurn();
    expect(writer.full()).toBe(true);
    await expect(writer.append(record(), ack)).rejects.toMatchObject({ code: 'overloaded' });
    expect(writer.append(record(), { ...ack, overflow: 'drop' })).toBeUndefined();
    for (const one of [...first, ...busy]) await one;
    expect(writer.full()).toBe(false);
    const many = Array.from({ length: 5 }, () => writer.append(record([floats]), { ...ack, overflow: 'drop' }));
    expect(many.filter((one) => one === undefined).length).toBeGreaterThan(0);
    for (const one of many) await one;
    await writer.close();
    const { records, dropped, shed } = writer.stats();
    expect(shed).toBe(1);
    expect(records + dropped + shed).toBe(9);
  });

  it('is not full because its process had no CPU time: finished writes are noticed in the same turn', async () => {
    let now = 0;
    const { writer } = openWriter({ now: () => now });
    for (let round = 0; round < 20; round++) {
      const first = writer.append(record([floats]), ack);
      await nextTurn();
      now += 1500;
      // As if the process had been stopped until now, and this request had arrived first.
      const second = writer.append(record([floats]), ack);
      await Promise.all([first, second]);
    }
    expect(writer.stats()).toMatchObject({ records: 40, dropped: 0, shed: 0 });
  });

  it('stops at the limit of its folder and resumes when the collector has taken files', async () => {
    let now = 5000;
    const { writer, folder } = openWriter({ spoolBytes: 1, segmentBytes: 1, now: () => now });
    await writer.append(record([floats]), ack);
    now += 2000;
    await expect(writer.append(record(), ack)).rejects.toMatchObject({ code: 'overloaded' });
    for (const name of await readdir(folder)) await rm(join(folder, name));
    now += 2000;
    await writer.append(record(), ack);
    await writer.close();
  });

  it('closes an old file with records and opens its successor, but keeps an empty one', async () => {
    const { writer, folder } = openWriter({ segmentMs: 50 });
    for (let round = 0; round < 3; round += 1) {
      await writer.append(record([floats]), ack);
      await expect.poll(async () => (await readdir(folder)).length, { interval: 20 }).toBe(round + 2);
    }
    await delay(200);
    expect(await readdir(folder)).toHaveLength(4);
    await writer.close();
    expect((await readAll(folder)).records).toHaveLength(3);
  });

  it('loses no record while old files are closed', async () => {
    const { writer, folder } = openWriter({ segmentMs: 5 });
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let n = 0; n < 200; n += 1) await writer.append(record([floats]), ack);
      }),
    );
    await writer.close();
    const { records, cut } = await readAll(folder);
    expect({ records: records.length, cut }).toEqual({ records: 1600, cut: 0 });
  });

  it('reports why it cannot write, and resumes when it can', async () => {
    const errors: unknown[] = [];
    const { writer, folder } = openWriter({
      log: { ...silentLog, error: (...reported) => void errors.push(reported) },
    });
    await rm(folder, { recursive: true });
    await writeFile(folder, 'no folder');
    await expect(writer.append(record(), ack)).rejects.toMatchObject({ code: 'overloaded' });
    expect(writer.append(record(), { ...ack, policy: 'async' })).toBeUndefined();
    await writer.flush();
    expect(writer.stats()).toMatchObject({ records: 0, shed: 1, dropped: 1 });
    expect(writer.stats().problem).toMatch(/ENOTDIR/);
    // Once, not for each of thousands.
    expect(errors).toEqual([
      ['cannot capture predictions', { dropped: 0, shed: 1, reason: expect.stringContaining('ENOTDIR') as string }],
    ]);
    await rm(folder);
    expect(() => writer.full()).not.toThrow();
  });

  it('omits tensors above 16 MiB', async () => {
    const { writer, folder } = openWriter();
    const data = new Uint8Array(17 * 1024 * 1024);
    await writer.append(record([{ name: 'image', datatype: 'UINT8', shape: [1, data.length], data }]), ack);
    await writer.append(record([floats]), ack);
    await writer.close();
    const { records } = await readAll(folder);
    expect(records.map(({ cut, inputs }) => [cut, inputs.length])).toEqual([
      [true, 0],
      [false, 1],
    ]);
  });

  it('is truncated at the first damaged byte, at any position', async () => {
    const { writer, folder } = openWriter();
    for (let index = 0; index < 5; index++) await writer.append(record([floats], [floats]), ack);
    await writer.close();
    const [name] = await readdir(folder);
    const path = join(folder, name!);
    const whole = await readFile(path);
    const start = decodeHead(whole)!.bytes;
    const { records: all } = await readAll(folder);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: start, max: whole.length - 1 }), fc.boolean(), async (at, tear) => {
        const changed = Buffer.from(whole);
        changed[at]! ^= 0x10;
        await writeFile(path, changed);
        if (tear) await truncate(path, at);
        const { records } = await readAll(folder);
        expect(records).toEqual(all.slice(0, records.length));
        expect(records.length).toBeLessThan(5);
      }),
      { numRuns: 60 },
    );
  });
});
