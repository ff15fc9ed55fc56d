import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SignInWorld } from './testing/sign-in-world.ts';
import { TestBrowser } from './testing/test-browser.ts';

let world: SignInWorld;
beforeAll(async () => {
  world = await SignInWorld.start({
    providers: [
      { name: 'corporate' },
      { name: 'plain', refreshTokens: false },
      { name: 'lasting', refreshTokens: false, settings: { withoutRefreshToken: 'keep' } },
    ],
  });
});
afterAll(async () => {
  await world.stop();
});
beforeEach(async () => {
  // Users of earlier tests are not checked.
  await world.database.asAdmin('delete from policy.identity_link');
  for (const provider of world.providers.values()) provider.isDown = false;
});

interface SignedIn {
  readonly browser: TestBrowser;
  readonly token: string;
}

/** A browser with a session, and a token that it created. */
async function signIn(who: string, provider: string): Promise<SignedIn> {
  const browser = new TestBrowser();
  world.provider(provider).signsIn = who;
  await browser.follow(`${world.url}/auth/oidc/${provider}/start?next=/`, (next) => next === `${world.url}/`);
  const made = await browser.post(`${world.url}/api/v1/tokens`, { title: 'a test' });
  expect(made.status).toBe(201);
  return { browser, token: (JSON.parse(made.text) as { token: string }).token };
}

/** Returns whether the session and the token are still valid. */
async function holds({ browser, token }: SignedIn): Promise<readonly [boolean, boolean]> {
  const session = await browser.get(`${world.url}/api/v1/sessions`);
  const byToken = await world.api('/api/v1/tokens', token);
  return [session.status === 200, byToken.status === 200];
}

test('a user with access stays; their groups follow the provider', async () => {
  const person = world.provider('corporate').add('ada', { groups: ['a'] });
  const signedIn = await signIn('ada', 'corporate');
  expect(await world.checkProviderAccess()).toEqual({ queried: 0, ended: 0, unanswered: 0 });
  person.groups = ['b'];
  // Refresh tokens are rotated: each round uses the token of the previous one.
  for (let round = 0; round < 3; round++) {
    await world.passMinutes(31);
    expect(await world.checkProviderAccess()).toEqual({ queried: 1, ended: 0, unanswered: 0 });
  }
  expect(await holds(signedIn)).toEqual([true, true]);
  const user = await world.call('user.get', { name: 'ada@example.com' });
  expect(user.status).toMatchObject({ groups: ['b'] });
});

test('a user who was disabled at the provider loses sessions and tokens', async () => {
  const person = world.provider('corporate').add('bea');
  world.provider('corporate').add('carl');
  const bea = await signIn('bea', 'corporate');
  const carl = await signIn('carl', 'corporate');
  person.disabled = true;
  await world.passMinutes(31);
  expect(await world.checkProviderAccess()).toEqual({ queried: 2, ended: 1, unanswered: 0 });
  expect([await holds(bea), await holds(carl)]).toEqual([
    [false, false],
    [true, true],
  ]);
  expect(await world.events('identity.ended')).toContainEqual(expect.objectContaining({ provider: 'corporate' }));
  expect(await world.events('token.revoked')).toContainEqual({ reason: 'provider', count: 1 });
  // Not checked any more until the next sign-in.
  await world.passMinutes(31);
  expect((await world.checkProviderAccess()).ended).toBe(0);
  person.disabled = false;
  expect(await holds(await signIn('bea', 'corporate'))).toEqual([true, true]);
});

test('within an hour, counting the waits between runs', async () => {
  const person = world.provider('corporate').add('dan');
  const signedIn = await signIn('dan', 'corporate');
  person.disabled = true;
  // The job runs every five minutes.
  let minutes = 0;
  while ((await holds(signedIn))[0] && minutes < 120) {
    await world.passMinutes(5);
    minutes += 5;
    await world.checkProviderAccess();
  }
  expect(minutes).toBeLessThanOrEqual(60);
});

test('a provider that does not respond decides nothing, and is queried again in the next run', async () => {
  const person = world.provider('corporate').add('eve');
  const signedIn = await signIn('eve', 'corporate');
  world.provider('corporate').isDown = true;
  await world.passMinutes(31);
  expect(await world.checkProviderAccess()).toEqual({ queried: 1, ended: 0, unanswered: 1 });
  expect(await holds(signedIn)).toEqual([true, true]);
  person.disabled = true;
  world.provider('corporate').isDown = false;
  expect(await world.checkProviderAccess()).toEqual({ queried: 1, ended: 1, unanswered: 0 });
  expect(await holds(signedIn)).toEqual([false, false]);
});

test('a rotated token is stored although the provider then returns nothing about the user', async () => {
  const corporate = world.provider('corporate');
  corporate.add('jim', { groups: ['a'] });
  const signedIn = await signIn('jim', 'corporate');
  corporate.broken = '/me';
  await world.passMinutes(31);
  expect(await world.checkProviderAccess()).toEqual({ queried: 1, ended: 0, unanswered: 0 });
  corporate.broken = undefined;
  await world.passMinutes(31);
  expect(await world.checkProviderAccess()).toEqual({ queried: 1, ended: 0, unanswered: 0 });
  expect(await holds(signedIn)).toEqual([true, true]);
  expect((await world.call('user.get', { name: 'jim@example.com' })).status).toMatchObject({ groups: ['a'] });
});

test('without a refresh token a sign-in is valid for less than an hour, unless configured otherwise', async () => {
  world.provider('plain').add('fay');
  world.provider('lasting').add('gus');
  const fay = await signIn('fay', 'plain');
  const gus = await signIn('gus', 'lasting');
  await world.passMinutes(40);
  expect((await world.checkProviderAccess()).ended).toBe(0);
  await world.passMinutes(15);
  expect((await world.checkProviderAccess()).ended).toBe(1);
  expect([await holds(fay), await holds(gus)]).toEqual([
    [false, false],
    [true, true],
  ]);
});

test('a stored refresh token cannot be decrypted for another identity', async () => {
  world.provider('corporate').add('hal');
  world.provider('corporate').add('ian');
  const [hal, ian] = [await signIn('hal', 'corporate'), await signIn('ian', 'corporate')];
  // Rows that were swapped in the database.
  await world.database.asAdmin(
    `update policy.identity_link l set wrapped = o.wrapped, iv = o.iv, ciphertext = o.ciphertext, tag = o.tag
     from policy.identity_link o where l.subject = 'hal' and o.subject = 'ian'`,
  );
  await world.passMinutes(31);
  expect((await world.checkProviderAccess()).ended).toBe(1);
  expect([await holds(hal), await holds(ian)]).toEqual([
    [false, false],
    [true, true],
  ]);
});
