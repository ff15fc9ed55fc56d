import { afterAll, beforeAll, expect, test } from 'vitest';
import { OWNER_TOKEN } from '#http/testing/http-fixture.ts';
import { startMlflowWorld, type MlflowWorld } from './testing/mlflow-fixture.ts';

let world: MlflowWorld;
beforeAll(async () => {
  world = await startMlflowWorld({ accounts: {} });
});
afterAll(async () => await world.stop());

const search = '/api/2.0/mlflow/experiments/search?max_results=1';
const ask = async (authorization?: string) =>
  await world.send('GET', search, undefined, authorization === undefined ? {} : { authorization });
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

test.each([
  ['no credential', undefined],
  ['a wrong token', 'Bearer dais_pat_wrong'],
  ['a wrong password', basic('me', 'wrong')],
  ['half a header', 'Bearer'],
])('rejects %s in the format of MLflow, without retries of clients', async (_, authorization) => {
  const answer = await ask(authorization);
  expect([answer.status, answer.json.error_code]).toEqual([401, 'UNAUTHENTICATED']);
  expect(answer.headers.get('www-authenticate')).toBe('Basic realm="mlflow"');
  expect(answer.text).not.toContain('wrong');
});

test('a token is accepted as a bearer token and as the password of any user', async () => {
  for (const authorization of [`Bearer ${OWNER_TOKEN}`, basic('anybody', OWNER_TOKEN)]) {
    expect((await ask(authorization)).status).toBe(200);
  }
});

test('the health check and the version are public', async () => {
  expect((await world.send('GET', '/version')).status).toBe(200);
  expect((await world.send('GET', '/health')).status).toBe(200);
  expect((await world.send('GET', '/p/anything/version')).status).toBe(200);
});

test('a page of another site has no access', async () => {
  const answer = await world.send(
    'POST',
    '/api/2.0/mlflow/experiments/create',
    { name: 'x' },
    {
      authorization: `Bearer ${OWNER_TOKEN}`,
      origin: 'https://evil.example.com',
    },
  );
  expect([answer.status, answer.json.error_code]).toEqual([403, 'PERMISSION_DENIED']);
});

test('a token in the URL is rejected first', async () => {
  const answer = await world.send('GET', `${search}&page_token=dais_pat_12345678`, undefined, {
    authorization: `Bearer ${OWNER_TOKEN}`,
  });
  expect([answer.status, answer.json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
});
