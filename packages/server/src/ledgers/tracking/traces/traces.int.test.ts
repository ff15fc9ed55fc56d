import type { Span, Trace } from '@dais/api/tracking';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';
import { AT, hex, makeSpan } from './testing/span-maker.ts';

let world: TrackingWorld;
let experimentId: string;
const call = async <Output>(name: string, input: unknown) => await world.dais.call<Output>(name, input);
const log = async (spans: readonly Span[], more: object = {}) =>
  await call('span.log', { experimentId, resources: [{ spans }], ...more });
const read = async (id: string) => await call<Trace>('trace.get', { id });
const spansOf = async (id: string, page: object = {}) =>
  await call<{ items: Span[]; nextCursor?: string }>('span.list', { id, ...page });

beforeAll(async () => {
  world = await startTrackingWorld();
  experimentId = await world.experiment();
});
afterAll(async () => await world?.stop());

describe('spans', () => {
  test('create a trace, and are returned unchanged', async () => {
    const traceId = hex(16);
    const root = makeSpan(traceId, {
      name: 'answer',
      kind: 2,
      attributes: {
        'client.inputs': { question: 'why?' },
        'client.outputs': 'because',
        'client.type': 'CHAT_MODEL',
        ratio: { '@': ['double', 1] },
        large: { '@': ['int', '9007199254740993'] },
        list: [1, 'two', null, { three: 3 }],
        'session.id': 's1',
        'client.traceTag.team': 'search',
      },
      events: [{ name: 'seen', ns: String(AT + 1n), attributes: { n: 1 } }],
      links: [{ traceId: hex(16), spanId: hex(8), attributes: {} }],
      message: 'fine',
    });
    const child = makeSpan(traceId, {
      parentId: root.id,
      name: 'think',
      startNs: String(AT - 1_000_000n),
      endNs: String(AT + 9_000_000n),
      attributes: { 'client.usage': { input_tokens: 5, output_tokens: 7 } },
    });
    await call('span.log', {
      experimentId,
      resources: [{ resource: { 'service.name': 'shop', 'telemetry.sdk.name': 'x' }, spans: [root, child] }],
    });
    const id = `tr-${traceId}`;
    expect((await spansOf(id)).items).toEqual([root, child]);
    expect(await read(id)).toEqual({
      id,
      experimentId,
      requestedAt: Number(AT / 1_000_000n) - 1,
      durationMs: 10,
      state: 'OK',
      requestPreview: '{"question": "why?"}',
      responsePreview: '"because"',
      metadata: { 'client.session': 's1' },
      tags: { 'client.traceName': 'answer', 'service.name': 'shop', team: 'search' },
      usage: { input_tokens: 5, output_tokens: 7, total_tokens: 12 },
      spans: 2,
      artifactUri: `artifacts:/${experimentId}/traces/${id}/artifacts`,
      assessments: [],
    });
  });

  test('of several requests create one trace', async () => {
    const traceId = hex(16);
    const root = makeSpan(traceId, { name: 'root', attributes: { 'client.cost': '{"total_cost": 0.5}' } });
    const child = makeSpan(traceId, {
      parentId: root.id,
      endNs: String(AT + 1_000_000n),
      attributes: { 'client.usage': { input_tokens: 3 }, 'client.cost': { total_cost: 0.25 } },
    });
    await log([child]);
    expect(await read(`tr-${traceId}`)).toMatchObject({
      state: 'IN_PROGRESS',
      durationMs: 1,
      tags: {},
      cost: { total_cost: 0.25 },
    });
    await log([root]);
    // The amount of the root span includes its descendants.
    expect(await read(`tr-${traceId}`)).toMatchObject({
      state: 'OK',
      durationMs: 5,
      spans: 2,
      tags: { 'client.traceName': 'root' },
      usage: { input_tokens: 3 },
      cost: { total_cost: 0.5 },
    });
  });

  test('are stored once when repeated, with the last values', async () => {
    const traceId = hex(16);
    const [first, second, third] = [
      makeSpan(traceId, { name: 'first', endNs: undefined }),
      makeSpan(traceId, { name: 'second', parentId: hex(8), attributes: { 'client.usage': { input_tokens: 5 } } }),
      makeSpan(traceId, { name: 'third', parentId: hex(8) }),
    ];
    await log([first, second]);
    await log([second]);
    await log([{ ...first, name: 'first again', endNs: String(AT + 1n) }, third, third]);
    await Promise.all([log([third]), log([third]), log([second, third])]);
    const { items } = await spansOf(`tr-${traceId}`);
    expect(items.map(({ name }) => name).toSorted()).toEqual(['first again', 'second', 'third']);
    expect(await read(`tr-${traceId}`)).toMatchObject({ spans: 3, usage: { input_tokens: 5 } });
  });

  test('of many traces in one request, from concurrent writers', async () => {
    const ids = Array.from({ length: 12 }, () => hex(16));
    const write = async () => {
      const order = ids.toSorted(() => Math.random() - 0.5);
      await log(order.map((traceId) => makeSpan(traceId, { parentId: hex(8) })));
    };
    await Promise.all(Array.from({ length: 8 }, write));
    const many = await call<{ items: { trace: Trace; spans: Span[] }[] }>('trace.getMany', {
      ids: ids.map((id) => `tr-${id}`),
      spans: true,
    });
    expect(many.items.map(({ trace, spans }) => [trace.spans, spans.length])).toEqual(ids.map(() => [8, 8]));
  });

  test('are returned in pages', async () => {
    const traceId = hex(16);
    const all = Array.from({ length: 7 }, (_, n) => makeSpan(traceId, { name: `s${n}` }));
    await log(all.slice(0, 3));
    await log(all.slice(3));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await spansOf(`tr-${traceId}`, { limit: 2, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(all.map(({ name }) => name));
    expect(await codeOf(spansOf(`tr-${traceId}`, { cursor: 'x' }))).toBe('invalid_cursor');
  });

  test('odd names and texts', async () => {
    const traceId = hex(16);
    const name = 'a "b" \\ {c,d} \u001E \n é 🎉 NULL';
    await log([
      makeSpan(traceId, { name, attributes: { 'k"\\': 'v\u0001\\u0000', constructor: 'x' }, parentId: hex(8) }),
    ]);
    const [span] = (await spansOf(`tr-${traceId}`)).items;
    expect(span).toMatchObject({
      name: name.replace('\u001E', ' '),
      attributes: { 'k"\\': 'v\u0001\\u0000', constructor: 'x' },
    });
  });

  test.each([
    { traceId: '0'.repeat(32) },
    { traceId: 'x' },
    { id: '0'.repeat(16) },
    { startNs: '99999999999999999999' },
    { startNs: '9999999999999999999' },
    { endNs: '-1' },
  ])('rejects %j', async (wrong) => {
    expect(await codeOf(log([{ ...makeSpan(hex(16)), ...wrong }]))).toBe('invalid_request');
  });

  test('are rejected for a missing or deleted experiment', async () => {
    const gone = await world.experiment();
    const input = { resources: [{ spans: [makeSpan(hex(16))] }] };
    expect(await codeOf(call('span.log', { experimentId: '999999', ...input }))).toBe('not_found');
    await call('experiment.delete', { id: gone });
    expect(await codeOf(call('span.log', { experimentId: gone, ...input }))).toBe('invalid_state');
    expect(await codeOf(call('span.log', { experimentId: '0', ...input }))).toBe('ok');
  });
});

describe('trace info of the client', () => {
  const put = async (id: string, more: object = {}) =>
    await call<Trace>('trace.put', { experimentId, id, requestedAt: 1000, durationMs: 20, state: 'OK', ...more });

  test('takes precedence over values in spans, in any order', async () => {
    for (const order of ['spans first', 'spans last']) {
      const traceId = hex(16);
      const id = `tr-${traceId}`;
      const spans = [
        makeSpan(traceId, { name: 'root', attributes: { 'client.usage': { input_tokens: 1 }, 'client.inputs': 'in' } }),
      ];
      if (order === 'spans first') await log(spans);
      await put(id, { tags: { 'client.traceName': 'checkout' }, usage: { input_tokens: 9 }, requestPreview: 'q' });
      if (order === 'spans last') await log(spans);
      expect({ order, ...(await read(id)) }).toMatchObject({
        order,
        requestedAt: 1000,
        durationMs: 20,
        state: 'OK',
        tags: { 'client.traceName': 'checkout' },
        usage: { input_tokens: 9 },
        requestPreview: 'q',
        spans: 1,
      });
    }
  });

  test('is stored once when repeated, with the last values', async () => {
    const id = `tr-${hex(16)}`;
    const assessments = [{ id: 'a-1', name: 'good', kind: 'feedback', value: true, source: { type: 'CODE', id: 'x' } }];
    await put(id, { metadata: { a: '1' }, tags: { t: '1' }, assessments });
    const again = await put(id, { state: 'ERROR', metadata: { b: '2' }, tags: { t: '2' }, assessments });
    expect(again).toMatchObject({ state: 'ERROR', metadata: { a: '1', b: '2' }, tags: { t: '2' } });
    expect(again.assessments).toHaveLength(1);
  });

  test('has a start and an end', async () => {
    const { id } = await call<Trace>('trace.put', { experimentId, requestedAt: 1000, state: 'IN_PROGRESS' });
    expect(id).toMatch(/^tr-[0-9a-f]{32}$/);
    const ended = await call<Trace>('trace.end', {
      id,
      endedAt: 1500,
      state: 'ERROR',
      metadata: { 'client.run': 'r1' },
    });
    expect(ended).toMatchObject({ durationMs: 500, state: 'ERROR', metadata: { 'client.run': 'r1' } });
    expect(await codeOf(call('trace.end', { id: 'tr-none', endedAt: 1, state: 'OK' }))).toBe('not_found');
  });

  test('tags are set and removed', async () => {
    const { id } = await put(`tr-${hex(16)}`);
    await call('trace.tag', { id, tags: { a: '1', b: '2' } });
    await call('trace.untag', { id, key: 'a' });
    expect((await read(id)).tags).toEqual({ b: '2' });
    expect(await codeOf(call('trace.untag', { id, key: 'a' }))).toBe('not_found');
    expect(await codeOf(call('trace.tag', { id: 'tr-none', tags: {} }))).toBe('not_found');
  });
});

describe('assessments', () => {
  const source = { type: 'HUMAN', id: 'ada' };
  const judge = async (traceId: string, more: object) =>
    await call<{ id: string; valid: boolean }>('assessment.create', {
      traceId,
      name: 'correct',
      kind: 'feedback',
      source,
      ...more,
    });
  const newTrace = async () =>
    (await call<Trace>('trace.put', { experimentId, requestedAt: 1, durationMs: 1, state: 'OK' })).id;

  test('are created, read, changed and deleted', async () => {
    const traceId = await newTrace();
    const value = { score: 0.5, why: ['a', null, true] };
    const { id } = await judge(traceId, { value, rationale: 'r', metadata: { m: '1' } });
    expect(await call('assessment.get', { traceId, id })).toMatchObject({ value, rationale: 'r', valid: true, source });
    await call('assessment.update', { traceId, id, name: 'better', value: 1, metadata: { n: '2' } });
    expect((await read(traceId)).assessments).toMatchObject([
      { id, name: 'better', value: 1, rationale: 'r', metadata: { m: '1', n: '2' } },
    ]);
    expect(await codeOf(call('assessment.update', { traceId, id, kind: 'expectation', value: 1 }))).toBe(
      'invalid_request',
    );
    await call('assessment.delete', { traceId, id });
    await call('assessment.delete', { traceId, id });
    expect(await codeOf(call('assessment.get', { traceId, id }))).toBe('not_found');
    expect((await read(traceId)).assessments).toEqual([]);
  });

  test('can be corrected by another one, and are valid again when the correction is deleted', async () => {
    const traceId = await newTrace();
    const wrong = await judge(traceId, { value: true });
    const right = await judge(traceId, { value: false, overrides: wrong.id });
    const valid = async () => (await read(traceId)).assessments.map((one) => [one.id, one.valid]);
    expect(await valid()).toEqual([
      [wrong.id, false],
      [right.id, true],
    ]);
    await call('assessment.delete', { traceId, id: right.id });
    expect(await valid()).toEqual([[wrong.id, true]]);
    expect(await codeOf(judge(traceId, { value: 1, overrides: 'a-none' }))).toBe('not_found');
  });

  test('rejects invalid values', async () => {
    const traceId = await newTrace();
    expect(await codeOf(judge('tr-none', { value: 1 }))).toBe('not_found');
    expect(await codeOf(judge(traceId, { value: 'x'.repeat(70_000) }))).toBe('invalid_request');
    expect(await codeOf(judge(traceId, { value: 1, name: '' }))).toBe('invalid_request');
    await judge(traceId, { id: 'a-mine', value: 1 });
    expect(await codeOf(judge(traceId, { id: 'a-mine', value: 1 }))).toBe('already_exists');
  });
});

describe('deleting', () => {
  test('by ids, by time and by number, with all dependent rows', async () => {
    const home = await world.experiment();
    const ids: string[] = [];
    for (const requestedAt of [100, 200, 300, 400]) {
      const traceId = hex(16);
      const input = { experimentId: home, id: `tr-${traceId}`, requestedAt, durationMs: 1, state: 'OK' };
      ids.push((await call<Trace>('trace.put', input)).id);
      await call('span.log', { experimentId: home, resources: [{ spans: [makeSpan(traceId)] }] });
    }
    const remove = async (input: object) =>
      (await call<{ deleted: number }>('trace.delete', { experimentId: home, ...input })).deleted;
    const left = async () =>
      (await call<{ items: Trace[] }>('trace.search', { experimentIds: [home], orderBy: ['timestamp'] })).items.map(
        ({ id }) => ids.indexOf(id),
      );
    expect(await remove({ before: 300, limit: 1 })).toBe(1);
    expect(await left()).toEqual([1, 2, 3]);
    expect(await remove({ ids: [ids[3], 'tr-none'] })).toBe(1);
    expect(await remove({ before: 250 })).toBe(1);
    expect(await left()).toEqual([2]);
    expect(await codeOf(remove({}))).toBe('invalid_request');
    expect(await codeOf(remove({ before: 1, ids: [] }))).toBe('invalid_request');
    const [rows] = await world.test.asAdmin(
      `select count(*)::int as n from tracking.trace_spans b where not exists (select from tracking.trace t where t.num = b.trace)`,
    );
    expect(rows).toEqual({ n: 0 });
  });
});

test('traces block the deletion of their project until their experiment is deleted', async () => {
  await world.dais.apply([manifest('Project', 'short')]);
  const context = { projects: ['short'] };
  const inside = async (name: string, input: object) => await world.dais.call<{ id: string }>(name, input, context);
  const { id } = await inside('experiment.create', { name: 'e' });
  await inside('span.log', { experimentId: id, resources: [{ spans: [makeSpan(hex(16))] }] });
  await inside('experiment.delete', { id });
  await inside('span.log', { experimentId: '0', resources: [{ spans: [makeSpan(hex(16))] }] });
  const remove = async () => await call('project.delete', { name: 'short' });
  await expect(remove()).rejects.toMatchObject({ code: 'still_referenced', message: expect.stringMatching(/1 trace/) });
  await inside('trace.delete', { experimentId: '0', before: 9_000_000_000_000 });
  expect(await codeOf(remove())).toBe('ok');
});
