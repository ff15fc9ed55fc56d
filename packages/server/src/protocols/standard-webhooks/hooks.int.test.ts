import type { Execution } from '@dais/api/executions';
import { Webhook } from 'standardwebhooks';
import { beforeAll, expect, test } from 'vitest';
import { sharedDais } from '#testing/shared-dais.ts';

/** In the project `default`: its address names no project. */
let url: string;
const SECRET = Buffer.from('a secret of thirty-two bytes ...').toString('base64');

beforeAll(async () => {
  url = (await sharedDais()).root;
  const manifests = [
    ['Secret', 'hub', { data: { token: `whsec_${SECRET}` } }],
    [
      'Pipeline',
      'greet',
      {
        parameters: { who: {}, all: {} },
        steps: {
          main: {
            run: 'echo "$DAIS_INPUT_WHO"',
            isolation: 'none',
            inputs: { who: { parameter: 'who' }, all: { parameter: 'all' } },
          },
        },
      },
    ],
    [
      'Schedule',
      'called',
      {
        pipeline: 'greet',
        when: { type: 'webhook', secret: 'hub', key: 'token' },
        parameters: { who: 'hello ${name}', all: '${body}' },
        overlap: 'allow',
      },
    ],
  ].map(([kind, name, spec]) => JSON.stringify({ apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec }));
  await own('/api/v1/apply', { sources: [{ file: '-', text: manifests.join('\n---\n') }] });
});

const own = async (path: string, body?: object) =>
  await fetch(`${url}${path}`, {
    headers: { 'content-type': 'application/json' },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });

async function call(body: string, { id = 'msg_1', at = new Date(), key = SECRET, path = '/hooks/called' } = {}) {
  const signature = new Webhook(key).sign(id, at, body);
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': signature,
    'content-type': 'application/json',
  };
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const runs = async () => ((await (await own('/api/v1/executions?name=called')).json()) as { items: Execution[] }).items;

test('a signed call starts one run; a call with another secret starts none', async () => {
  const body = JSON.stringify({ name: 'Ada', backfill: 'x', nested: { a: 1 } });
  expect(await call(body)).toEqual({ status: 202, body: { accepted: true } });
  expect(await call(body)).toEqual({ status: 202, body: { accepted: false } });
  expect(await call(body, { id: 'msg_2', path: '/p/default/hooks/called' })).toMatchObject({ status: 202 });
  await expect
    .poll(async () => (await runs()).map(({ state }) => state), { timeout: 60_000 })
    .toEqual(['succeeded', 'succeeded']);
  const [run] = await runs();
  const log = (await (await own(`/api/v1/executions/${run?.id}/logs`)).json()) as { text: string };
  expect(log.text).toBe('hello Ada\n');

  const other = Buffer.from('another secret of thirty-two byte').toString('base64');
  expect(await call(body, { id: 'msg_3', key: other })).toMatchObject({
    status: 401,
    body: { code: 'unauthenticated' },
  });
  expect(await call(body, { id: 'msg_4', at: new Date(Date.now() - 600_000) })).toMatchObject({ status: 401 });
  expect(await call(body, { id: 'msg_5', path: '/hooks/nobody' })).toMatchObject({ status: 401 });
  const unsigned = await fetch(`${url}/hooks/called`, { method: 'POST', body });
  expect(unsigned.status).toBe(400);
  expect(await runs()).toHaveLength(2);
});
