/** What a probe finds of Kueue, on API servers in each state. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sendJson, sendStatus, TestApiServer } from '#lib/kubernetes/api-server.testing.ts';
import { probeKueue } from './kueue.ts';

interface Cluster {
  /** Versions of the API; absent: it is not installed. */
  readonly versions?: readonly string[];
  readonly hasQueue?: boolean;
  /** Resources of Kueue that Dais may read. */
  readonly permitted?: readonly string[];
}

let server: TestApiServer;
beforeEach(async () => (server = await TestApiServer.start()));
afterEach(async () => await server.stop());

interface Target {
  /** Absent: Dais orders the tasks. */
  readonly queue?: string;
}

async function probe(cluster: Cluster, { queue }: Target = { queue: 'gpu' }) {
  const { versions, hasQueue = true, permitted = ['workloads', 'localqueues'] } = cluster;
  server.respond = async ({ path, body }, response) => {
    if (path === '/apis/kueue.x-k8s.io') {
      if (versions === undefined) return sendStatus(response, 404, 'NotFound', 'no such group');
      return sendJson(response, 200, { versions: versions.map((version) => ({ version })) });
    }
    if (path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') {
      const review = (await body) as { readonly spec: { readonly resourceAttributes: { readonly resource: string } } };
      const { resource } = review.spec.resourceAttributes;
      const metadata = { name: '' };
      return sendJson(response, 201, { ...review, metadata, status: { allowed: permitted.includes(resource) } });
    }
    expect(path).toBe(`/apis/kueue.x-k8s.io/${versions?.at(-1)}/namespaces/dais-vision/localqueues/gpu`);
    if (!permitted.includes('localqueues')) return sendStatus(response, 403, 'Forbidden', 'not permitted');
    if (!hasQueue) return sendStatus(response, 404, 'NotFound', 'no such queue');
    sendJson(response, 200, { apiVersion: 'kueue.x-k8s.io/v1beta2', kind: 'LocalQueue', metadata: { name: 'gpu' } });
  };
  return await probeKueue(server.client(), {
    queue,
    probed: 'dais-probe',
    namespaces: ['dais-vision'],
    signal: new AbortController().signal,
  });
}

test('a target without a queue needs no Kueue', async () => {
  expect(await probe({}, {})).toEqual({ isInstalled: false, problems: [], warnings: [] });
  const { received } = server;
  expect(await probe({ versions: ['v1beta1'] }, {})).toEqual({ isInstalled: true, problems: [], warnings: [] });
  expect(received.map(({ path }) => path)).toEqual(['/apis/kueue.x-k8s.io', '/apis/kueue.x-k8s.io']);
});

test('a queue needs Kueue in a version that Dais knows', async () => {
  expect((await probe({})).problems).toEqual([
    'The target has the queue `gpu`, but Kueue is not installed. Install it, or remove `spec.kueue`.',
  ]);
  expect((await probe({ versions: ['v2'] })).problems).toEqual([
    'Kueue serves v2 only, and Dais knows v1beta2 and v1beta1: install a version of Kueue that serves one of them.',
  ]);
});

test('the LocalQueue must exist in the namespaces of projects', async () => {
  const versions = ['v1beta1', 'v1beta2'];
  expect(await probe({ versions })).toEqual({ isInstalled: true, problems: [], warnings: [] });
  expect((await probe({ versions, hasQueue: false })).problems).toEqual([
    'The namespace `dais-vision` has no LocalQueue `gpu`, so its steps wait. Create it there, or correct `spec.kueue.queue`.',
  ]);
});

test('missing permissions are warnings with the rule to add, because tasks run without them', async () => {
  const { problems, warnings } = await probe({ versions: ['v1beta2'], permitted: [] });
  expect(problems).toEqual([]);
  expect(warnings).toEqual(
    ['workloads', 'localqueues'].map(
      (resource) =>
        `Dais may not get, list, watch ${resource} in namespace \`dais-probe\`. Add the rule {apiGroups: ["kueue.x-k8s.io"], resources: ["${resource}"], ` +
        'verbs: ["get", "list", "watch"]} to its Role there or its ClusterRole. Without it, waiting steps do not show the reason of Kueue.',
    ),
  );
});
