import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

let world: TrackingWorld;
let experimentId: string;

const call = async <T>(name: string, input: unknown) => await world.dais.call<T>(name, input);

/** Ten traces, a minute apart: the n-th took n ms, and used n tokens. */
beforeAll(async () => {
  world = await startTrackingWorld();
  experimentId = await world.experiment('measured');
  for (let n = 1; n <= 10; n++) {
    const hex = n.toString(16).padStart(32, '0');
    const at = START + n * MINUTE;
    const span = (id: number, more: object) => ({
      traceId: hex,
      id: id.toString(16).padStart(16, '0'),
      name: n % 2 === 0 ? 'even' : 'odd',
      startNs: `${at}000000`,
      endNs: `${at + n}000000`,
      status: 'OK',
      ...more,
    });
    const cost = { 'client.model': n > 5 ? 'large' : 'small', 'client.cost': JSON.stringify({ total_cost: n / 4 }) };
    const spans = [
      span(1, { attributes: { 'client.type': 'CHAIN', 'client.usage': JSON.stringify({ input_tokens: n }) } }),
      span(2, { parentId: '1'.padStart(16, '0'), attributes: { 'client.type': 'LLM', ...cost } }),
    ];
    await call('span.log', { experimentId, resources: [{ spans }] });
    const id = `tr-${hex}`;
    await call('trace.put', {
      experimentId,
      id,
      requestedAt: at,
      durationMs: n,
      state: n === 10 ? 'ERROR' : 'OK',
      tags: { team: n <= 3 ? 'air' : 'sea' },
      ...(n <= 4 && { metadata: { 'client.session': `s${n % 2}` } }),
    });
    const source = { type: 'HUMAN', id: 'ada' };
    const assessment = { traceId: id, name: 'right', kind: 'feedback', source };
    if (n <= 3) await call('assessment.create', { ...assessment, value: n === 1 ? 'yes' : n });
    if (n === 4) {
      const { id: overrides } = await call<{ id: string }>('assessment.create', { ...assessment, value: 100 });
      await call('assessment.create', { ...assessment, value: true, overrides });
    }
  }
});
afterAll(async () => await world.stop());

interface Answer {
  readonly points: readonly { time?: number; dimensions: Record<string, string>; values: (number | null)[] }[];
  readonly more: boolean;
}

async function request(
  view: string,
  metric: string,
  types: readonly (string | number)[],
  more: object = {},
): Promise<Answer> {
  const aggregations = types.map((type) =>
    typeof type === 'number' ? { type: 'percentile', percentile: type } : { type },
  );
  return await call<Answer>('trace.metrics', { experimentIds: [experimentId], view, metric, aggregations, ...more });
}

const point = (values: readonly (number | null)[], dimensions: object = {}) => ({ dimensions, values });

describe('of traces', () => {
  test('count by name and state, with a filter', async () => {
    expect(await request('traces', 'trace_count', ['count'])).toEqual({ points: [point([10])], more: false });
    const { points } = await request('traces', 'trace_count', ['count'], {
      dimensions: ['trace_name', 'trace_status'],
    });
    expect(points).toEqual([
      point([1], { trace_name: 'even', trace_status: 'ERROR' }),
      point([4], { trace_name: 'even', trace_status: 'OK' }),
      point([5], { trace_name: 'odd', trace_status: 'OK' }),
    ]);
    const filters = [{ of: 'tag', key: 'team', value: 'air' }];
    expect((await request('traces', 'trace_count', ['count'], { filters })).points).toEqual([point([3])]);
  });

  test('duration, with interpolated percentiles', async () => {
    const { points } = await request('traces', 'latency', ['avg', 'min', 'max', 50, 90]);
    expect(points).toEqual([point([5.5, 1, 10, 5.5, 9.1])]);
  });

  test('tokens and sessions', async () => {
    expect((await request('traces', 'input_tokens', ['sum'], { dimensions: ['trace_name'] })).points).toEqual([
      point([30], { trace_name: 'even' }),
      point([25], { trace_name: 'odd' }),
    ]);
    expect((await request('traces', 'session_count', ['count'])).points).toEqual([point([2])]);
  });

  test('by time intervals, up to the limit', async () => {
    const interval = { intervalSeconds: 300, from: START, to: START + 60 * MINUTE };
    const { points } = await request('traces', 'trace_count', ['count'], interval);
    expect(points).toEqual([
      { time: START, ...point([4]) },
      { time: START + 5 * MINUTE, ...point([5]) },
      { time: START + 10 * MINUTE, ...point([1]) },
    ]);
    expect(await request('traces', 'trace_count', ['count'], { ...interval, limit: 2 })).toEqual({
      points: points.slice(0, 2),
      more: true,
    });
    const within = { from: START + 2 * MINUTE, to: START + 3 * MINUTE };
    expect((await request('traces', 'trace_count', ['count'], within)).points).toEqual([point([2])]);
  });

  test('without traces: no groups and no numbers', async () => {
    const none = { filters: [{ of: 'status', value: 'IN_PROGRESS' }] };
    expect((await request('traces', 'trace_count', ['count'], none)).points).toEqual([point([0])]);
    expect((await request('traces', 'latency', ['avg', 50], none)).points).toEqual([point([null, null])]);
    expect((await request('traces', 'trace_count', ['count'], { experimentIds: [] })).points).toEqual([point([0])]);
  });
});

test('of spans: count by type, duration, and cost by model', async () => {
  expect((await request('spans', 'span_count', ['count'], { dimensions: ['span_type'] })).points).toEqual([
    point([10], { span_type: 'CHAIN' }),
    point([10], { span_type: 'LLM' }),
  ]);
  const even = { filters: [{ of: 'span.name', value: 'even' }] };
  expect((await request('spans', 'latency', ['avg'], even)).points).toEqual([point([6])]);
  expect((await request('spans', 'total_cost', ['sum'], { dimensions: ['span_model_name'] })).points).toEqual([
    point([10], { span_model_name: 'large' }),
    point([3.75], { span_model_name: 'small' }),
  ]);
});

test('of assessments: valid ones, with text and booleans as numbers', async () => {
  expect((await request('assessments', 'assessment_count', ['count'])).points).toEqual([point([4])]);
  const named = { dimensions: ['assessment_name'] };
  expect((await request('assessments', 'assessment_value', ['avg', 'max'], named)).points).toEqual([
    point([1.75, 3], { assessment_name: 'right' }),
  ]);
});

test.each([
  ['traces', 'colour', ['count'], {}],
  ['traces', 'latency', ['sum'], {}],
  ['traces', 'latency', ['percentile'], {}],
  ['traces', 'session_count', ['count'], { dimensions: ['trace_name'] }],
  ['traces', 'latency', ['avg'], { intervalSeconds: 60 }],
  ['traces', 'latency', ['avg'], { filters: [{ of: 'span.name', value: 'x' }] }],
])('rejects %s %s %j %j', async (view, metric, types, more) => {
  await expect(request(view, metric, types, more)).rejects.toMatchObject({ code: 'invalid_request' });
});
