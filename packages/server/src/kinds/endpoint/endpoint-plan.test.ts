import { endpointSpec } from '@dais/api/serving';
import { expect, test } from 'vitest';
import type { EndpointFacts, FoundModel, ModelState, RolloutRow } from '#ledgers/serving/index.ts';
import { planEndpoint } from './endpoint-plan.ts';

const found = (version: number): FoundModel => ({
  id: `id${version}`,
  label: `models:/m/${version}`,
  name: 'm',
  version: String(version),
  aliases: [],
  artifacts: 'a',
  files: [],
});
const rollout = (more: Partial<RolloutRow> = {}): RolloutRow => ({
  id: 'r',
  endpoint: 'u',
  endpoint_name: 'e',
  state: 'running',
  from_model: 'id1',
  from_label: 'models:/m/1',
  to_model: 'id2',
  to_label: 'models:/m/2',
  cause: 'deploy',
  weights: [10, 100],
  step: 1,
  automatic: true,
  reason: '',
  evidence: null,
  analysis: null,
  open_interval: null,
  started_by: 'user:ada',
  started_at: new Date(0),
  ended_by: null,
  ended_at: null,
  ...more,
});
const ready = (version: number, state: ModelState['state'] = 'ready'): [string, ModelState] => [
  `id${version}`,
  {
    label: `models:/m/${version}`,
    version: String(version),
    state,
    ...(state === 'failed' && { message: 'no such operator' }),
  },
];
const step = (requests: number, failed = 0) => {
  const figures = (count: number, bad: number) => ({ requests: count, failed: bad, p50Ms: 1, p99Ms: 2 });
  const counters = (count: number, bad: number) => ({ requests: count, failed: bad, latency: [count] });
  const [stable, canary] = [counters(1000, 0), counters(requests, failed)];
  const now = { at: 3_600_000, from: 3_540_000, stable, canary };
  return {
    startedMs: 0,
    stable: figures(1000, 0),
    canary: figures(requests, failed),
    counters: now,
    interval: { startedMs: 3_590_000, stable, canary },
  };
};

function plan(more: Partial<Omit<EndpointFacts, 'row'>> & { readonly row?: Partial<EndpointFacts['row']> }) {
  const { row, ...facts } = more;
  const resource = { metadata: { uid: 'u', name: 'e' }, spec: {} } as never;
  return planEndpoint(resource, {
    nowMs: 3_600_000,
    target: found(2),
    others: {},
    rollout: undefined,
    step: undefined,
    lastReason: undefined,
    states: new Map([ready(1), ready(2)]),
    canTest: true,
    live: true,
    taken: true,
    ...facts,
    row: {
      uid: 'u',
      project_id: 'p',
      name: 'e',
      spec: endpointSpec.parse({ model: 'models:/m@champion' }),
      revision: 1n,
      stable: 'id1',
      previous: null,
      rejected: null,
      active: {},
      pending: {},
      request: { by: 'system:dais', cause: 'alias' },
      quarantined: {},
      model_references: {},
      refused: {},
      ...row,
    },
  });
}
const effects = (more: Parameters<typeof plan>[0]) => plan(more).effects.map((one) => one.do);

test('an unknown version is described first, then its rollout starts', () => {
  expect(effects({ states: new Map([ready(1)]).set('id2', { label: 'id2', state: 'unknown' }) })).toEqual(['describe']);
  expect(effects({})).toEqual(['start']);
  expect(effects({ target: found(1) })).toEqual([]);
});

test('a remote version waits for its server before it has traffic, and is rolled back when the server leaves it later', () => {
  const away = (version: number): [string, ModelState] => {
    const [id, state] = ready(version, 'failed');
    return [id, { ...state, isRemote: true, isAway: true, message: 'The model server is not ready: it refuses.' }];
  };
  const waiting = plan({ rollout: rollout({ step: 0 }), states: new Map([ready(1), away(2)]) });
  expect(waiting).toMatchObject({
    effects: [],
    status: { rollout: { message: 'models:/m/2 is not ready. The model server is not ready: it refuses.' } },
  });
  expect(effects({ rollout: rollout({ step: 1 }), states: new Map([ready(1), away(2)]) })).toEqual(['end']);
  const stopped = plan({ target: found(1), states: new Map([away(1)]) });
  expect(stopped).toMatchObject({
    effects: [],
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'ServerNotReady',
        message: 'models:/m/1 is not ready. The model server is not ready: it refuses.',
      },
      { type: 'Current', status: 'True' },
    ],
  });
  const row = { active: { b: 'id2' } };
  const served = plan({ target: found(1), others: { b: found(2) }, row, states: new Map([ready(1), away(2)]) });
  expect(served.conditions[0]).toMatchObject({
    status: 'True',
    message: expect.stringContaining('Variant b is not ready. The model server') as string,
  });
  // The status must name the server within 10 s.
  for (const { recheckAfterMs = Infinity } of [stopped, served]) expect(recheckAfterMs).toBeLessThanOrEqual(2000);
});

test('it waits until the version is loaded, then tests it; one that does not load is rolled back', () => {
  const begun = rollout({ step: 0 });
  expect(effects({ rollout: begun, states: new Map([ready(1), ready(2, 'loading')]) })).toEqual([]);
  expect(effects({ rollout: begun })).toEqual(['smoke']);
  // A node that only runs controllers has no gateway, and may reach no other one.
  expect(plan({ rollout: begun, canTest: false })).toMatchObject({
    effects: [],
    status: { rollout: { message: expect.stringContaining('a gateway that can test it') as string } },
  });
  const failed = plan({ rollout: begun, states: new Map([ready(1), ready(2, 'failed')]) });
  expect(failed.effects).toMatchObject([
    { do: 'end', state: 'rolledBack', result: { message: expect.stringContaining('no such operator') as string } },
  ]);
  expect(failed.conditions[0]).toMatchObject({ type: 'Ready', status: 'True' });
});

test('it gets no traffic before the gateways of all nodes have it, and the status counts them', () => {
  const begun = rollout({ step: 0 });
  const gateways = { ready: 2, live: 3, waiting: ['c.internal'] };
  const message = '2 of 3 gateways ready. Missing: c.internal: loading.';
  const state = { label: 'models:/m/2', version: '2', state: 'loading', gateways, message } as const;
  const waiting = plan({ rollout: begun, states: new Map([ready(1)]).set('id2', state) });
  expect(waiting.effects).toEqual([]);
  expect(waiting.status).toMatchObject({
    variants: [{ name: 'stable' }, { name: 'canary', state: 'loading', gateways }],
    rollout: { message: `models:/m/2: ${message}` },
  });
  const serving = { ...state, state: 'ready' } as const;
  expect(plan({ row: { stable: 'id2' }, states: new Map([['id2', serving]]) }).conditions[0]).toMatchObject({
    status: 'True',
    message: `models:/m/2 is serving. ${message}`,
  });
});

test('steps follow each other while it passes; it rolls back when it fails', () => {
  expect(effects({ rollout: rollout(), step: step(10) })).toEqual([]);
  // Each interval is recorded before the decision that is based on it.
  expect(effects({ rollout: rollout(), step: step(100) })).toEqual(['recordInterval', 'advance']);
  expect(effects({ rollout: rollout({ step: 2 }), step: step(100) })).toEqual(['recordInterval', 'promote']);
  expect(effects({ rollout: rollout(), step: step(100, 50) })).toEqual(['recordInterval', 'end']);
  expect(effects({ rollout: rollout(), step: { ...step(100), interval: undefined } })).toEqual(['openInterval']);
  expect(effects({ rollout: rollout({ automatic: false }), step: step(100) })).toEqual([]);
  expect(effects({ rollout: rollout({ state: 'paused' }), step: step(100, 50) })).toEqual([]);
  expect(effects({ rollout: rollout(), step: step(100), live: false })).toEqual([]);
});

test('a shadow that is loading is rechecked soon', () => {
  const spec = endpointSpec.parse({ model: 'models:/m/1', shadow: [{ name: 's', model: 'models:/m/2' }] });
  const copied = (state: ModelState['state']) =>
    plan({
      target: found(1),
      others: { s: found(2) },
      row: { spec, active: { s: 'id2' } },
      states: new Map([ready(1), ready(2, state)]),
    });
  expect(copied('loading').recheckAfterMs).toBeLessThan(1000);
  expect(copied('ready').recheckAfterMs).toBeGreaterThan(1000);
});

test('a version that was rolled back is not retried automatically; another version starts a rollout', () => {
  const held = plan({ row: { rejected: 'id2' }, lastReason: 'It was slow.' });
  expect(held.effects).toEqual([]);
  expect(held.conditions[1]).toMatchObject({
    reason: 'HeldBack',
    message: expect.stringContaining('It was slow.') as string,
  });
  expect(effects({ row: { rejected: 'id3' } })).toEqual(['start']);
  expect(effects({ target: found(1), rollout: rollout() })).toEqual(['end']);
  expect(
    effects({
      row: { rejected: 'id1' },
      rollout: rollout({ cause: 'rollback', to_model: 'id2', step: 0 }),
      target: found(1),
    }),
  ).toEqual(['promote']);
});

test('a missing model is reported, and the active version keeps serving', () => {
  const { conditions } = plan({ target: { problem: 'There is no Model "m".' } });
  expect(conditions).toMatchObject([
    { type: 'Ready', status: 'True' },
    { type: 'Current', reason: 'ModelNotFound' },
  ]);
  expect(plan({ target: { problem: 'no' }, row: { stable: null } }).conditions[0]).toMatchObject({ status: 'False' });
});

test('an endpoint is ready once the gateway sends requests to the serving version, not when its model is loaded', () => {
  for (const state of ['ready', 'idle'] as const) {
    const states = new Map([ready(1, state), ready(2)]);
    const { conditions, recheckAfterMs } = plan({ target: found(1), states, taken: false });
    expect(conditions[0]).toMatchObject({ type: 'Ready', status: 'False', reason: 'Loading' });
    expect(recheckAfterMs).toBeLessThan(1000);
    expect(plan({ target: found(1), states }).conditions[0]).toMatchObject({ type: 'Ready', status: 'True' });
  }
});

test('a variant whose alias references a blocked model keeps its version, reports the reason, and is evaluated again after a minute', () => {
  const refused = { model: 'id3', label: 'models:/m/3', reason: 'Policy "p": No.', at: 3_600_000 - 59_000 };
  const facts = {
    target: found(1),
    others: { challenger: found(3) },
    states: new Map([ready(1), ready(2), ready(3)]),
  };
  const row = {
    spec: endpointSpec.parse({ model: 'models:/m/1', variants: [{ name: 'challenger', model: 'models:/m@next' }] }),
    active: { challenger: 'id2' },
    refused: { challenger: refused },
  };
  const held = plan({ ...facts, row });
  expect(held.effects).toEqual([]);
  expect(held.conditions).toContainEqual(
    expect.objectContaining({
      type: 'Current',
      status: 'False',
      reason: 'VariantHeldBack',
      message: 'Variant challenger does not serve models:/m/3. Policy "p": No.',
    }),
  );
  expect(held.status).toMatchObject({
    variants: [
      { name: 'stable' },
      { name: 'challenger', model: 'models:/m/2', message: 'models:/m/3 is blocked. Policy "p": No.' },
    ],
  });
  expect(plan({ ...facts, nowMs: 3_601_000, row }).effects).toEqual([{ do: 'reevaluate', variants: ['challenger'] }]);
  // The alias names another model now.
  expect(plan({ ...facts, others: { challenger: found(2) }, row }).conditions).toContainEqual(
    expect.objectContaining({ type: 'Current', status: 'True' }),
  );
  expect(plan({ ...facts, row: { ...row, refused: {} } }).effects).toEqual([
    { do: 'activate', active: { challenger: 'id3' } },
  ]);
});

test('a model with damaged files starts no rollout, and the endpoint reports the reason', () => {
  const damaged: ModelState = {
    label: 'models:/m/2',
    state: 'failed',
    isUnreadable: true,
    message: 'MLmodel is damaged.',
  };
  const { effects, conditions } = plan({
    row: { stable: null },
    states: new Map([['id2', damaged]]),
    lastReason: 'an earlier one',
  });
  expect(effects).toEqual([]);
  expect(conditions).toContainEqual(
    expect.objectContaining({
      type: 'Ready',
      status: 'False',
      message: 'models:/m/2 cannot be loaded. MLmodel is damaged.',
    }),
  );
});
