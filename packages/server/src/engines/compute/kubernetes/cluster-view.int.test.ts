/** What the engine knows between its own writes and the reports of the watches. */
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { sendEvent, sendList, TestApiServer } from '#lib/kubernetes/api-server.testing.ts';
import type { KubernetesObject } from '#lib/kubernetes/kubernetes-object.ts';
import { silentLog } from '#lib/log.ts';
import { ClusterNodes } from './cluster-nodes.ts';
import { ClusterView } from './cluster-view.ts';
import { jobName, LABELS } from './plan/names.ts';

const shared = { clock: systemClock, random: () => 0, log: silentLog };
/** Responses of watches by the resource. */
const watches = new Map<string, ServerResponse>();
let server: TestApiServer;

beforeEach(async () => {
  watches.clear();
  server = await TestApiServer.start();
  server.respond = (request, response) => {
    const resource = request.path.split('/').at(-1) ?? '';
    if (!request.query.has('watch')) {
      const items = resource === 'nodes' ? [node('1', {})] : [];
      return sendList(response, items, { resourceVersion: '1' });
    }
    watches.set(resource, response);
    response.writeHead(200).flushHeaders();
  };
});
afterEach(async () => await server.stop());

function node(
  resourceVersion: string,
  { cpu = '4', image = 'one' }: { readonly cpu?: string; readonly image?: string },
) {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'a', resourceVersion },
    status: {
      allocatable: { cpu },
      conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: resourceVersion }],
      images: [{ names: [image] }],
    },
  };
}

function job(attempt: string, resourceVersion: string): KubernetesObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      namespace: 'dais-one',
      name: jobName(attempt, 1),
      resourceVersion,
      labels: { [LABELS.attempt]: attempt },
    },
    spec: { template: { spec: { containers: [] } } },
  };
}

async function untilWatched(resource: string): Promise<ServerResponse> {
  await expect.poll(() => watches.has(resource)).toBe(true);
  return watches.get(resource) as ServerResponse;
}

test('nodes are reported when something differs that matters for tasks', async () => {
  const nodes = new ClusterNodes({ ...shared, client: server.client() });
  let changes = 0;
  const end = nodes.listen(() => (changes += 1));
  await nodes.synced();
  const watch = await untilWatched('nodes');
  sendEvent(watch, 'MODIFIED', node('2', { image: 'two' }));
  sendEvent(watch, 'MODIFIED', node('3', { cpu: '8' }));
  await expect.poll(() => nodes.byName.get('a')?.allocatable).toEqual({ cpu: 8 });
  expect(changes).toBe(2);
  end();
  sendEvent(watch, 'DELETED', node('4', { cpu: '8' }));
  await expect.poll(() => nodes.byName.size).toBe(0);
  expect(changes).toBe(2);
  await nodes.close();
});

test('nodes that are closed before they are known make the target unavailable', async () => {
  server.respond = () => {};
  const nodes = new ClusterNodes({ ...shared, client: server.client() });
  const synced = nodes.synced();
  void nodes.close();
  await expect(synced).rejects.toMatchObject({ code: 'target_unavailable' });
});

test('a deleted Job is gone before the watch reports it, and one of the same name is not', async () => {
  const client = server.client();
  const nodes = new ClusterNodes({ ...shared, client });
  const seen: (string | undefined)[] = [];
  const view = new ClusterView({
    ...shared,
    client,
    watches: client,
    nodes,
    installation: 'test',
    namespace: 'dais-one',
    changed: (attempt) => void seen.push(attempt),
  });
  await view.synced();
  const watch = await untilWatched('jobs');
  const version = () => view.cached('t1').job?.resourceVersion;
  sendEvent(watch, 'ADDED', job('t1', '5'));
  await expect.poll(version).toBe('5');
  view.noteDeleted('t1', job('t1', '7'));
  expect(version()).toBeUndefined();
  expect(view.jobs).toEqual([]);
  // An event of the time before.
  sendEvent(watch, 'MODIFIED', job('t1', '6'));
  await expect.poll(() => seen.filter((attempt) => attempt === 't1').length).toBe(2);
  expect(version()).toBeUndefined();
  // The same attempt is submitted again.
  view.note(job('t1', '9'));
  expect(version()).toBe('9');
  sendEvent(watch, 'DELETED', job('t1', '8'));
  await expect.poll(() => seen.filter((attempt) => attempt === 't1').length).toBe(3);
  expect(version()).toBe('9');
  sendEvent(watch, 'ADDED', job('t1', '9'));
  sendEvent(watch, 'MODIFIED', job('t1', '10'));
  await expect.poll(version).toBe('10');
  expect(view.jobs.map(({ attempt }) => attempt)).toEqual(['t1']);
  await view.close();
  await nodes.close();
});
