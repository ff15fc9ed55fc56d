/** Sessions against fixation, theft and misuse. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { AccountAccess } from '#policy/account-access.ts';
import { Sessions } from './sessions.ts';
import { AccountWorld, asOwner, manifest, PASSWORD } from '#policy/identity/testing/account-world.ts';

let world: AccountWorld;
beforeAll(async () => {
  world = await AccountWorld.start();
});
afterAll(async () => {
  await world.stop();
});

describe('sessions', () => {
  test('a planted session id never becomes a session', async () => {
    const { name } = await world.person();
    const planted = `dais_sid=${'A'.repeat(43)}`;
    const answer = await world.login(name, PASSWORD, { cookie: planted, ...world.own() });
    expect(answer.cookie).not.toBe(planted);
    expect(await world.whoIs({ cookie: planted })).toBe('nobody');
    expect(await world.codeFor({ cookie: planted })).toBe('unauthenticated');
  });

  test('a new sign-in ends the previous session of the browser', async () => {
    const attacker = await world.person();
    const victim = await world.person();
    const answer = await world.login(victim.name, PASSWORD, { cookie: attacker.cookie, ...world.own() });
    expect(await world.whoIs({ cookie: answer.cookie ?? '' })).toBe(victim.name);
    expect(await world.whoIs({ cookie: attacker.cookie })).toBe('nobody');
  });

  test('end immediately on logout', async () => {
    const { cookie, name } = await world.person();
    expect(await world.whoIs({ cookie })).toBe(name);
    const left = await world.send('/auth/logout', { body: {}, headers: { cookie, ...world.own() } });
    expect(left.headers.getSetCookie()).toEqual(['dais_sid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax']);
    expect(await world.codeFor({ cookie })).toBe('unauthenticated');
    expect((await world.send('/auth/logout', { body: {} })).status).toBe(200);
  });

  test('are listed and ended by their owner and by administrators only', async () => {
    const { name, cookie } = await world.person();
    const other = await world.person();
    const second = (await world.login(name, PASSWORD)).cookie ?? '';
    const { body } = await world.send('/api/v1/sessions', { headers: { cookie } });
    expect(body.items.map(({ current }: { current: boolean }) => current)).toEqual([false, true]);
    const [{ id }] = body.items;
    const foreign = await world.send(`/api/v1/sessions/${id}`, {
      method: 'DELETE',
      headers: { cookie: other.cookie, ...world.own() },
    });
    expect(foreign.body.code).toBe('not_found');
    const asOther = await world.send(`/api/v1/users/${name}/sessions`, { headers: { cookie: other.cookie } });
    expect(asOther.body.code).toBe('forbidden');
    expect(await world.whoIs({ cookie: second })).toBe(name);
    await world.send(`/api/v1/sessions/${id}`, { method: 'DELETE', headers: { cookie, ...world.own() } });
    expect(await world.whoIs({ cookie: second })).toBe('nobody');
    const rest = await world.send(`/api/v1/users/${name}/sessions`, { headers: asOwner });
    expect(rest.body.items).toHaveLength(1);
    await world.send(`/api/v1/users/${name}/sessions/${rest.body.items[0].id}`, { method: 'DELETE', headers: asOwner });
    expect(await world.whoIs({ cookie })).toBe('nobody');
  });

  test('a user has at most 100: the oldest one ends', async () => {
    const { name, cookie } = await world.person();
    await world.change(
      `insert into policy.session (id, digest, user_uid, user_name, method, mfa, expires_at)
       select gen_random_uuid(), sha256(convert_to('${name} ' || i, 'UTF8')), user_uid, user_name, method, mfa, expires_at
       from policy.session, generate_series(1, 99) i where user_name = '${name}'`,
    );
    expect(await world.whoIs({ cookie })).toBe(name);
    const next = (await world.login(name, PASSWORD)).cookie ?? '';
    expect(await world.whoIs({ cookie })).toBe('nobody');
    const { body } = await world.send('/api/v1/sessions', { headers: { cookie: next } });
    expect(body.items).toHaveLength(100);
  });

  test.each([
    ['idle for too long', `used_at = now() - interval '31 minutes'`],
    ['too old', 'expires_at = now()'],
  ])('end when %s', async (_what, change) => {
    const { name, cookie } = await world.person();
    expect(await world.whoIs({ cookie })).toBe(name);
    await world.change(`update policy.session set ${change} where user_name = '${name}'`);
    expect(await world.whoIs({ cookie })).toBe('nobody');
    expect(await world.codeFor({ cookie })).toBe('unauthenticated');
  });

  test.each([
    [
      'session',
      'used too long ago',
      `update policy.session set used_at = now() - interval '30 minutes' + interval '1 second'`,
    ],
    ['session', 'too old', `update policy.session set expires_at = now() + interval '1 second'`],
    ['token', 'at its end', `update policy.token set expires_at = now() + interval '1 second'`],
  ])('a stream ends with the %s that opened it, once that is %s', async (what, _when, change) => {
    const { name, cookie } = await world.person();
    const { token } = await world.tokenOf(cookie);
    const text = JSON.stringify(
      manifest('OrganizationRoleBinding', name.replaceAll(/\W/g, '-'), { role: 'viewer', users: [name] }),
    );
    const bound = await world.send('/api/v1/apply', {
      body: { sources: [{ file: 'a.yaml', text }] },
      headers: asOwner,
    });
    expect(bound.status).toBe(200);
    await world.change(`${change} where ${what === 'session' ? 'user_name' : 'owner_name'} = '${name}'`);
    const stream = await fetch(`${world.fixture.url}/api/v1/projects?watch=true`, {
      signal: AbortSignal.timeout(10_000),
      headers: what === 'session' ? { cookie } : { authorization: `Bearer ${token}` },
    });
    expect(stream.status).toBe(200);
    const began = performance.now();
    await stream.text();
    expect(performance.now() - began).toBeLessThan(8000);
  });

  test('end immediately on every replica', async () => {
    const { name, cookie } = await world.person();
    const { token } = await world.tokenOf(cookie);
    const other = new AccountAccess({
      hosts: [],
      origins: [],
      token: 'dais_own_another',
      database: world.fixture.database.database,
      sessions: new Sessions({ idleMs: 60_000, absoluteMs: 60_000 }, randomBytes),
      behindHttps: false,
      clock: systemClock,
      log: silentLog,
    });
    const requested = async (headers: { readonly cookie?: string; readonly authorization?: string }) => {
      const shape = { method: 'GET', url: '/', host: '127.0.0.1', scheme: 'http', address: '127.0.0.1' } as const;
      const rest = { origin: undefined, fetchSite: undefined, peerUid: async () => undefined };
      const request = { ...shape, ...rest, cookie: headers.cookie, authorization: headers.authorization };
      const wish = { anonymous: false, dispatched: false };
      return await other.identify(request, wish).then(
        ({ id }) => id,
        ({ code }: { code: string }) => code,
      );
    };
    const both = async () => [await requested({ cookie }), await requested({ authorization: `Bearer ${token}` })];
    expect(await both()).toEqual([name, name]);
    expect(await both()).toEqual([name, name]);
    await world.suspend(name);
    expect(await both()).toEqual(['unauthenticated', 'unauthenticated']);
    await other.close();
  });

  test('their last use is written once it is a minute old', async () => {
    const { name, cookie } = await world.person();
    const usedAt = async () =>
      (await world.fixture.database.asAdmin(`select used_at from policy.session where user_name = '${name}'`))[0]?.[
        'used_at'
      ];
    const first = await usedAt();
    await world.whoIs({ cookie });
    expect(await usedAt()).toEqual(first);
    await world.change(`update policy.session set used_at = now() - interval '5 minutes' where user_name = '${name}'`);
    await world.whoIs({ cookie });
    expect(Number(await usedAt())).toBeGreaterThanOrEqual(Number(first));
  });

  test('a new password ends the others and renews this one', async () => {
    const { name, cookie } = await world.person();
    const elsewhere = (await world.login(name, PASSWORD)).cookie ?? '';
    const change = async (old: string, next: string) =>
      await world.send('/auth/password', { body: { old, new: next }, headers: { cookie, ...world.own() } });
    expect((await change('not the old one', 'another-orbit-mango-8')).body.code).toBe('invalid_request');
    expect((await change(PASSWORD, 'password1234')).body.code).toBe('invalid_request');
    const changed = await change(PASSWORD, 'another-orbit-mango-8');
    expect(changed.status).toBe(200);
    expect(await world.whoIs({ cookie: elsewhere })).toBe('nobody');
    expect(await world.whoIs({ cookie })).toBe('nobody');
    expect(await world.whoIs({ cookie: changed.cookie ?? '' })).toBe(name);
    expect((await world.login(name, PASSWORD)).status).toBe(401);
  });

  test('a duplicate cookie counts as none', async () => {
    const { cookie } = await world.person();
    expect(await world.codeFor({ cookie: `${cookie}; dais_sid=${'A'.repeat(43)}` })).toBe('unauthenticated');
  });
});

describe('pages of others', () => {
  const change = async (headers: Readonly<Record<string, string>>) => {
    const { status, body } = await world.send('/api/v1/tokens', { body: { title: 'x' }, headers });
    return status === 201 ? 'made' : body.code;
  };

  test('cannot write by the cookie', async () => {
    const { cookie } = await world.person();
    expect(await change({ cookie, ...world.own() })).toBe('made');
    expect(await change({ cookie, 'sec-fetch-site': 'same-origin' })).toBe('made');
    expect(await change({ cookie })).toBe('origin_refused');
    for (const origin of [
      'https://evil.example.com',
      'null',
      `${world.fixture.url}.evil.example.com`,
      'http://127.0.0.1:1',
    ]) {
      expect(await change({ cookie, origin })).toBe('origin_refused');
    }
    for (const site of ['cross-site', 'same-site', 'none']) {
      expect(await change({ cookie, 'sec-fetch-site': site })).toBe('origin_refused');
    }
  });

  test('cannot sign a user in or out', async () => {
    const { name, cookie } = await world.person();
    const foreign = { origin: 'https://evil.example.com' };
    expect((await world.login(name, PASSWORD, foreign)).body.code).toBe('origin_refused');
    expect((await world.login(name, PASSWORD, { 'sec-fetch-site': 'cross-site' })).body.code).toBe('origin_refused');
    const left = await world.send('/auth/logout', { body: {}, headers: { cookie, ...foreign } });
    expect(left.body.code).toBe('origin_refused');
    expect(await world.whoIs({ cookie })).toBe(name);
  });

  test('cannot reach us under a name of theirs', async () => {
    const { cookie } = await world.person();
    const request = (host: string) =>
      `GET /api/v1/tokens HTTP/1.1\r\nhost: ${host}\r\ncookie: ${cookie}\r\nconnection: close\r\n\r\n`;
    expect(await world.fixture.raw(request('rebound.example.com'))).toMatch(/^HTTP\/1\.1 403[\s\S]*host_refused/);
    expect(await world.fixture.raw(request('dais.example.com'))).toMatch(/^HTTP\/1\.1 200/);
  });

  test('a browser with an unknown host name gets instructions', async () => {
    const accept = 'accept: text/html,application/xhtml+xml,*/*;q=0.8';
    const page = await world.fixture.raw(
      `GET / HTTP/1.1\r\nhost: <b>.example.com\r\n${accept}\r\nconnection: close\r\n\r\n`,
    );
    expect(page).toMatch(/^HTTP\/1\.1 403[\s\S]*text\/html[\s\S]*--allow-host NAME/);
    expect(page).not.toContain('<b>');
    const program = await world.fixture.raw(
      'GET / HTTP/1.1\r\nhost: x.example.com\r\naccept: */*\r\nconnection: close\r\n\r\n',
    );
    expect(program).toContain('application/problem+json');
  });
});
