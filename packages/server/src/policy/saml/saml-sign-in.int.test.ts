import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SignInWorld } from '#policy/oidc/testing/sign-in-world.ts';
import { TestBrowser, type Answer } from '#policy/oidc/testing/test-browser.ts';
import {
  assertionXml,
  encode,
  makeSigningKey,
  readRequest,
  responseXml,
  sign,
  type AssertionOptions,
  type SigningKey,
} from './testing/saml-idp.testing.ts';
import { samlUrls } from './saml-settings.ts';

const ISSUER = 'https://id.example.com/saml';

let world: SignInWorld;
let key: SigningKey;
beforeAll(async () => {
  key = await makeSigningKey();
  world = await SignInWorld.start({
    saml: [
      () => ({
        name: 'corporate',
        title: 'Corporate login',
        entityId: ISSUER,
        signInUrl: 'https://id.example.com/sso',
        certificates: [key.cert],
        attributes: { email: 'email', displayName: 'displayName', groups: 'groups' },
        allowedDomains: ['example.com'],
        createUsers: true,
        matchProvisioned: { claim: 'employee', attribute: 'externalId' },
        clockSkewSeconds: 60,
        mfaContexts: [],
        withoutProvisioning: 'end',
      }),
    ],
  });
});
afterAll(async () => await world?.stop());

interface Started {
  readonly browser: TestBrowser;
  readonly requestId: string;
  readonly relayState: string;
}

async function start(next = '/p/vision'): Promise<Started> {
  const browser = new TestBrowser();
  const answer = await browser.get(`${world.url}/auth/saml/corporate/start?next=${encodeURIComponent(next)}`);
  expect(answer.status).toBe(303);
  const { id, relayState } = readRequest(answer.location ?? '');
  return { browser, requestId: id, relayState };
}

function answerOf(requestId: string, more: Partial<AssertionOptions> = {}): string {
  const { entityId, acs } = samlUrls(world.url, 'corporate');
  const expected = { issuer: ISSUER, audience: entityId, recipient: acs, inResponseTo: requestId, ...more };
  const envelope = { issuer: expected.issuer, inResponseTo: requestId };
  return encode(sign(responseXml(assertionXml(expected), envelope), 'Assertion', key));
}

const post = async (browser: TestBrowser, SAMLResponse: string, RelayState: string): Promise<Answer> =>
  await browser.postForm(
    `${world.url}/auth/saml/corporate/acs`,
    { SAMLResponse, RelayState },
    'https://id.example.com',
  );

/** Signs in up to the redirect of the browser to Dais. */
async function upToFinish(
  person: Partial<AssertionOptions>,
  next?: string,
): Promise<Started & { readonly finish: string }> {
  const started = await start(next);
  const answer = await post(started.browser, answerOf(started.requestId, person), started.relayState);
  expect({ status: answer.status, text: answer.text }).toEqual({ status: 303, text: expect.any(String) });
  return { ...started, finish: answer.location ?? '' };
}

async function whoIs(browser: TestBrowser) {
  return JSON.parse((await browser.get(`${world.url}/auth/session`)).text) as {
    actor?: { id: string };
    method?: string;
  };
}

const ada = { nameId: 'ada-1', attributes: { email: ['ada@example.com'], displayName: ['Ada'], groups: ['ml'] } };

describe('a sign-in', () => {
  test('creates a user, a session with the groups, and a link', async () => {
    const { browser, finish } = await upToFinish(ada);
    const answer = await browser.get(finish);
    expect(answer).toMatchObject({ status: 303, location: `${world.url}/p/vision` });
    expect(await whoIs(browser)).toMatchObject({ actor: { id: 'ada@example.com' }, method: 'saml' });
    const user = await world.call('user.get', { name: 'ada@example.com' });
    expect(user).toMatchObject({ spec: { displayName: 'Ada' }, status: { provider: 'corporate', groups: ['ml'] } });
    expect(await world.events('identity.linked')).toContainEqual({
      provider: 'corporate',
      issuer: ISSUER,
      created: true,
    });
    // Again, with another address: the NameID identifies the person.
    const again = await upToFinish({ ...ada, attributes: { email: ['other@example.com'] } });
    await again.browser.get(again.finish);
    expect(await whoIs(again.browser)).toMatchObject({ actor: { id: 'ada@example.com' } });
  });

  test('is offered, and described by metadata', async () => {
    const session = JSON.parse((await new TestBrowser().get(`${world.url}/auth/session`)).text) as { signIn: object };
    expect(session.signIn).toMatchObject({ providers: [{ name: 'corporate', protocol: 'saml' }] });
    const { headers, text } = await new TestBrowser().get(`${world.url}/auth/saml/corporate/metadata`);
    expect(headers.get('content-type')).toContain('application/samlmetadata+xml');
    expect(text).toContain(`entityID="${world.url}/auth/saml/corporate/metadata"`);
    expect(text).toContain(`Location="${world.url}/auth/saml/corporate/acs"`);
    expect(text).toContain('WantAssertionsSigned="true"');
  });

  test.each(['https://evil.example', '//evil.example', '/\\evil.example', '/auth/logout', 'javascript:alert(1)'])(
    'never leads to %s',
    async (next) => {
      const { browser, finish } = await upToFinish(ada, next);
      expect((await browser.get(finish)).location).toBe(`${world.url}/`);
    },
  );
});

describe('refuses', () => {
  test('the same response again, and a second response to one request', async () => {
    const { browser, requestId, relayState } = await start();
    const response = answerOf(requestId, ada);
    expect((await post(browser, response, relayState)).status).toBe(303);
    expect((await post(browser, response, relayState)).status).toBe(401);
    expect((await post(browser, answerOf(requestId, ada), relayState)).status).toBe(401);
    // An assertion cannot serve another request, even with the same ID.
    const other = await start();
    const reused = answerOf(other.requestId, { ...ada, id: '_once' });
    expect((await post(other.browser, reused, other.relayState)).status).toBe(303);
    const third = await start();
    expect(
      (await post(third.browser, answerOf(third.requestId, { ...ada, id: '_once' }), third.relayState)).status,
    ).toBe(401);
  });

  test('a response without a request, for another request, and to another browser', async () => {
    const { browser, requestId, relayState } = await start();
    expect((await post(browser, answerOf(requestId, ada), '')).status).toBe(401);
    expect((await post(browser, answerOf(requestId, ada), 'https://evil.example')).status).toBe(401);
    const other = await start();
    expect((await post(browser, answerOf(requestId, ada), other.relayState)).status).toBe(401);
    const { finish, browser: victim } = await upToFinish(ada);
    expect(relayState).not.toBe('');
    expect((await new TestBrowser().get(finish)).status).toBe(401);
    expect((await victim.get(finish)).status).toBe(303);
    expect((await victim.get(finish)).status).toBe(401);
  });

  test('an unsigned response, with the reason on record', async () => {
    const { browser, requestId, relayState } = await start();
    const { entityId, acs } = samlUrls(world.url, 'corporate');
    const expected = { issuer: ISSUER, audience: entityId, recipient: acs, inResponseTo: requestId };
    const before = (await world.events('session.refused')).length;
    const answer = await post(browser, encode(responseXml(assertionXml(expected), expected)), relayState);
    expect(answer.status).toBe(401);
    expect((await world.events('session.refused')).length).toBe(before + 1);
  });

  test('a person without an allowed address, and one who is suspended', async () => {
    const stranger = await upToFinish({ nameId: 'eve-1', attributes: { email: ['eve@evil.example'] } });
    expect((await stranger.browser.get(stranger.finish)).status).toBe(401);
    await world.create('User', 'held', { email: 'held@example.com', suspended: true });
    const held = await upToFinish({ nameId: 'held-1', attributes: { email: ['held@example.com'] } });
    expect((await held.browser.get(held.finish)).status).toBe(401);
  });
});

test('a user that SCIM provisioned and the person who signs in are one, by the configured attribute', async () => {
  await world.call('provisionedUser.create', {
    provider: 'corporate',
    userName: 'grace@example.com',
    externalId: 'E-17',
    active: true,
  });
  const { browser, finish } = await upToFinish({
    nameId: 'grace-1',
    attributes: { employee: ['E-17'], groups: ['x'] },
  });
  expect((await browser.get(finish)).status).toBe(303);
  expect(await whoIs(browser)).toMatchObject({ actor: { id: 'grace@example.com' } });
  // Another person with the same attribute does not get the account.
  const other = await upToFinish({ nameId: 'eve-2', attributes: { employee: ['E-17'] } });
  expect((await other.browser.get(other.finish)).status).toBe(401);
  // A user whom the provider provisions keeps the session: the provider reports who leaves.
  await world.passMinutes(60);
  expect(await world.checkProviderAccess()).toMatchObject({ ended: 1 });
  expect(await whoIs(browser)).toMatchObject({ actor: { id: 'grace@example.com' } });
});
