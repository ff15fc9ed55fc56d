import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { OWNER_TOKEN, SignInWorld } from '#policy/oidc/testing/sign-in-world.ts';
import { TestBrowser, type Answer } from '#policy/oidc/testing/test-browser.ts';

let world: SignInWorld;
let ada: TestBrowser;
beforeAll(async () => {
  world = await SignInWorld.start({ providers: [{ name: 'corporate' }] });
  ada = await signIn('ada');
});
afterAll(async () => {
  await world.stop();
});
beforeEach(async () => {
  // Attempts are counted over ten minutes, which no test waits for.
  await world.database.asAdmin('delete from policy.attempt');
});

async function signIn(who: string): Promise<TestBrowser> {
  const provider = world.provider('corporate');
  if (!provider.people.has(who)) provider.add(who);
  provider.signsIn = who;
  const browser = new TestBrowser();
  await browser.follow(`${world.url}/auth/oidc/corporate/start`, (next) => next === `${world.url}/`);
  return browser;
}

interface Started {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri_complete: string;
  readonly interval: number;
}

async function post<T>(path: string, body: object): Promise<readonly [number, T]> {
  const answer = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return [answer.status, (await answer.json()) as T];
}

async function start(machine = 'laptop'): Promise<Started> {
  const [status, started] = await post<Started>('/auth/device', { machine, program: 'dais 0.1.0' });
  expect(status).toBe(200);
  return started;
}

interface Polled {
  readonly state: string;
  readonly interval?: number;
  readonly access_token?: string;
  readonly user?: string;
}

async function poll({ device_code }: Started): Promise<Polled> {
  return (await post<Polled>('/auth/device/poll', { device_code }))[1];
}

const decide = async (browser: TestBrowser, code: string, verb: 'approve' | 'deny') =>
  await browser.post(`${world.url}/api/v1/devices/${code}/actions/${verb}`, {});
const read = async (browser: TestBrowser, code: string): Promise<Answer> =>
  await browser.get(`${world.url}/api/v1/devices/${code}`);

test('a person sees the requesting machine, authorizes it, and it gets a token once', async () => {
  const started = await start('laptop of Ada');
  expect(started).toMatchObject({
    user_code: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
    verification_uri: `${world.url}/device`,
    verification_uri_complete: `${world.url}/device?code=${started.user_code}`,
    expires_in: 600,
    interval: 5,
  });
  expect(await poll(started)).toEqual({ state: 'pending', interval: 5 });
  const shown = await read(ada, started.user_code.toLowerCase());
  expect(JSON.parse(shown.text)).toMatchObject({
    machine: 'laptop of Ada',
    program: 'dais 0.1.0',
    address: '127.0.0.1',
    tokenSeconds: 3600,
  });
  expect((await decide(ada, started.user_code, 'approve')).status).toBe(200);
  const polled = await poll(started);
  expect(polled).toMatchObject({ state: 'approved', user: 'ada@example.com', expires_in: 3600 });
  expect(polled.access_token).toMatch(/^dais_ses_[0-9A-Za-z]{36}$/);
  const who = (await (await world.api('/auth/session', polled.access_token ?? '')).json()) as object;
  expect(who).toMatchObject({ actor: { type: 'user', id: 'ada@example.com' }, method: 'token' });
  expect(await poll(started)).toEqual({ state: 'expired' });
  expect(await world.events('device.approved')).toContainEqual({
    machine: 'laptop of Ada',
    program: 'dais 0.1.0',
    address: '127.0.0.1',
  });
});

test('turned away', async () => {
  const started = await start();
  expect((await decide(ada, started.user_code, 'deny')).status).toBe(200);
  expect((await decide(ada, started.user_code, 'approve')).status).toBe(404);
  expect(await poll(started)).toEqual({ state: 'denied' });
});

test('too late', async () => {
  const started = await start();
  await world.database.asAdmin("update policy.device_grant set expires_at = now() - interval '1 second'");
  expect((await read(ada, started.user_code)).status).toBe(404);
  expect((await decide(ada, started.user_code, 'approve')).status).toBe(404);
  expect(await poll(started)).toEqual({ state: 'expired' });
});

test('polls in excess of the interval increase it', async () => {
  const started = await start();
  const states = [await poll(started), await poll(started), await poll(started)];
  expect(states).toEqual([
    { state: 'pending', interval: 5 },
    { state: 'slow_down', interval: 10 },
    { state: 'slow_down', interval: 15 },
  ]);
});

test('only a user with a browser decides: no token, not the owner token, no anonymous caller', async () => {
  const made = await ada.post(`${world.url}/api/v1/tokens`, { title: 'a token' });
  const { token } = JSON.parse(made.text) as { token: string };
  const started = await start();
  const path = `/api/v1/devices/${started.user_code}/actions/approve`;
  for (const credential of [token, OWNER_TOKEN]) expect((await world.api(path, credential, {})).status).toBe(403);
  expect((await decide(new TestBrowser(), started.user_code, 'approve')).status).toBe(401);
  expect((await read(new TestBrowser(), started.user_code)).status).toBe(401);
  // A page of another site cannot make a browser approve a grant.
  const forged = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      cookie: `dais_sid=${ada.cookie(world.url, 'dais_sid')}`,
      origin: 'https://evil.example',
    },
    body: '{}',
  });
  expect(forged.status).toBe(403);
  expect((await poll(started)).state).toBe('pending');
});

test('the approval of a user who was suspended later is void', async () => {
  const eve = await signIn('eve');
  const started = await start();
  await decide(eve, started.user_code, 'approve');
  const manifest = {
    apiVersion: 'dais.dev/v1',
    kind: 'User',
    metadata: { name: 'eve@example.com' },
    spec: { email: 'eve@example.com', suspended: true },
  };
  await world.call('user.update', { name: 'eve@example.com', manifest });
  expect(await poll(started)).toEqual({ state: 'denied' });
});

test('codes cannot be guessed: attempts per user and requests per address are limited', async () => {
  const started = await start();
  const guesses = [];
  for (let at = 0; at < 35; at++) guesses.push((await read(ada, 'BCDF-GHJK')).status);
  expect([guesses.filter((status) => status === 404).length, guesses.at(-1)]).toEqual([30, 429]);
  expect((await read(ada, started.user_code)).headers.get('retry-after')).toMatch(/^\d+$/);
  const bea = await signIn('bea');
  expect((await read(bea, started.user_code)).status).toBe(200);
  let status = 200;
  for (let at = 0; at < 105 && status === 200; at++) {
    [status] = await post('/auth/device', { machine: 'm', program: 'p' });
  }
  expect(status).toBe(429);
});

test('a machine cannot use a name that reverses the text', async () => {
  const started = await start('lap\u202Etop\u0007\n');
  expect(JSON.parse((await read(ada, started.user_code)).text)).toMatchObject({ machine: 'lap?top??' });
});

test('neither code is in a log or an event', async () => {
  const started = await start();
  await decide(ada, started.user_code, 'approve');
  const { access_token: token = '' } = await poll(started);
  const events = JSON.stringify(await world.database.asAdmin('select * from kernel.event'));
  for (const secret of [started.device_code, token]) {
    expect(world.logged.join('\n')).not.toContain(secret);
    expect(events).not.toContain(secret);
  }
  expect(events).not.toContain(started.user_code);
});
