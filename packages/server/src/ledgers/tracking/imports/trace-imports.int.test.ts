import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EvaluationDataset, Scorer, Span, Trace } from '@dais/api/tracking';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

const SOURCE = 'http://elsewhere';
const CREATED = 1_600_000_000_000;
const HEX = 'ab'.repeat(16);
const ID = `tr-${HEX}`;

let world: TrackingWorld;
let experimentId: string;
beforeAll(async () => {
  world = await startTrackingWorld();
  experimentId = await world.experiment('of imports');
});
afterAll(async () => await world.stop());

const call = async <T>(name: string, input: unknown) => await world.dais.call<T>(name, input);

const span = (n: number, more: object = {}) => ({
  traceId: HEX,
  id: String(n).padStart(16, '0'),
  ...(n > 1 && { parentId: '1'.padStart(16, '0') }),
  name: `step ${n}`,
  startNs: `${CREATED}000000`,
  endNs: `${CREATED + n}000001`,
  status: 'OK',
  attributes: { 'client.type': 'TOOL', whole: { '@': ['double', 2] }, large: { '@': ['int', '9007199254740993'] } },
  ...more,
});

const trace = (more: object = {}) => ({
  source: SOURCE,
  experimentId,
  id: ID,
  requestedAt: CREATED,
  durationMs: 12,
  state: 'ERROR',
  requestPreview: 'why?',
  metadata: { 'client.run': 'a'.repeat(32), m: '1' },
  tags: { 'client.traceName': 'ask', t: '1' },
  usage: { input_tokens: 7 },
  ...more,
});

const judged = {
  id: 'a-1',
  name: 'correct',
  kind: 'feedback',
  value: 0.5,
  source: { type: 'HUMAN', id: 'ada' },
  valid: false,
  createdAt: CREATED + 1,
  updatedAt: CREATED + 2,
};

test('a trace keeps its times, spans, assessments and links, and a repeated import changes nothing', async () => {
  const input = trace({
    spans: [span(1), span(2)],
    assessments: [judged, { ...judged, id: 'a-2', overrides: 'a-1', valid: true, createdAt: CREATED + 3 }],
    runIds: ['b'.repeat(32)],
    prompts: ['greet/1'],
  });
  const reported: unknown[] = [];
  for (const _time of [1, 2]) reported.push(await call('import.trace', input));
  expect(reported).toEqual([1, 2].map(() => expect.objectContaining({ id: ID, spans: 2 })));
  const found = await call<Trace>('trace.get', { id: ID });
  expect(found).toMatchObject({
    experimentId,
    requestedAt: CREATED,
    durationMs: 12,
    state: 'ERROR',
    requestPreview: 'why?',
    metadata: input.metadata,
    tags: input.tags,
    usage: { input_tokens: 7 },
    spans: 2,
    assessments: [
      { id: 'a-1', value: 0.5, valid: false, createdAt: CREATED + 1, updatedAt: CREATED + 2 },
      { id: 'a-2', overrides: 'a-1', valid: true },
    ],
  });
  const { items } = await call<{ items: Span[] }>('span.list', { id: ID });
  expect(items).toEqual([span(1), span(2)]);
  expect(await call('trace.links', { ids: [ID, 'tr-none'] })).toEqual({
    items: [{ id: ID, runIds: ['b'.repeat(32)], prompts: ['greet/1'] }],
  });
});

test('further calls add spans without changing the trace, and repeated spans are not duplicated', async () => {
  const before = await call<Trace>('trace.get', { id: ID });
  const spans = [span(2, { name: 'changed' }), span(3, { attributes: { 'client.usage': '{"input_tokens": 1000}' } })];
  expect(await call('import.spans', { id: ID, spans })).toEqual({ spans: 3 });
  expect(await call<Trace>('trace.get', { id: ID })).toEqual({ ...before, spans: 3 });
  const { items } = await call<{ items: Span[] }>('span.list', { id: ID });
  expect(items.map(({ name }) => name)).toEqual(['step 1', 'changed', 'step 3']);
  await expect(call('import.spans', { id: 'tr-none', spans })).rejects.toMatchObject({ code: 'not_found' });
});

test('local additions are kept, and values of the source take precedence', async () => {
  await call('trace.tag', { id: ID, tags: { t: 'here', mine: 'x' } });
  await call('import.trace', trace({ tags: { t: 'there' }, state: 'OK' }));
  const found = await call<Trace>('trace.get', { id: ID });
  expect(found).toMatchObject({ state: 'OK', tags: { t: 'there', mine: 'x', 'client.traceName': 'ask' }, spans: 3 });
  expect(found.assessments).toHaveLength(2);
});

test('a trace of another or a missing experiment is rejected', async () => {
  const other = await world.experiment('another one');
  await expect(call('import.trace', trace({ experimentId: other }))).rejects.toMatchObject({ code: 'already_exists' });
  await expect(call('import.trace', trace({ experimentId: '999999', id: 'tr-1' }))).rejects.toMatchObject({
    code: 'not_found',
  });
});

const dataset = (more: object = {}) => ({
  source: SOURCE,
  id: `d-${'1'.repeat(32)}`,
  name: 'questions',
  digest: 'abcdef01',
  schema: { inputs: { q: 'string' }, outputs: {}, expectations: {} },
  experimentIds: [experimentId],
  tags: { team: 'air' },
  createdAt: CREATED,
  updatedAt: CREATED + 9,
  createdBy: 'ada',
  ...more,
});
const record = (n: number, more: object = {}) => ({
  id: `dr-${n}`,
  inputs: { q: `question ${n}` },
  outputs: null,
  tags: {},
  createdAt: CREATED + n,
  updatedAt: CREATED + n,
  ...more,
});

test('an evaluation dataset keeps its id, digest and times, and its records keep theirs', async () => {
  const { id } = await call<{ id: string }>('import.evaluationDataset', dataset());
  const records = [record(1), record(2, { expectations: { a: 1 }, source: { type: 'TRACE', data: { trace_id: ID } } })];
  for (const _time of [1, 2]) expect(await call('import.evaluationRecords', { id, records })).toEqual({ records: 2 });
  expect(await call<EvaluationDataset>('evaluationDataset.get', { id })).toMatchObject({
    name: 'questions',
    digest: 'abcdef01',
    records: 2,
    experimentIds: [experimentId],
    tags: { team: 'air' },
    createdAt: CREATED,
    updatedAt: CREATED + 9,
    createdBy: 'ada',
  });
  const { items } = await call<{ items: object[] }>('evaluationDataset.records', { id });
  expect(items).toEqual(records);
  const again = record(2, { id: 'dr-2b', outputs: 'changed there' });
  expect(await call('import.evaluationRecords', { id, records: [again] })).toEqual({ records: 2 });
  const changed = await call<{ items: object[] }>('evaluationDataset.records', { id });
  expect(changed.items).toEqual([records[0], again]);
  await expect(call('import.evaluationDataset', dataset({ experimentIds: ['999999'] }))).rejects.toMatchObject({
    code: 'not_found',
  });
});

test('versions of a scorer keep their numbers, and new versions continue after them', async () => {
  const version = (n: number) => ({
    source: SOURCE,
    experimentId,
    name: 'polite',
    id: 'c0ffee',
    version: n,
    definition: `{"n": ${n}}`,
    createdAt: CREATED + n,
  });
  for (const n of [1, 3, 3]) await call('import.scorer', version(n));
  const { items } = await call<{ items: Scorer[] }>('scorer.versions', { experimentId, name: 'polite' });
  expect(items.map((one) => [one.id, one.version, one.definition, one.createdAt])).toEqual([
    ['c0ffee', 1, '{"n": 1}', CREATED + 1],
    ['c0ffee', 3, '{"n": 3}', CREATED + 3],
  ]);
  const next = await call<Scorer>('scorer.register', { experimentId, name: 'polite', definition: '{}' });
  expect(next.version).toBe(4);
});
