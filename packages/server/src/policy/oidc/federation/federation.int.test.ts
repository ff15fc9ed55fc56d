import { afterAll, beforeAll, expect, test } from 'vitest';
import { SignInWorld } from '#policy/oidc/testing/sign-in-world.ts';
import { TestProvider } from '#policy/oidc/testing/test-provider.ts';

let world: SignInWorld;
/** A CI system: it signs tokens and publishes its keys. */
let ci: TestProvider;
beforeAll(async () => {
  world = await SignInWorld.start();
  ci = await TestProvider.start({ name: 'ci', serverUrl: world.url, clientSecret: 'unused' });
  const trust = [
    { issuer: ci.issuer, audience: 'dais', subject: 'repo:acme/models:ref:refs/heads/*' },
    { issuer: ci.issuer, audience: 'dais-release', subject: 'repo:acme/models:environment:release', ttlSeconds: 3600 },
  ];
  await world.create('ServiceAccount', 'deployer', { trust });
  await world.create('ServiceAccount', 'reader', {});
});
afterAll(async () => {
  await ci.stop();
  await world.stop();
});

const MAIN = 'repo:acme/models:ref:refs/heads/main';
let made = 0;
const tokenFor = async (claims: object = {}) =>
  await ci.sign({ aud: 'dais', sub: MAIN, jti: `job-${++made}`, ...claims });

interface Exchanged {
  readonly access_token: string;
  readonly expires_in: number;
  readonly detail: string;
  readonly code: string;
}

async function exchange(subject_token: string, service_account = 'deployer'): Promise<readonly [number, Exchanged]> {
  const answer = await fetch(`${world.url}/auth/federation`, {
    method: 'POST',
    // As `curl -d` sends it.
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token,
      service_account,
    }),
  });
  return [answer.status, (await answer.json()) as Exchanged];
}

test('a token of the CI system becomes one of the service account, for a while', async () => {
  const [status, given] = await exchange(await tokenFor());
  expect([status, given]).toEqual([
    200,
    {
      access_token: expect.stringMatching(/^dais_sat_[0-9A-Za-z]{36}$/),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 900,
    },
  ]);
  const session = (await (await world.api('/auth/session', given.access_token)).json()) as object;
  expect(session).toMatchObject({ actor: { type: 'service', id: 'deployer' }, method: 'federation' });
  expect(await world.events('token.exchanged')).toContainEqual(
    expect.objectContaining({ issuer: ci.issuer, subject: MAIN }),
  );
});

test('each trust entry has its audience, subject and lifetime', async () => {
  const release = { aud: ['other', 'dais-release'], sub: 'repo:acme/models:environment:release' };
  expect((await exchange(await tokenFor(release)))[1].expires_in).toBe(3600);
});

test.each([
  ['another audience', { aud: 'elsewhere' }],
  ['the audience of one entry and the subject of another', { aud: 'dais-release' }],
  ['another repository', { sub: 'repo:acme/other:ref:refs/heads/main' }],
  ['another branch namespace', { sub: 'repo:acme/models:ref:refs/heads/main:x' }],
  ['a pull request', { sub: 'repo:acme/models:pull_request' }],
])('rejects %s, and the error contains the claims', async (_name, claims) => {
  const [status, { code, detail }] = await exchange(await tokenFor(claims));
  expect([status, code]).toEqual([401, 'unauthenticated']);
  expect(detail).toContain('its audience is');
});

test('does not reveal whether a service account exists', async () => {
  const details = await Promise.all(
    ['reader', 'nobody'].map(async (name) => {
      const [status, { detail }] = await exchange(await tokenFor(), name);
      return [status, detail.replaceAll(`"${name}"`, '"…"')];
    }),
  );
  expect(details[0]).toEqual(details[1]);
});

test('a token is exchanged once, also concurrently', async () => {
  const token = await tokenFor();
  const statuses = (await Promise.all([1, 2, 3, 4].map(() => exchange(token)))).map(([status]) => status);
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 401, 401, 401]);
  const without = await tokenFor({ jti: undefined });
  expect([(await exchange(without))[0], (await exchange(without))[0]]).toEqual([200, 401]);
});

test('an untrusted issuer is never called', async () => {
  const outsider = await TestProvider.start({ name: 'x', serverUrl: world.url, clientSecret: 'unused' });
  const [status, { detail }] = await exchange(await outsider.sign({ aud: 'dais', sub: MAIN }));
  expect([status, detail]).toEqual([401, expect.stringContaining('no service account trusts the issuer')]);
  // Nor one that claims to be another.
  const [pretended] = await exchange(await outsider.sign({ iss: ci.issuer, aud: 'dais', sub: MAIN }));
  expect(pretended).toBe(401);
  expect(outsider.calls).toEqual([]);
  await outsider.stop();
});

test('trust that was withdrawn counts no more, nor does a suspended account; its tokens end', async () => {
  const trust = [{ issuer: ci.issuer, audience: 'dais', subject: MAIN }];
  await world.create('ServiceAccount', 'passing', { trust });
  const [, { access_token: token }] = await exchange(await tokenFor(), 'passing');
  const update = async (spec: object) => {
    const manifest = { apiVersion: 'dais.dev/v1', kind: 'ServiceAccount', metadata: { name: 'passing' }, spec };
    await world.call('serviceAccount.update', { name: 'passing', manifest });
  };
  await update({});
  expect((await exchange(await tokenFor(), 'passing'))[0]).toBe(401);
  await update({ trust, suspended: true });
  expect((await exchange(await tokenFor(), 'passing'))[0]).toBe(401);
  expect((await world.api('/auth/session', token)).status).toBe(401);
});

test('a short-lived token cannot create tokens with a longer life', async () => {
  const [, { access_token: token, expires_in: seconds }] = await exchange(await tokenFor());
  const answer = await world.api('/api/v1/tokens', token, { title: 'more', days: 90 });
  const { expiresAt } = (await answer.json()) as { expiresAt: string };
  expect(Date.parse(expiresAt)).toBeLessThanOrEqual(Date.now() + seconds * 1000);
});

test('neither token is in a log or an event', async () => {
  const token = await tokenFor();
  const [, { access_token: given }] = await exchange(token);
  const events = JSON.stringify(await world.database.asAdmin('select * from kernel.event'));
  for (const text of [world.logged.join('\n'), events]) {
    expect(text).not.toContain(given);
    expect(text).not.toContain(token.split('.')[2]);
  }
});
