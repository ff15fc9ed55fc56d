import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SignInWorld } from './testing/sign-in-world.ts';
import { TestBrowser, type Answer } from './testing/test-browser.ts';
import type { TestProvider } from './testing/test-provider.ts';

let world: SignInWorld;
let corporate: TestProvider;
beforeAll(async () => {
  world = await SignInWorld.start({
    providers: [
      { name: 'corporate' },
      { name: 'partners', refreshTokens: false, settings: { allowedDomains: ['partner.example'], createUsers: false } },
    ],
  });
  corporate = world.provider('corporate');
});
afterAll(async () => {
  await world.stop();
});
beforeEach(() => {
  for (const provider of world.providers.values()) provider.isDown = false;
});

const startUrl = (next = '', provider = 'corporate') =>
  `${world.url}/auth/oidc/${provider}/start${next === '' ? '' : `?next=${encodeURIComponent(next)}`}`;
const isCallback = (url: string) => url.startsWith(world.url) && url.includes('/callback?');

/** Signs in up to the moment at which the provider sends the browser back: the address it is sent to. */
async function upToCallback(browser: TestBrowser, who: string, next = '', provider = 'corporate'): Promise<string> {
  world.provider(provider).signsIn = who;
  const answer = await browser.follow(startUrl(next, provider), isCallback);
  if (answer.location === undefined) throw new Error(`no way back: ${answer.status} ${answer.text}`);
  return answer.location;
}

async function signIn(browser: TestBrowser, who: string, next = '', provider = 'corporate'): Promise<Answer> {
  return await browser.get(await upToCallback(browser, who, next, provider));
}

async function whoIs(browser: TestBrowser): Promise<string | undefined> {
  const { text } = await browser.get(`${world.url}/auth/session`);
  return (JSON.parse(text) as { actor?: { id: string } }).actor?.id;
}

const problem = (answer: Answer) => JSON.parse(answer.text) as { code: string; detail: string };

describe('a sign-in', () => {
  test('creates a user, a session and a link; the URL contains neither secret nor token', async () => {
    corporate.add('ada', { groups: ['ml', 'staff'], amr: ['pwd', 'mfa'] });
    const browser = new TestBrowser();
    const start = await browser.get(startUrl('/p/vision/secrets?labels=a#b'));
    expect(start.status).toBe(303);
    const sent = new URL(start.location ?? '').searchParams;
    expect(Object.fromEntries(sent)).toMatchObject({
      client_id: 'dais',
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: `${world.url}/auth/oidc/corporate/callback`,
    });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(sent.get(name)).toMatch(/^[\w-]{43}$/);
    expect(start.cookies).toMatchObject([
      { name: 'dais_login', attributes: expect.stringMatching(/Max-Age=600;.*HttpOnly;.*SameSite=Lax/) },
    ]);

    const done = await signIn(browser, 'ada', '/p/vision/secrets?labels=a#b');
    expect([done.status, done.location]).toEqual([303, `${world.url}/p/vision/secrets?labels=a#b`]);
    expect(done.cookies.map(({ name }) => name)).toEqual(['dais_sid', 'dais_login']);
    expect(browser.cookie(world.url, 'dais_login')).toBeUndefined();

    const session = JSON.parse((await browser.get(`${world.url}/auth/session`)).text) as object;
    expect(session).toMatchObject({
      actor: { type: 'user', id: 'ada@example.com' },
      method: 'oidc',
      mfa: true,
      email: 'ada@example.com',
    });
    const user = await world.call('user.get', { name: 'ada@example.com' });
    expect(user.status).toMatchObject({ provider: 'corporate', groups: ['ml', 'staff'] });
    expect(await world.events('identity.linked')).toContainEqual({
      provider: 'corporate',
      issuer: corporate.issuer,
      created: true,
    });
    expect(await world.events('session.started')).toContainEqual(
      expect.objectContaining({ method: 'oidc', provider: 'corporate', mfa: true }),
    );
  });

  test('the next sign-in is the same user, even with a new email address; groups follow', async () => {
    const person = corporate.add('bea', { groups: ['one'] });
    await signIn(new TestBrowser(), 'bea');
    person.email = 'beatrice@example.com';
    person.groups = ['two'];
    const browser = new TestBrowser();
    await signIn(browser, 'bea');
    expect(await whoIs(browser)).toBe('bea@example.com');
    expect((await world.call('user.get', { name: 'bea@example.com' })).status).toMatchObject({ groups: ['two'] });
  });

  test('starts a new session and ends the previous one of the browser', async () => {
    corporate.add('carl');
    const browser = new TestBrowser();
    await signIn(browser, 'carl');
    const first = browser.cookie(world.url, 'dais_sid') ?? '';
    await signIn(browser, 'carl');
    expect(browser.cookie(world.url, 'dais_sid')).not.toBe(first);
    const old = new TestBrowser();
    old.setCookie(world.url, 'dais_sid', first);
    expect(await whoIs(old)).toBeUndefined();
    expect(await whoIs(browser)).toBe('carl@example.com');
  });

  test('a planted session does not become the session of the user', async () => {
    corporate.add('dora');
    const browser = new TestBrowser();
    const planted = 'A'.repeat(43);
    browser.setCookie(world.url, 'dais_sid', planted);
    await signIn(browser, 'dora');
    expect(browser.cookie(world.url, 'dais_sid')).not.toBe(planted);
    const attacker = new TestBrowser();
    attacker.setCookie(world.url, 'dais_sid', planted);
    expect(await whoIs(attacker)).toBeUndefined();
  });

  test.each(['//evil.example', '/\\evil.example', 'https://evil.example/', '/\t/evil.example', 'javascript:alert(1)'])(
    'never redirects to another site: %j',
    async (next) => {
      corporate.add('eva');
      expect((await signIn(new TestBrowser(), 'eva', next)).location).toBe(`${world.url}/`);
    },
  );
});

describe('rejected sign-ins', () => {
  test('an answer with another state', async () => {
    corporate.add('fay');
    const browser = new TestBrowser();
    const url = new URL(await upToCallback(browser, 'fay'));
    url.searchParams.set('state', 'B'.repeat(43));
    const answer = await browser.get(url.href);
    expect([answer.status, problem(answer).code]).toEqual([401, 'unauthenticated']);
    expect(await whoIs(browser)).toBeUndefined();
  });

  test('a response in another browser: a link to the sign-in of an attacker', async () => {
    corporate.add('mallory');
    const url = await upToCallback(new TestBrowser(), 'mallory');
    const victim = new TestBrowser();
    expect((await victim.get(url)).status).toBe(401);
    // Nor a browser that started its own sign-in.
    await victim.get(startUrl());
    expect((await victim.get(url)).status).toBe(401);
    expect(await whoIs(victim)).toBeUndefined();
  });

  test('the same answer twice', async () => {
    corporate.add('gus');
    const browser = new TestBrowser();
    const url = await upToCallback(browser, 'gus');
    const cookie = browser.cookie(world.url, 'dais_login') ?? '';
    expect((await browser.get(url)).status).toBe(303);
    browser.setCookie(world.url, 'dais_login', cookie);
    const again = await browser.get(url);
    expect([again.status, problem(again).code]).toEqual([401, 'unauthenticated']);
  });

  test('a code that was used before: the provider rejects it', async () => {
    corporate.add('hal');
    const browser = new TestBrowser();
    const used = new URL(await upToCallback(browser, 'hal'));
    await browser.get(used.href);
    const fresh = new URL(await upToCallback(browser, 'hal'));
    fresh.searchParams.set('code', used.searchParams.get('code') ?? '');
    const answer = await browser.get(fresh.href);
    expect(answer.status).toBe(401);
    expect(problem(answer).detail).toContain('invalid_grant');
  });

  test('an answer in the name of another provider', async () => {
    corporate.add('ian');
    const browser = new TestBrowser();
    const url = await upToCallback(browser, 'ian');
    expect((await browser.get(url.replace('/corporate/', '/partners/'))).status).toBe(401);
    const other = new URL(url);
    other.searchParams.set('iss', world.provider('partners').issuer);
    const answer = await browser.get(other.href);
    expect([answer.status, problem(answer).detail]).toEqual([401, expect.stringContaining('corporate')]);
  });

  test('a response that is too late', async () => {
    corporate.add('jo');
    const browser = new TestBrowser();
    const url = await upToCallback(browser, 'jo');
    await world.database.asAdmin("update policy.sign_in set expires_at = now() - interval '1 second'");
    expect(problem(await browser.get(url)).detail).toContain('10 minutes');
  });

  test('a provider that returns an error', async () => {
    const browser = new TestBrowser();
    const answer = await browser.get(await upToCallback(browser, ''));
    expect([answer.status, problem(answer).detail]).toEqual([401, expect.stringContaining('access_denied')]);
  });

  test('a provider that is down, before and after', async () => {
    corporate.add('kim');
    const browser = new TestBrowser();
    const url = await upToCallback(browser, 'kim');
    corporate.isDown = true;
    const after = await browser.get(url);
    expect([after.status, problem(after).code]).toEqual([502, 'upstream_failed']);
    const partners = world.provider('partners');
    partners.isDown = true;
    const before = await browser.get(startUrl('', 'partners'));
    expect([before.status, problem(before).detail]).toEqual([502, expect.stringContaining('partners')]);
    partners.isDown = false;
    expect((await browser.get(startUrl('', 'partners'))).status).toBe(303);
  });

  test('a user sees the reason on a page; markup in it is escaped', async () => {
    const url = `${world.url}/auth/oidc/corporate/callback?error=${encodeURIComponent('<b>x</b>')}`;
    const page = await new TestBrowser().get(url, { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });
    expect([page.status, page.headers.get('content-type')]).toEqual([401, 'text/html; charset=utf-8']);
    expect(page.text).toContain('Sign in again');
    corporate.signsIn = '';
    const browser = new TestBrowser();
    const way = new URL(await upToCallback(browser, ''));
    way.searchParams.set('error_description', '<script>alert(1)</script>');
    const refused = await browser.get(way.href, { accept: 'text/html' });
    expect(refused.text).toContain('&lt;script&gt;');
    expect(refused.text).not.toContain('<script>');
  });

  test('a provider that is not there, parameters twice, an answer without anything', async () => {
    const browser = new TestBrowser();
    expect((await browser.get(startUrl('', 'nobody'))).status).toBe(404);
    expect((await browser.get(`${world.url}/auth/oidc/corporate/callback`)).status).toBe(401);
    corporate.add('lea');
    const url = await upToCallback(browser, 'lea');
    const code = new URL(url).searchParams.get('code') ?? '';
    expect((await browser.get(`${url}&code=${code}`)).status).toBe(401);
  });

  test('no secret is in a log or an event', async () => {
    corporate.add('zoe');
    const browser = new TestBrowser();
    const url = new URL(await upToCallback(browser, 'zoe'));
    const login = browser.cookie(world.url, 'dais_login') ?? '';
    await browser.get(url.href);
    const secrets = [
      login,
      url.searchParams.get('code') ?? '',
      url.searchParams.get('state') ?? '',
      browser.cookie(world.url, 'dais_sid') ?? '',
    ];
    const events = JSON.stringify(await world.database.asAdmin('select * from kernel.event'));
    const rows = JSON.stringify(await world.database.asAdmin('select * from policy.session, policy.identity_link'));
    for (const secret of secrets) {
      expect(secret).toMatch(/^[\w-]{43}/);
      for (const text of [world.logged.join('\n'), events, rows]) expect(text).not.toContain(secret);
    }
  });
});

describe('the account of a sign-in', () => {
  test.each([
    ['an address that is not verified', { emailVerified: false }, 'reports no verified email address'],
    ['a domain that was not named', { email: 'x@elsewhere.example' }, 'may not sign in email addresses'],
  ])('%s creates no user', async (_name, person, reason) => {
    corporate.add('nina', person);
    const browser = new TestBrowser();
    const answer = await signIn(browser, 'nina');
    expect([answer.status, problem(answer).detail]).toEqual([401, expect.stringContaining(reason)]);
    expect(await whoIs(browser)).toBeUndefined();
    expect(await world.events('session.refused')).toContainEqual({ reason: 'provider' });
  });

  test('an invited user is linked by the address; a password does not open the account any more', async () => {
    const user = await world.create('User', 'olga', { email: 'Olga@example.com' });
    await world.database.asAdmin(
      `insert into policy.password (user_uid, hash) values ('${user.metadata.uid}', 'planted')`,
    );
    corporate.add('o-1', { email: 'olga@example.com' });
    const browser = new TestBrowser();
    await signIn(browser, 'o-1');
    expect(await whoIs(browser)).toBe('olga');
    expect(await world.database.asAdmin('select * from policy.password')).toEqual([]);
    // Another identity with the same email address is not this user.
    corporate.add('o-2', { email: 'olga@example.com' });
    const answer = await signIn(new TestBrowser(), 'o-2');
    expect([answer.status, problem(answer).detail]).toEqual([401, expect.stringContaining('another identity')]);
  });

  test('the previous access to the account ends: sessions, tokens, invitations, command lines', async () => {
    await world.create('User', 'opal', { email: 'opal@example.com' });
    const post = async (path: string, body: object, headers: object = {}) =>
      await fetch(`${world.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: world.url, ...headers },
        body: JSON.stringify(body),
      });
    const secretOf = async () =>
      (await world.call<{ link: string }>('password.reset', { name: 'opal' })).link.split('#')[1] ?? '';
    const password = 'gravel-orbit-mango-7';
    const accepted = await post('/auth/invitation/accept', { secret: await secretOf(), password });
    const cookie = accepted.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const made = (await (await post('/api/v1/tokens', { title: 'kept' }, { cookie })).json()) as { token: string };
    const started = await post('/auth/device', { machine: 'laptop', program: 'dais' });
    const { device_code, user_code } = (await started.json()) as { device_code: string; user_code: string };
    expect((await post(`/api/v1/devices/${user_code}/actions/approve`, {}, { cookie })).status).toBe(200);
    const secret = await secretOf();
    expect((await world.api('/api/v1/tokens', made.token)).status).toBe(200);

    corporate.add('o-3', { email: 'opal@example.com' });
    const browser = new TestBrowser();
    await signIn(browser, 'o-3');
    expect(await whoIs(browser)).toBe('opal');
    expect((await world.api('/api/v1/tokens', made.token)).status).toBe(401);
    expect((await fetch(`${world.url}/api/v1/tokens`, { headers: { cookie } })).status).toBe(401);
    expect((await post('/auth/invitation/accept', { secret, password })).status).toBe(404);
    const polled = await post('/auth/device/poll', { device_code });
    expect(await polled.json()).toEqual({ state: 'denied' });
  });

  test('a user of this name with another email address is another person', async () => {
    await world.create('User', 'pat@example.com', { email: 'pat@elsewhere.example' });
    corporate.add('pat');
    expect((await signIn(new TestBrowser(), 'pat')).status).toBe(401);
  });

  test('a provider without user creation signs in existing users', async () => {
    const partners = world.provider('partners');
    partners.add('quin', { email: 'quin@partner.example' });
    const refused = await signIn(new TestBrowser(), 'quin', '', 'partners');
    expect([refused.status, problem(refused).detail]).toEqual([401, expect.stringContaining('No account exists')]);
    await world.create('User', 'quin', { email: 'quin@partner.example' });
    const browser = new TestBrowser();
    await signIn(browser, 'quin', '', 'partners');
    expect(await whoIs(browser)).toBe('quin');
  });

  test('the same subject at two providers is two people', async () => {
    corporate.add('twin', { email: 'twin@example.com' });
    world.provider('partners').add('twin', { email: 'twin@partner.example' });
    await world.create('User', 'twin-partner', { email: 'twin@partner.example' });
    const [one, two] = [new TestBrowser(), new TestBrowser()];
    await signIn(one, 'twin');
    await signIn(two, 'twin', '', 'partners');
    expect([await whoIs(one), await whoIs(two)]).toEqual(['twin@example.com', 'twin-partner']);
  });

  test('a suspended user cannot sign in; a deleted one is created again', async () => {
    corporate.add('rob');
    await signIn(new TestBrowser(), 'rob');
    const user = await world.call('user.get', { name: 'rob@example.com' });
    const manifest = {
      apiVersion: 'dais.dev/v1',
      kind: 'User',
      metadata: { name: 'rob@example.com' },
      spec: { ...user.spec, suspended: true },
    };
    await world.call('user.update', { name: 'rob@example.com', manifest });
    expect(problem(await signIn(new TestBrowser(), 'rob')).detail).toContain('suspended');
    await world.call('user.delete', { name: 'rob@example.com' });
    const browser = new TestBrowser();
    await signIn(browser, 'rob');
    expect(await whoIs(browser)).toBe('rob@example.com');
    expect((await world.call('user.get', { name: 'rob@example.com' })).metadata.uid).not.toBe(user.metadata.uid);
  });
});

describe('signing out', () => {
  test('leads on to the provider, which leads back', async () => {
    const answer = await new TestBrowser().get(`${world.url}/auth/oidc/corporate/logout`);
    const url = new URL(answer.location ?? '');
    expect(url.origin).toBe(corporate.issuer);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'dais',
      post_logout_redirect_uri: `${world.url}/`,
    });
  });

  test('at the provider ends the sessions it names, once for each token', async () => {
    corporate.add('sam');
    corporate.add('tom');
    const [sam, tom] = [new TestBrowser(), new TestBrowser()];
    await signIn(sam, 'sam');
    await signIn(tom, 'tom');
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    const token = await corporate.sign({ aud: 'dais', sub: 'sam', jti: 'out-1', events });
    const send = async (logout_token: string) => {
      const answer = await fetch(`${world.url}/auth/oidc/corporate/backchannel-logout`, {
        method: 'POST',
        body: new URLSearchParams({ logout_token }),
      });
      return [answer.status, await answer.json()];
    };
    expect(await send(token)).toEqual([200, { ended: 1 }]);
    expect([await whoIs(sam), await whoIs(tom)]).toEqual([undefined, 'tom@example.com']);
    expect((await send(token))[0]).toBe(401);
    for (const claims of [
      { aud: 'other', sub: 'tom', events },
      { aud: 'dais', sub: 'tom' },
      { aud: 'dais', sub: 'tom', events, nonce: 'n' },
      { aud: 'dais', events },
    ]) {
      expect((await send(await corporate.sign(claims)))[0]).toBe(401);
    }
    expect((await send(await world.provider('partners').sign({ aud: 'dais', sub: 'tom', events })))[0]).toBe(401);
    expect(await whoIs(tom)).toBe('tom@example.com');
  });
});
