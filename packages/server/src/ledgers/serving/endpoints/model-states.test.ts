import { expect, test } from 'vitest';
import { GatewayWaits, mergeStates, type StateAtGateway } from './model-states.ts';

const merge = (states: readonly StateAtGateway[], isServing = false) =>
  mergeStates(
    states.map((state, at) => ({ host: `host-${at + 1}`, state })),
    { isServing },
  );
const ready: StateAtGateway = { state: 'ready', engine: 'onnx', instances: 2, coldStartMs: 30 };
const loading: StateAtGateway = { state: 'loading' };
const failed: StateAtGateway = { state: 'failed', message: 'The disk is full.' };

test('with one gateway its state is the state', () => {
  expect(merge([ready])).toEqual(ready);
  expect(merge([failed])).toEqual(failed);
});

test('a new version is ready where all gateways have it; one that serves, where one has it', () => {
  const coverage = { ready: 1, live: 2, waiting: ['host-2'] };
  const message = '1 of 2 gateways ready. Missing: host-2: loading.';
  expect(merge([ready, loading])).toMatchObject({ state: 'loading', gateways: coverage, message });
  expect(merge([ready, loading], true)).toMatchObject({ state: 'ready', gateways: coverage, message, instances: 2 });
  expect(merge([ready, { ...ready, coldStartMs: 90 }])).toEqual({
    ...ready,
    instances: 4,
    coldStartMs: 90,
    gateways: { ready: 2, live: 2, waiting: [] },
  });
});

test('a new version is prepared until every gateway has its files, so that its variants change on all of them', () => {
  const preparing: StateAtGateway = { state: 'preparing', message: 'Fetching the files of the model.' };
  expect(merge([ready, loading, preparing]).state).toBe('preparing');
  expect(merge([loading, failed]).state).toBe('loading');
});

test('the wait for other gateways starts with the first one that is ready, and ends when all are', () => {
  const waits = new GatewayWaits();
  const since = (now: number, ...states: readonly StateAtGateway[]) =>
    waits.since(
      'm',
      states.map((state) => ({ state })),
      now,
    );
  expect(since(1, loading, loading)).toBe(1);
  expect(since(2, ready, loading)).toBe(2);
  expect(since(5, ready, failed)).toBe(2);
  expect(since(6, ready, ready)).toBe(6);
  expect(since(7, ready, loading)).toBe(7);
});

test('idle gateways are ready; the endpoint is idle where all are', () => {
  const idle: StateAtGateway = { state: 'idle', instances: 0 };
  expect(merge([ready, idle]).state).toBe('ready');
  expect(merge([idle, idle]).state).toBe('idle');
});

test('a version has failed where all gateways failed to load it, and the message names the hosts of a part', () => {
  expect(merge([failed, failed])).toMatchObject({ state: 'failed', message: 'The disk is full.' });
  expect(merge([failed, { state: 'quarantined', message: 'It crashed.' }])).toMatchObject({
    state: 'quarantined',
    message: 'It crashed.',
  });
  expect(merge([loading, failed])).toMatchObject({ state: 'loading' });
  expect(merge([ready, failed])).toMatchObject({
    state: 'loading',
    message: '1 of 2 gateways ready. Missing: host-2: The disk is full.',
  });
  expect(merge([ready, loading, loading, loading, loading, loading]).message).toBe(
    '1 of 6 gateways ready. Missing: host-2: loading; host-3: loading; host-4: loading; 2 more.',
  );
});
