/** Permissions at the gateway itself: it is notified of changes, and calls no other process. */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { KeptConnection } from '#testing/kept-connection.ts';
import { servingClient, type ServingClient } from '#testing/serving-client.ts';
import { sharedDais, WITH_ACCOUNTS } from '#testing/shared-dais.ts';

let client: ServingClient;
let gateway: string;
let cookie: string;
let url: string;

const WAIT_MS = 20;
const ROUNDS = 5;
/** Limit of the slowest round, for a busy machine. */
const MOST_MS = 20_000;
const infer = async (token: string) =>
  (
    await fetch(`${gateway}/v2/models/scaled/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: '{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}]}',
    })
  ).status;
const untilAnswered = async (token: string, status: number) => {
  while ((await infer(token)) !== status) await new Promise((resolve) => void setTimeout(resolve, WAIT_MS));
};
const asAda = async (method: string, path: string, body?: object) => {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { cookie, origin: url, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  expect(answer.status).toBeLessThan(300);
  const text = await answer.text();
  return (text === '' ? {} : JSON.parse(text)) as {
    readonly token: string;
    readonly id: string;
    readonly link: string;
  };
};

beforeAll(async () => {
  // The gateway finds an endpoint without a project in the URL while no other file with accounts has one of this name.
  const shared = await sharedDais(undefined, WITH_ACCOUNTS);
  url = shared.root;
  client = servingClient(url, { authorization: `Bearer ${shared.token}` });
  const invited = await client.call('POST', '/api/v1/invitations/administrators', { email: 'ada-infers@example.com' });
  const secret = new URL(String(invited.body['link'])).hash.slice(1);
  const accepted = await fetch(`${url}/auth/invitation/accept`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ secret, password: 'gravel-orbit-mango-7' }),
  });
  cookie = accepted.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  await client.register('m', 2, { example: { inputs: [[1]] } });
  await client.call('POST', '/api/v1/serving/endpoints/scaled/deploy', { model: 'models:/m/1' });
  await client.settled('scaled', (status) => status.rollout === undefined && status.variants?.length === 1);
  gateway = `http://127.0.0.1:${(await client.call('GET', '/api/v1/serving/endpoints/scaled/contract')).body.port}`;
});

test('accepts a new token, and rejects a revoked one', async () => {
  expect(await infer('dais_nobody')).toBe(401);
  const { token, id } = await asAda('POST', '/api/v1/tokens', { title: 'calls' });
  await untilAnswered(token, 200);
  await asAda('DELETE', `/api/v1/tokens/${id}`);
  await untilAnswered(token, 401);
});

test('the main port rejects a revoked token with the next request of a kept connection', async () => {
  const { token, id } = await asAda('POST', '/api/v1/tokens', { title: 'calls' });
  const reads = await asAda('POST', '/api/v1/tokens', { title: 'reads', scopes: ['secret:read'] });
  const connection = await KeptConnection.open(url);
  const body = '{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}]}';
  const post = async (line: string) => await connection.post('/v2/models/scaled/infer', body, [line]);
  try {
    expect((await post(`authorization: Bearer ${token}`)).status).toBe(200);
    expect((await post('x-a: 1')).status).toBe(401);
    const other = await KeptConnection.open(url);
    const scoped = [`authorization: Bearer ${reads.token}`];
    const byRoutes = await other.post('/v2/models/scaled/infer', body, [...scoped, 'cookie: a=b']);
    other.close();
    expect((await post(scoped[0] ?? '')).status).toBe(byRoutes.status);
    await asAda('DELETE', `/api/v1/tokens/${id}`);
    expect((await post(`authorization: Bearer ${token}`)).status).toBe(401);
  } finally {
    connection.close();
  }
});

test('the main port forgets a reused authorization with a change of permissions', async () => {
  const { token, id } = await asAda('POST', '/api/v1/tokens', { title: 'calls' });
  const connection = await KeptConnection.open(url);
  const body = '{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}]}';
  const lines = [`authorization: Bearer ${token}`];
  const post = async () => (await connection.post('/v2/models/scaled/infer', body, lines)).status;
  try {
    // The server decides anew for 5 s after its own change, the token.
    await delay(5200);
    for (let n = 0; n < 50; n += 1) expect(await post()).toBe(200);
    const policy = {
      kind: 'Policy',
      metadata: { name: 'no-reuse', project: 'default' },
      spec: {
        cedar: `@id("no-reuse") forbid(principal, action == Dais::Action::"endpoint:invoke", resource == Dais::Endpoint::"default/scaled");`,
      },
    };
    const source = { file: 'reuse.yaml', text: JSON.stringify({ apiVersion: 'dais.dev/v1', ...policy }) };
    await asAda('POST', '/api/v1/apply', { sources: [source] });
    expect(await post()).toBe(403);
    await asAda('DELETE', '/api/v1/policies/no-reuse');
    expect(await post()).toBe(200);
    await asAda('DELETE', `/api/v1/tokens/${id}`);
    expect(await post()).toBe(401);
  } finally {
    connection.close();
  }
});

test('rejects a revoked token without a request to the control plane', async () => {
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { token, id } = await asAda('POST', '/api/v1/tokens', { title: 'calls' });
    await untilAnswered(token, 200);
    await asAda('DELETE', `/api/v1/tokens/${id}`);
    const revokedAt = performance.now();
    await untilAnswered(token, 401);
    took.push(performance.now() - revokedAt);
    // Permanently: no cache remembers the token.
    expect(await infer(token)).toBe(401);
  }
  process.stdout.write(`refused after ${took.map((ms) => ms.toFixed(0)).join(', ')} ms\n`);
  // The duration is measured above; the limit allows for a busy machine.
  expect(Math.max(...took)).toBeLessThan(MOST_MS);
});

test('a token without endpoints gets not found instead of unauthenticated', async () => {
  const { token } = await asAda('POST', '/api/v1/tokens', { title: 'reads', scopes: ['secret:read'] });
  await untilAnswered(token, 404);
  expect(await infer(token)).toBe(404);
});

test('model lists at the main port contain only endpoints that the caller may invoke', async () => {
  const documents = [
    { kind: 'Project', metadata: { name: 'elsewhere' }, spec: {} },
    ...['here', 'there', 'nowhere'].map((name) => ({ kind: 'ServiceAccount', metadata: { name }, spec: {} })),
    {
      kind: 'RoleBinding',
      metadata: { name: 'here', project: 'default' },
      spec: { role: 'viewer', serviceAccounts: ['here', 'nowhere'] },
    },
    {
      kind: 'RoleBinding',
      metadata: { name: 'there', project: 'elsewhere' },
      spec: { role: 'admin', serviceAccounts: ['there'] },
    },
    {
      kind: 'Policy',
      metadata: { name: 'no-calls', project: 'default' },
      spec: {
        cedar: `@id("no-calls") forbid(principal == Dais::ServiceAccount::"nowhere", action == Dais::Action::"endpoint:invoke", resource == Dais::Endpoint::"default/scaled");`,
      },
    },
  ];
  const text = documents.map((one) => JSON.stringify({ apiVersion: 'dais.dev/v1', ...one })).join('\n---\n');
  const applied = await client.call('POST', '/api/v1/apply', { sources: [{ file: 'access.yaml', text }] });
  expect(applied.status).toBe(200);
  const tokenOf = async (account: string) => {
    const path = `/api/v1/serviceaccounts/${account}/tokens`;
    return String((await client.call('POST', path, { title: 'lists', days: 1 })).body['token']);
  };
  const seen = async (token: string, method: string, path: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method, headers, ...(method === 'POST' && { body: '{}' }) });
    return { status: answer.status, text: await answer.text() };
  };
  const lists = [
    ['GET', '/p/default/v2/models'],
    ['POST', '/p/default/v2/repository/index'],
    ['POST', '/p/default/v2/repository/models/scaled/unload'],
  ] as const;
  const [here, there, nowhere] = await Promise.all(['here', 'there', 'nowhere'].map(tokenOf));
  const found: Record<string, unknown> = {};
  for (const [method, path] of lists) {
    const [own, other, refused] = await Promise.all(
      [here, there, nowhere].map(async (token) => await seen(token ?? '', method, path)),
    );
    // The response for a path with a name repeats that name.
    const without = (one: { readonly text: string } | undefined) =>
      path.includes('scaled') || one?.text.includes('scaled') === false;
    found[path] = {
      own: own?.text.includes('scaled'),
      other: other !== undefined && [403, 404].includes(other.status) && without(other),
      refused: [refused?.status, without(refused)],
    };
  }
  expect(found).toEqual({
    '/p/default/v2/models': { own: true, other: true, refused: [200, true] },
    '/p/default/v2/repository/index': { own: true, other: true, refused: [200, true] },
    '/p/default/v2/repository/models/scaled/unload': { own: true, other: true, refused: [404, true] },
  });
  const absent = await seen(nowhere ?? '', 'POST', '/p/default/v2/repository/models/absent/unload');
  const hidden = await seen(nowhere ?? '', 'POST', '/p/default/v2/repository/models/scaled/unload');
  expect([hidden.status, hidden.text.replaceAll('scaled', 'absent')]).toEqual([absent.status, absent.text]);
  // The gateway's own port validates tokens with its snapshot: a missing endpoint and one without permission look the
  // same.
  await untilAnswered(there ?? '', 404);
  const atGateway = async (method: string, path: string) => {
    const headers = { authorization: `Bearer ${there}`, 'content-type': 'application/json' };
    const answer = await fetch(`${gateway}${path}`, { method, headers, ...(method === 'POST' && { body: '{}' }) });
    return `${answer.status} ${await answer.text()}`;
  };
  const differing: string[] = [];
  for (const [method, path] of [
    ['GET', '/v2/models/NAME'],
    ['GET', '/v2/models/NAME/ready'],
    ['GET', '/v2/models/NAME/stats'],
    ['GET', '/v2/models/NAME/versions/1'],
    ['POST', '/v2/models/NAME/infer'],
    ['POST', '/v2/models/NAME/explain'],
    ['POST', '/v2/repository/models/NAME/load'],
    ['POST', '/endpoints/NAME/invocations'],
    ['GET', '/endpoints/NAME/ping'],
    ['GET', '/v1/models/NAME'],
    ['POST', '/v1/models/NAME:predict'],
    ['GET', '/v2/models'],
    ['POST', '/v2/repository/index'],
    ['GET', '/v2/models/stats'],
  ] as const) {
    for (const prefix of ['', '/p/default', '/p/elsewhere', '/p/nowhere']) {
      const [known, unknown] = await Promise.all(
        ['scaled', 'absent'].map(async (name) => await atGateway(method, `${prefix}${path.replace('NAME', name)}`)),
      );
      const named = !path.includes('NAME') && known?.includes('scaled') === true;
      if (named || known?.replaceAll('scaled', 'absent') !== unknown)
        differing.push(`${method} ${prefix}${path}: ${known}`);
    }
  }
  expect(differing).toEqual([]);
  // Server metadata names no endpoint, and every token may read it.
  expect((await seen(there ?? '', 'GET', '/p/default/v2/health/live')).status).toBe(200);
});
