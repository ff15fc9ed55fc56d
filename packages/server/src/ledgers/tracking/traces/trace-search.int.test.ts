import type { Span, Trace } from '@dais/api/tracking';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';
import { hex, makeSpan } from './testing/span-maker.ts';

interface Page {
  readonly items: readonly Trace[];
  readonly nextCursor?: string;
}

let world: TrackingWorld;
let home: string;
/** The names of traces by their ids. */
const names = new Map<string, string>();
const call = async <Output>(name: string, input: unknown) => await world.dais.call<Output>(name, input);
const search = async (input: object = {}) => await call<Page>('trace.search', { experimentIds: [home], ...input });
const found = async (filter: string, more: object = {}) =>
  (await search({ filter, ...more })).items.map(({ id }) => names.get(id) ?? '').toSorted((a, b) => (a < b ? -1 : 1));

const source = { type: 'CODE', id: 'test' };

beforeAll(async () => {
  world = await startTrackingWorld();
  home = await world.experiment();
  const run = await world.run(home);
  const traces = [
    { name: 'a', at: 1000, took: 10, state: 'OK', tags: { team: 'vision', 'long key': 'x' }, metadata: { m: '1' } },
    { name: 'b', at: 2000, took: 500, state: 'ERROR', tags: { team: 'Speech' }, metadata: { 'client.run': run.id } },
    { name: 'c', at: 3000, took: undefined, state: 'IN_PROGRESS', tags: {}, metadata: {} },
    { name: 'd', at: 4000, took: 20, state: 'OK', tags: { team: '' }, metadata: { m: '10' } },
  ] as const;
  const spans: Record<string, readonly Partial<Span>[]> = {
    a: [
      { name: 'answer', attributes: { 'client.type': 'CHAIN', text: 'What is "love"?' } },
      { name: 'retrieve', attributes: { 'client.type': 'RETRIEVER', 'top.k': 3, ratio: { '@': ['double', 1] } } },
    ],
    b: [{ name: 'retrieve', status: 'ERROR', message: 'no index', attributes: { list: ['x', 'y'], flag: true } }],
  };
  for (const { name, at, took, state, tags, metadata } of traces) {
    const traceId = hex(16);
    const id = `tr-${traceId}`;
    names.set(id, name);
    await call('trace.put', {
      experimentId: home,
      id,
      requestedAt: at,
      ...(took !== undefined && { durationMs: took }),
      state,
      clientRequestId: `client-${name}`,
      tags: { 'client.traceName': `trace ${name}`, ...tags },
      metadata,
    });
    const own = (spans[name] ?? []).map((more) => makeSpan(traceId, { parentId: hex(8), ...more }));
    if (own.length > 0) await call('span.log', { experimentId: home, resources: [{ spans: own }] });
    if (name === 'c') await call('trace.linkRun', { runId: run.id, ids: [id] });
    if (name === 'd') await call('trace.linkPrompts', { id, prompts: [{ name: 'greet', version: '2' }] });
    const judge = async (kind: string, about: string, value: unknown, more: object = {}) =>
      await call<{ id: string }>('assessment.create', { traceId: id, name: about, kind, value, source, ...more });
    if (name === 'a') {
      await judge('feedback', 'score', 0.5);
      await judge('feedback', 'good', true);
      await judge('expectation', 'answer', 'it is "so"');
      await judge('issue', 'issue-1', 'x');
    }
    if (name === 'b') {
      const wrong = await judge('feedback', 'score', 9);
      await judge('feedback', 'score', 2, { overrides: wrong.id });
      await judge('feedback', 'good', 'yes');
    }
  }
  names.set('run', run.id);
  const other = await world.experiment();
  await call('trace.put', { experimentId: other, requestedAt: 5, state: 'OK', tags: { team: 'vision' } });
});
afterAll(async () => await world?.stop());

test.each([
  ["status = 'OK'", ['a', 'd']],
  ["status != 'OK'", ['b', 'c']],
  ["status IN ('OK', 'ERROR')", ['a', 'b', 'd']],
  ["attributes.status LIKE 'E%'", ['b']],
  ["status RLIKE '^(ERR|IN)'", ['b', 'c']],
  ['timestamp > 1000', ['b', 'c', 'd']],
  ['timestamp_ms <= 2000 and trace.timestamp >= 2000', ['b']],
  ['execution_time >= 20', ['b', 'd']],
  ['execution_time < 10.5', ['a']],
  ['end_time = 2500', ['b']],
  ['end_time > 2999', ['c', 'd']],
  ["name = 'trace b'", ['b']],
  ["name LIKE 'trace %' and name != 'trace a'", ['b', 'c', 'd']],
  ["name IN ('trace a', 'trace d')", ['a', 'd']],
  ["client_request_id = 'client-c'", ['c']],
  ["tags.team = 'vision'", ['a']],
  ["tags.team != 'vision'", ['b', 'd']],
  ["tags.team ILIKE 'SPEECH'", ['b']],
  ["tags.team = ''", ['d']],
  ['tags.team IS NULL', ['c']],
  ['tags.`long key` IS NOT NULL', ['a']],
  ["tag.team RLIKE '^[vS]'", ['a', 'b']],
  ["metadata.m = '1'", ['a']],
  ["request_metadata.m LIKE '1%'", ['a', 'd']],
  ['metadata.m IS NULL', ['b', 'c']],
  ["prompt = 'greet/2'", ['d']],
  ["prompt = 'greet/3'", []],
  ["span.name = 'retrieve'", ['a', 'b']],
  ["span.name = 'retrieve' and span.type = 'RETRIEVER'", ['a']],
  ["span.name = 'answer' and span.type = 'RETRIEVER'", []],
  ["span.status = 'ERROR'", ['b']],
  ["span.type IN ('CHAIN', 'LLM')", ['a']],
  ["span.name RLIKE '^re.*e$'", ['a', 'b']],
  ["span.content LIKE '%no index%'", ['b']],
  ["text ILIKE '%LOVE%'", ['a']],
  ["trace.text LIKE '%retrieve%'", ['a', 'b']],
  ["span.attributes.`top.k` = '3'", ['a']],
  ["span.attributes.top.k != '4'", ['a']],
  ["span.attributes.ratio = '1'", ['a']],
  ["span.attributes.flag = 'true'", ['b']],
  ["span.attributes.list LIKE '%y%'", ['b']],
  ['span.attributes.text LIKE \'%"love"%\'', ['a']],
  ['feedback.score > 1', ['b']],
  ['feedback.score >= 0.5', ['a', 'b']],
  ["feedback.score = '2'", ['b']],
  ["feedback.score = '9'", []],
  ["feedback.good = 'true'", ['a']],
  ["feedback.good != 'true'", ['b']],
  ["feedback.good LIKE 'y%'", ['b']],
  ['feedback.good IS NULL', ['c', 'd']],
  ['expectation.answer = \'it is "so"\'', ['a']],
  ['expectation.answer IS NOT NULL', ['a']],
  ["issue.id = 'issue-1'", ['a']],
  ["experiment_id = '999999'", []],
] as const)('%s', async (filter, expected) => {
  expect(await found(filter)).toEqual(expected);
});

test('by the run of the trace, and by a linked run', async () => {
  const run = names.get('run');
  expect(await found(`run_id = '${run}'`)).toEqual(['b', 'c']);
  expect(await found(`attributes.run_id IN ('${run}', 'x')`)).toEqual(['b', 'c']);
  expect(await found(`run_id NOT IN ('${run}', 'x')`)).toEqual([]);
  expect(await found(`run_id != 'x'`)).toEqual(['b']);
  expect(await found(`metadata.\`client.run\` = '${run}'`)).toEqual(['b', 'c']);
  await call('run.delete', { id: run });
  expect(await found(`run_id = '${run}'`)).toEqual(['b', 'c']);
});

describe('orders and pages', () => {
  test.each([
    [[], 'dcba'],
    [['timestamp ASC'], 'abcd'],
    [['execution_time DESC'], 'bdac'],
    [['execution_time'], 'adbc'],
    [['status', 'timestamp DESC'], 'bcda'],
    [['name DESC'], 'dcba'],
    [['tags.team'], 'dbac'],
    [['metadata.m DESC'], 'dacb'],
    [['end_time'], 'abcd'],
    [['run_id', 'timestamp'], 'bacd'],
    [['request_id'], /^[abcd]{4}$/],
    [['experiment_id', 'name'], 'abcd'],
  ] as const)('%j', async (orderBy, expected) => {
    const all = (await search({ orderBy })).items.map(({ id }) => id);
    expect(all.map((id) => names.get(id)).join('')).toMatch(expected);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await search({ orderBy, limit: 1, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(all);
  });

  test('a cursor of another search or an invented one is rejected', async () => {
    const { nextCursor: cursor } = await search({ limit: 1 });
    expect(await codeOf(search({ limit: 1, cursor }))).toBe('ok');
    expect(await codeOf(search({ limit: 1, cursor, filter: "status = 'OK'" }))).toBe('invalid_cursor');
    expect(await codeOf(search({ cursor: 'x' }))).toBe('invalid_cursor');
  });
});

test.each([
  "status = 'OK' or status = 'ERROR'",
  "none = 'x'",
  "span.other = 'x'",
  "prompt = 'x'",
  "feedback.score > 'x'",
  "tags.team RLIKE '('",
  "tags.team RLIKE '(a)\\1'",
  "tags.team RLIKE '(?=a)'",
  "tags.team RLIKE 'a{1,9}{1,9}{1,9}'",
  `tags.team RLIKE '${'a'.repeat(201)}'`,
  "tags.team > 'x'",
])('rejects %s', async (filter) => {
  expect(await codeOf(search({ filter }))).toBe('invalid_request');
});

test.each(['text', 'client_request_id', 'span.name', 'feedback.score', 'name sideways'])(
  'rejects the order %s',
  async (key) => {
    expect(await codeOf(search({ orderBy: [key] }))).toBe('invalid_request');
  },
);

test('any filter text is either valid or rejected', async () => {
  const word = fc.constantFrom(
    'status',
    'tags.',
    'metadata.',
    'span.',
    'span.attributes.',
    'feedback.',
    'expectation.',
    'issue.id',
    'text',
    'prompt',
    'run_id',
    'timestamp',
    'name',
  );
  const tricky = fc.oneof(
    fc.constantFrom(
      "'",
      "''",
      '"',
      '`',
      '\\',
      '%',
      '_',
      ';--',
      "'; drop table tracking.trace; --",
      '$1',
      '{}',
      '"@"',
      '\u001E',
      '(',
      '[',
      '*',
      '?',
      '+',
      '{1',
      '\\d',
      '1e400',
      '-',
    ),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  );
  const operator = fc.constantFrom('=', '!=', 'LIKE', 'ILIKE', 'RLIKE', 'IN', 'NOT IN', '>', '<=', 'IS NULL');
  const clause = fc.tuple(word, tricky, operator, tricky, fc.boolean()).map(([family, key, sign, value, quote]) => {
    const subject = family.endsWith('.') ? `${family}\`${key.replaceAll('`', '``')}\`` : family;
    if (sign === 'IS NULL') return `${subject} IS NULL`;
    const text = quote ? `'${value.replaceAll("'", "''")}'` : value;
    return `${subject} ${sign} ${sign.endsWith('IN') ? `(${text})` : text}`;
  });
  await fc.assert(
    fc.asyncProperty(fc.array(clause, { minLength: 1, maxLength: 3 }), async (clauses) => {
      expect(['ok', 'invalid_request']).toContain(await codeOf(search({ filter: clauses.join(' AND ') })));
    }),
    { numRuns: 150 },
  );
});

test('counts the traces that match two filters', async () => {
  const input = { experimentIds: [home], filter1: "status = 'OK'", filter2: 'tags.team IS NOT NULL' };
  expect(await call('trace.correlate', input)).toEqual({ total: 4, count1: 2, count2: 3, both: 2 });
  expect(await call('trace.correlate', { ...input, base: 'timestamp < 4000' })).toEqual({
    total: 3,
    count1: 1,
    count2: 2,
    both: 1,
  });
  expect(await codeOf(call('trace.correlate', { ...input, filter2: 'x' }))).toBe('invalid_request');
});
