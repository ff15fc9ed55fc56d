/** A task with network access reaches only what the outbound guard allows. All servers are on loopback. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ForwardProxy } from '#lib/outbound/forward-proxy.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { TaskProxy, TaskSpec, TaskState } from '../contract.ts';
import { never, shell, textOf, untilWritten } from '../suite.ts';
import { startEngine, type TestEngine } from './engine.testing.ts';
import { openProcessCompute } from './process-compute.ts';

const net = new TestNet();
let inside: Server;
let allowed: Server;
let insidePort: number;
let allowedPort: number;
let engine: TestEngine;
let proxy: TaskProxy;
beforeAll(async () => {
  inside = createServer((_, response) => response.end('INSIDE\n'));
  allowed = createServer((_, response) => response.end('allowed\n'));
  for (const server of [inside, allowed]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  insidePort = (inside.address() as AddressInfo).port;
  allowedPort = (allowed.address() as AddressInfo).port;
  const outbound = net.client({
    allowHosts: [`127.0.0.1:${allowedPort}`],
    resolve: async (name) => {
      const address = { 'allowed.example': '127.0.0.1', 'inside.example': '169.254.169.254' }[name];
      return await Promise.resolve(address === undefined ? [] : [{ address, family: 4 }]);
    },
  });
  proxy = { port: 3128, server: new ForwardProxy(outbound) };
  engine = await startEngine({ proxy });
  const { isolationProblem } = await engine.compute.abilities();
  if (isolationProblem !== undefined) throw new Error(isolationProblem);
});
afterAll(async () => {
  await engine?.end();
  await net.end();
  for (const server of [inside, allowed]) {
    server?.closeAllConnections();
    server?.close();
  }
});

const networked = (script: string, changes: Partial<TaskSpec> = {}): TaskSpec => ({
  ...shell('', { isolation: 'required', network: true, ...changes }),
  command: ['bash', '-c', script],
});

/** Connects to a port of the loopback device. */
const direct = (host: string, port: number) =>
  `(exec 5<>/dev/tcp/${host}/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&5 && cat <&5) 2>&1`;
/** Connects like curl with `http_proxy` and `https_proxy`. */
const byProxy = (url: string) =>
  `(exec 5<>/dev/tcp/127.0.0.1/3128 && printf 'GET ${url} HTTP/1.0\\r\\n\\r\\n' >&5 && cat <&5) 2>&1`;
const byTunnel = (authority: string) =>
  `(exec 5<>/dev/tcp/127.0.0.1/3128 && printf 'CONNECT ${authority} HTTP/1.1\\r\\n\\r\\n' >&5 && read -r line <&5 && echo "$line") 2>&1`;

test('with network access it does not reach this machine, link-local or private addresses', async () => {
  const locations: [host: string, port: number][] = [
    ['127.0.0.1', insidePort],
    ['169.254.169.254', 80],
    ['10.0.0.1', 80],
  ];
  const script = locations.flatMap(([host, port]) => [
    direct(host, port),
    byProxy(`http://${host}:${port}/`),
    byTunnel(`${host}:${port}`),
  ]);
  const spec = networked(`${script.join('\n')}\ntail -n +3 /proc/net/dev | cut -d: -f1`);
  const text = await engine.outputOf(spec);
  expect(text).not.toContain('INSIDE');
  expect(text.match(/refused the connection|Connection refused|Network is unreachable/g)).toHaveLength(6);
  expect(text.match(/403 (Forbidden|Refused)/g)).toHaveLength(6);
  expect(text.trim().split('\n').at(-1)!.trim()).toBe('lo');
});

test('reports refused destinations once in its log and in its result', async () => {
  const script = [
    byTunnel('inside.example:80'),
    byTunnel('inside.example:80'),
    byProxy('http://127.0.0.1:9/'),
    'exit 3',
  ];
  const spec = networked(script.join('\n'));
  const state = (await engine.finish(spec)) as Extract<TaskState, { phase: 'ended' }>;
  const sentences = [
    'Connection to inside.example:80 was refused by the outbound guard: inside.example resolves to 169.254.169.254, a link-local address, where metadata services are. An administrator can allow it with outbound.allowHosts.',
    'Connection to 127.0.0.1:9 was refused by the outbound guard: 127.0.0.1 is a loopback address. An administrator can allow it with outbound.allowHosts.',
  ];
  expect(state).toMatchObject({ phase: 'ended', code: 3, refusedConnections: sentences });
  const text = await textOf(engine.compute, spec.attempt);
  for (const sentence of sentences) expect(text.split(`dais: ${sentence}\n`)).toHaveLength(2);
});

test('with network access it reaches what the guard allows, by address and by name', async () => {
  const script = [
    byProxy(`http://127.0.0.1:${allowedPort}/`),
    byProxy(`http://allowed.example:${allowedPort}/`),
    byTunnel(`allowed.example:${allowedPort}`),
  ];
  const text = await engine.outputOf(networked(script.join('\n')));
  expect(text.match(/allowed\n/g)).toHaveLength(2);
  expect(text).toContain('200 Connection established');
});

test('programs find the proxy in their variables, and still reach Dais directly', async () => {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
  const script = `for name in ${names.join(' ')} NO_PROXY no_proxy NODE_USE_ENV_PROXY; do echo "$name=\${!name}"; done`;
  expect((await engine.outputOf(networked(script))).trim().split('\n')).toEqual([
    ...names.map((name) => `${name}=http://127.0.0.1:3128`),
    'NO_PROXY=localhost,127.0.0.1,::1',
    'no_proxy=localhost,127.0.0.1,::1',
    'NODE_USE_ENV_PROXY=1',
  ]);
  expect(await engine.outputOf(networked(script, { network: false }))).not.toContain('3128');
  expect(await engine.outputOf(networked('echo $HTTP_PROXY', { variables: { HTTP_PROXY: 'own' } }))).toBe('own\n');
});

test('has no proxy without network access', async () => {
  const text = await engine.outputOf(networked(byProxy(`http://127.0.0.1:${allowedPort}/`), { network: false }));
  expect(text).toMatch(/Connection refused/);
});

test('reopens the proxy after a restart of Dais', async () => {
  const url = `http://127.0.0.1:${allowedPort}/`;
  const script = `${byProxy(url)}\necho up; until [ -e again ]; do sleep 0.02; done
    until said=$(${byProxy(url)}) && [ -n "$said" ]; do sleep 0.05; done; echo "$said"`;
  const restarted = await startEngine({ proxy });
  try {
    const spec = networked(script);
    await restarted.compute.submit(spec);
    await untilWritten(restarted.compute, spec.attempt, 'up');
    await restarted.compute.close();
    const root = join(restarted.folder, 'compute');
    const again = await openProcessCompute({ root, clock: systemClock, log: silentLog, proxy });
    await writeFile(join(root, 'tasks', spec.attempt, 'box', 'work', 'again'), '');
    expect(await again.wait(spec.attempt, never)).toMatchObject({ phase: 'ended', code: 0 });
    expect((await textOf(again, spec.attempt)).match(/allowed\n/g)).toHaveLength(2);
    await again.close();
  } finally {
    await restarted.end();
  }
});

test('two tasks have separate proxies and refusals', async () => {
  const quiet = networked('sleep 0.3; echo quiet');
  const loud = networked(byTunnel('127.0.0.1:9'));
  const [one, other] = await Promise.all([engine.finish(quiet), engine.finish(loud)]);
  expect(one).not.toHaveProperty('refusedConnections');
  expect(other).toHaveProperty('refusedConnections');
});

test('a server in a task is not reachable from outside', async () => {
  const free = createTcpServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  const script = `python3 -m http.server --bind 127.0.0.1 ${port} & sleep 0.5; echo up; sleep 1000`;
  const spec = networked(script);
  await engine.compute.submit(spec);
  await untilWritten(engine.compute, spec.attempt, 'up');
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
  await engine.compute.forget(spec.attempt);
});

test('network access also works without Perl', async () => {
  const without = await startEngine({ proxy, launcher: 'none' });
  try {
    const output = await without.outputOf(networked(byProxy(`http://allowed.example:${allowedPort}/`)));
    expect(output).toContain('allowed');
  } finally {
    await without.end();
  }
});
