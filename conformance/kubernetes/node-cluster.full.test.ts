/** The test cluster with a node: real containers, and nothing of them left at the end. */
import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClusterClient } from '../../packages/server/src/lib/kubernetes/cluster-client.ts';
import { SHELL_IMAGE } from './node-images.ts';
import { HOST_ADDRESS } from './node-namespaces.ts';
import { startNodeCluster, type NodeCluster } from './node-cluster.ts';
import { testClient, untilJobEnds, untilObject } from './test-client.ts';

const JOBS = { group: 'batch', version: 'v1', resource: 'jobs', namespace: 'default' } as const;
const PODS = { version: 'v1', resource: 'pods', namespace: 'default' } as const;

let cluster: NodeCluster | undefined;
let client: ClusterClient;
let before: string;

/** What a cluster could leave on the machine. */
function remains(): string {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const groups = readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' });
  return JSON.stringify({
    mounts: mounts.filter((line) => /kubernetes|containerd|netns/.test(line)),
    devices: readdirSync('/sys/class/net'),
    groups: groups.filter((path) => /dais-kubernetes|kubepods/.test(path)),
    processes: readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((name) => /kube|containerd|etcd/.test(commandOf(name))),
  });
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8');
  } catch {
    return '';
  }
}

beforeAll(async () => {
  before = remains();
  cluster = await startNodeCluster();
  client = await testClient(cluster.controlPlane.kubeconfig);
}, 1_800_000);
afterAll(async () => {
  if (cluster === undefined) return;
  client.close();
  await cluster.stop();
  const after = remains();
  if (after !== before) throw new Error(`The cluster left ${after} instead of ${before}`);
});

async function runJob(name: string, script: string, resources = {}): Promise<string> {
  await client.create(JOBS, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels: { job: name } },
        spec: {
          restartPolicy: 'Never',
          containers: [
            { name: 'task', image: SHELL_IMAGE, imagePullPolicy: 'Never', command: ['sh', '-c', script], resources },
          ],
        },
      },
    },
  });
  return await untilJobEnds(client, { ...JOBS, name });
}

async function podOf(name: string): Promise<string> {
  const { items } = await client.list(PODS, { labelSelector: `job=${name}` });
  return items[0]?.metadata.name ?? '';
}

test('runs a Job in a container and keeps its log', async () => {
  expect(await runJob('passes', 'echo from a pod')).toBe('Complete');
  expect(await client.read({ ...PODS, name: await podOf('passes'), subresource: 'log' })).toBe('from a pod\n');
});

test('reports exit codes and memory limits', async () => {
  expect(await runJob('fails', 'exit 42')).toBe('Failed');
  const status = async (name: string) =>
    JSON.stringify((await client.get({ ...PODS, name: await podOf(name) }))['status']);
  expect(await status('fails')).toContain('"exitCode":42');
  const allocate = 'a=x; while :; do a=$a$a; done';
  expect(await runJob('grows', allocate, { limits: { memory: '32Mi' } })).toBe('Failed');
  expect(await status('grows')).toContain('OOMKilled');
});

test('this machine reaches pods and Services, and pods reach the API server', async () => {
  const labels = { app: 'echo' };
  await client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'echo', labels },
    spec: {
      containers: [
        {
          name: 'echo',
          image: SHELL_IMAGE,
          imagePullPolicy: 'Never',
          command: ['nc', '-ll', '-p', '7000', '-e', 'echo', 'hello'],
        },
      ],
    },
  });
  await client.create(
    { version: 'v1', resource: 'services', namespace: 'default' },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'echo' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 7000 }] },
    },
  );
  const ready = await untilObject(client, { ...PODS, name: 'echo' }, (pod) =>
    JSON.stringify(pod['status']).includes('podIP"'),
  );
  const { podIP } = ready['status'] as { readonly podIP: string };
  const service = await client.get({ version: 'v1', resource: 'services', namespace: 'default', name: 'echo' });
  const { clusterIP } = service['spec'] as { readonly clusterIP: string };
  await expect.poll(async () => await textFrom(podIP, 7000)).toBe('hello\n');
  await expect.poll(async () => await textFrom(clusterIP, 80)).toBe('hello\n');
  expect(
    await runJob('calls', 'nc -w 5 "$KUBERNETES_SERVICE_HOST" "$KUBERNETES_SERVICE_PORT" </dev/null && echo reached'),
  ).toBe('Complete');
});

test('pods reach this machine', async () => {
  const server = createServer((socket) => socket.end('hello\n')).listen(0, HOST_ADDRESS);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const script = `test "$(nc -w 5 ${HOST_ADDRESS} ${port} </dev/null)" = hello`;
  expect(await runJob('calls-host', script)).toBe('Complete');
  server.close();
});

async function textFrom(host: string, port: number): Promise<string> {
  return await new Promise((resolve) => {
    let text = '';
    const socket = connect({ host, port, timeout: 5000 });
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.once('timeout', () => socket.destroy());
    socket.once('error', () => resolve(''));
    socket.once('close', () => resolve(text));
  });
}
