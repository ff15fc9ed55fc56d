import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog, type Log } from '#lib/log.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import {
  configMap,
  sendEvent,
  sendList,
  sendStatus,
  TestApiServer,
  type ReceivedRequest,
} from './api-server.testing.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';

const collection = { version: 'v1', resource: 'configmaps', namespace: 'default' };
let server: TestApiServer;
let reflectors: Reflector[];
let changes: string[];
beforeEach(async () => {
  server = await TestApiServer.start();
  reflectors = [];
  changes = [];
});
afterEach(async () => {
  await Promise.all(reflectors.map(async (reflector) => await reflector.close()));
  await server.stop();
});

function reflect(options: Partial<ReflectorOptions<KubernetesObject>> = {}): Reflector {
  const reflector = new Reflector(server.client(), {
    collection,
    clock: systemClock,
    random: () => 0,
    log: silentLog,
    changed: (key, object) => changes.push(`${key} ${object?.metadata.resourceVersion ?? 'deleted'}`),
    ...options,
  });
  reflectors.push(reflector);
  return reflector;
}

/** Lists respond in order, the last one always; watches are given to the test. */
function serve(lists: readonly (readonly [items: readonly object[], resourceVersion: string])[]) {
  const left = [...lists];
  const watches: { request: ReceivedRequest; response: ServerResponse }[] = [];
  server.respond = (request, response) => {
    if (request.query.has('watch')) {
      watches.push({ request, response });
      return response.writeHead(200).flushHeaders();
    }
    const [items, resourceVersion] = (left.length > 1 ? left.shift() : left[0]) ?? [[], '0'];
    sendList(response, items, { resourceVersion });
  };
  const watch = async (index: number) => {
    await expect.poll(() => watches.length).toBeGreaterThan(index);
    return watches[index]!;
  };
  return { watch, watches };
}

test('a list, then events, keep the cache up to date', async () => {
  const { watch } = serve([[[configMap('a', '3'), configMap('b', '4')], '5']]);
  const reflector = reflect({ labelSelector: 'x=y' });
  expect(reflector.state).toMatchObject({ isSynced: false });
  await reflector.synced;
  expect([...reflector.cache.keys()]).toEqual(['default/a', 'default/b']);
  const { request, response } = await watch(0);
  expect(request.query.toString()).toBe(
    'labelSelector=x%3Dy&watch=true&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=300',
  );
  sendEvent(response, 'MODIFIED', configMap('a', '6'));
  sendEvent(response, 'ADDED', configMap('c', '7'));
  sendEvent(response, 'DELETED', configMap('b', '8'));
  sendEvent(response, 'BOOKMARK', { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: '20' } });
  await expect
    .poll(() => changes)
    .toEqual(['default/a 3', 'default/b 4', 'default/a 6', 'default/c 7', 'default/b deleted']);
  expect([...reflector.cache.keys()]).toEqual(['default/a', 'default/c']);
  expect(reflector.state).toEqual({ isSynced: true });
  // The server ends the watch after its timeout.
  response.end();
  const next = await watch(1);
  expect(next.request.query.get('resourceVersion')).toBe('20');
});

describe('a watch that ends', () => {
  test.each([
    ['with an ERROR event', (response: ServerResponse) => sendEvent(response, 'ERROR', { kind: 'Status', code: 410 })],
    [
      'with status 410',
      (response: ServerResponse) => {
        server.respond = (request, refused) => {
          if (request.query.has('watch')) sendStatus(refused, 410, 'Expired', 'too old resource version');
          else sendList(refused, [configMap('a', '3'), configMap('c', '9')], { resourceVersion: '10' });
        };
        response.end();
      },
    ],
  ])('because its version expired %s lists again and reports the differences', async (_, expire) => {
    const later = [configMap('a', '3'), configMap('c', '9')];
    const { watch } = serve([
      [[configMap('a', '3'), configMap('b', '4')], '5'],
      [later, '10'],
    ]);
    const reflector = reflect();
    const { response } = await watch(0);
    expire(response);
    await expect.poll(() => changes).toEqual(['default/a 3', 'default/b 4', 'default/c 9', 'default/b deleted']);
    expect([...reflector.cache.keys()]).toEqual(['default/a', 'default/c']);
  });

  test('in the middle of a line resumes before that event', async () => {
    const { watch } = serve([[[], '5']]);
    reflect();
    const first = await watch(0);
    sendEvent(first.response, 'ADDED', configMap('a', '6'));
    const line = JSON.stringify({ type: 'ADDED', object: configMap('b', '7') });
    first.response.write(line.slice(0, 40));
    await expect.poll(() => changes).toEqual(['default/a 6']);
    first.request.socket.destroy();
    const second = await watch(1);
    expect(second.request.query.get('resourceVersion')).toBe('6');
    sendEvent(second.response, 'ADDED', configMap('b', '7'));
    await expect.poll(() => changes).toEqual(['default/a 6', 'default/b 7']);
  });

  test('with a line that is no event reports that and resumes', async () => {
    const { watch } = serve([[[], '5']]);
    const reflector = reflect();
    const first = await watch(0);
    first.response.write('<html>\n');
    const second = await watch(1);
    expect(reflector.state.lastError?.message).toContain('returned a line that is no event');
    sendEvent(second.response, 'ADDED', configMap('a', '6'));
    await expect.poll(() => changes).toEqual(['default/a 6']);
    expect(reflector.state.disconnectedSince).toBeUndefined();
  });

  test('because the connection is silent is opened again', async () => {
    const { watch } = serve([[[], '5']]);
    const reflector = reflect({ idleMs: 200 });
    const first = await watch(0);
    sendEvent(first.response, 'ADDED', configMap('a', '6'));
    const second = await watch(1);
    expect(second.request.query.get('resourceVersion')).toBe('6');
    expect(reflector.state.lastError?.message).toContain('received nothing for 0.2 s');
    await expect.poll(() => first.request.socket.destroyed).toBe(true);
  });

  test('immediately, without an event, is not repeated without a pause', async () => {
    const clock = new ManualClock();
    const { watch, watches } = serve([[[], '5']]);
    const reflector = reflect({ clock });
    (await watch(0)).response.end();
    await expect.poll(() => reflector.state.lastError?.message).toContain('ended immediately');
    expect(watches).toHaveLength(1);
    clock.advance(100);
    await watch(1);
  });
});

test('a server that asks for a pause gets it', async () => {
  const clock = new ManualClock();
  server.respond = (_, response) => {
    sendStatus(response, 429, 'TooManyRequests', 'busy', { 'retry-after': '7' });
  };
  const reflector = reflect({ clock });
  await expect.poll(() => reflector.state.lastError?.message).toContain('(429)');
  clock.advance(6_999);
  expect(server.received).toHaveLength(1);
  const { watch } = serve([[[configMap('a', '3')], '5']]);
  clock.advance(1);
  await reflector.synced;
  await watch(0);
  expect(changes).toEqual(['default/a 3']);
});

test('a callback that throws or rejects is logged, and the next change is reported', async () => {
  const { watch } = serve([[[configMap('a', '3')], '5']]);
  const errors: unknown[] = [];
  const log: Log = { ...silentLog, error: (_, fields) => errors.push(fields?.error) };
  const problems = [new Error('thrown'), new Error('rejected')];
  let calls = 0;
  reflect({
    log,
    changed: (key) => {
      calls += 1;
      if (calls === 1) throw problems[0];
      if (calls === 2) return Promise.reject(problems[1]) as unknown as void;
      changes.push(key);
    },
  });
  const { response } = await watch(0);
  sendEvent(response, 'ADDED', configMap('b', '6'));
  sendEvent(response, 'ADDED', configMap('c', '7'));
  await expect.poll(() => changes).toEqual(['default/c']);
  await expect.poll(() => errors).toEqual(problems);
});

test('a projection is what the cache keeps, and unchanged objects are not reported again', async () => {
  const { watch } = serve([[[configMap('a', '3')], '5']]);
  const names: (string | undefined)[] = [];
  const reflector = new Reflector(server.client(), {
    collection,
    clock: systemClock,
    random: () => 0,
    log: silentLog,
    project: ({ metadata }) => metadata.name,
    changed: (_, name) => names.push(name),
  });
  try {
    sendEvent((await watch(0)).response, 'ERROR', { kind: 'Status', code: 410 });
    sendEvent((await watch(1)).response, 'ADDED', configMap('b', '6'));
    await expect.poll(() => names).toEqual(['a', 'b']);
    expect([...reflector.cache]).toEqual([
      ['default/a', 'a'],
      ['default/b', 'b'],
    ]);
  } finally {
    await reflector.close();
  }
});

describe('closing', () => {
  test('ends a list, a watch and a pause', async () => {
    server.respond = () => {};
    const listing = reflect();
    await expect.poll(() => server.received.length).toBe(1);
    await listing.close();
    await expect(listing.synced).rejects.toThrow('the reflector of configmaps in namespace "default" was closed');

    const { watch } = serve([[[], '5']]);
    const watching = reflect();
    const { request } = await watch(0);
    await watching.close();
    await watching.close();
    await expect.poll(() => request.socket.destroyed).toBe(true);

    server.respond = (_, response) => sendStatus(response, 500, '', 'x');
    const pausing = reflect({ clock: new ManualClock() });
    await expect.poll(() => pausing.state.lastError).toBeDefined();
    await pausing.close();
  });
});
