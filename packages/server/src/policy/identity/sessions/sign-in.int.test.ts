/** Invitations and passwords against guessing, fixation and open redirects. */
import { secretDigest } from '#lib/crypto/digests.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccountWorld, asOwner, PASSWORD } from '#policy/identity/testing/account-world.ts';

let world: AccountWorld;
beforeAll(async () => {
  world = await AccountWorld.start();
});
afterAll(async () => {
  await world.stop();
});

describe('invitations', () => {
  test('a link creates a user once', async () => {
    const email = 'Ada@Example.com';
    const invited = await world.send('/api/v1/invitations/administrators', { headers: asOwner, body: { email } });
    const secret = new URL(invited.body.link).hash.slice(1);
    expect(invited.body.link).toMatch(/^https:\/\/dais\.example\.com\/invitation#[\w-]{43}$/);
    expect((await world.send('/auth/invitation', { body: { secret } })).body).toMatchObject({
      email: 'ada@example.com',
      name: 'ada@example.com',
      reset: false,
    });
    const weak = await world.send('/auth/invitation/accept', { body: { secret, password: 'password1234' } });
    expect(weak.body).toMatchObject({ code: 'invalid_request', issues: [{ path: 'password' }] });
    const accepted = await world.send('/auth/invitation/accept', {
      body: { secret, password: PASSWORD, displayName: 'Ada' },
    });
    expect(accepted.body).toMatchObject({ actor: { type: 'user', id: 'ada@example.com' }, displayName: 'Ada' });
    expect(await world.whoIs({ cookie: accepted.cookie ?? '' })).toBe('ada@example.com');
    const again = await world.send('/auth/invitation/accept', { body: { secret, password: PASSWORD } });
    expect(again.body.code).toBe('not_found');
    const bindings = await world.send('/api/v1/organizationrolebindings', { headers: asOwner });
    expect(bindings.body.items.map((item: { spec: unknown }) => item.spec)).toContainEqual({
      role: 'admin',
      users: ['ada@example.com'],
    });
  });

  test('are listed and revoked; a new one replaces the old one', async () => {
    const invite = async () => {
      const { body } = await world.send('/api/v1/invitations', {
        headers: asOwner,
        body: { email: 'late@example.com' },
      });
      return body as { id: string; link: string };
    };
    const [first, second] = [await invite(), await invite()];
    const { body } = await world.send('/api/v1/invitations', { headers: asOwner });
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([second.id]);
    expect(JSON.stringify(body)).not.toContain(second.link.split('#')[1]);
    await world.send(`/api/v1/invitations/${second.id}`, { method: 'DELETE', headers: asOwner });
    for (const { link } of [first, second]) {
      const opened = await world.send('/auth/invitation', { body: { secret: link.split('#')[1] } });
      expect(opened.body.code).toBe('not_found');
    }
  });

  test('an expired one is rejected', async () => {
    const { body } = await world.send('/api/v1/invitations', { headers: asOwner, body: { email: 'old@example.com' } });
    await world.fixture.database.asAdmin(`update policy.invitation set expires_at = now() where id = '${body.id}'`);
    const accepted = await world.send('/auth/invitation/accept', {
      body: { secret: body.link.split('#')[1], password: PASSWORD },
    });
    expect(accepted.body.code).toBe('not_found');
  });

  test('a reset sets a new password and ends the sessions', async () => {
    const { name, cookie } = await world.person();
    const { body } = await world.send(`/api/v1/users/${name}/password-reset`, { headers: asOwner, body: {} });
    expect(body.tokens).toBe(0);
    const password = 'another-orbit-mango-8';
    const accepted = await world.send('/auth/invitation/accept', {
      body: { secret: body.link.split('#')[1], password },
    });
    expect(accepted.status).toBe(200);
    expect(await world.whoIs({ cookie })).toBe('nobody');
    expect((await world.login(name, PASSWORD)).status).toBe(401);
    expect((await world.login(name, password)).status).toBe(200);
  });

  test('a reset reports remaining tokens, or ends all access immediately', async () => {
    const { name, cookie } = await world.person();
    const { token } = await world.tokenOf(cookie);
    const reset = async (body: object) =>
      (await world.send(`/api/v1/users/${name}/password-reset`, { headers: asOwner, body })).body;
    expect((await reset({})).tokens).toBe(1);
    expect(await world.whoIs({ authorization: `Bearer ${token}` })).toBe(name);
    expect((await reset({ endAccess: true })).tokens).toBe(0);
    expect(await world.whoIs({ authorization: `Bearer ${token}` })).toBe('unauthenticated');
    expect(await world.whoIs({ cookie })).toBe('nobody');
    expect((await world.login(name, PASSWORD)).status).toBe(401);
  });
});

describe('signing in', () => {
  test('a name, a password, a cookie that no script reads', async () => {
    const { name } = await world.person();
    const answer = await world.login(name.toUpperCase(), PASSWORD);
    expect(answer.status).toBe(200);
    const [set] = answer.headers.getSetCookie();
    expect(set).toMatch(/^dais_sid=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(JSON.stringify(answer.body)).not.toContain(answer.cookie?.slice(9));
    expect(await world.whoIs({ cookie: answer.cookie ?? '' })).toBe(name);
  });

  test('unknown names, wrong passwords and suspended accounts get the same answer', async () => {
    const { name } = await world.person();
    const suspended = await world.person();
    await world.suspend(suspended.name);
    const answers = [
      await world.login('nobody-of-this-name@example.com', PASSWORD),
      await world.login(name, 'not the password'),
      await world.login(suspended.name, PASSWORD),
    ];
    const reported = answers.map(({ status, headers, body }) => {
      const { requestId: _, ...rest } = body as { requestId: string };
      const kept = ['date', 'x-request-id'];
      return { status, rest, headers: [...headers].filter(([header]) => !kept.includes(header)) };
    });
    expect(reported[0]).toMatchObject({
      status: 401,
      rest: { code: 'unauthenticated', detail: 'The user name or the password is incorrect.' },
    });
    expect(reported[1]).toEqual(reported[0]);
    expect(reported[2]).toEqual(reported[0]);
  });

  test('limits guesses for one account, also with the correct password, and returns Retry-After', async () => {
    const { name } = await world.person();
    const tried = [];
    for (let attempt = 0; attempt < 11; attempt++) tried.push(await world.login(name, `wrong guess number ${attempt}`));
    expect(tried.map(({ status }) => status)).toEqual([...Array<number>(10).fill(401), 429]);
    expect(Number(tried.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(800);
    expect((await world.login(name, PASSWORD)).status).toBe(429);
    // A missing account has the same limits; a difference would reveal it.
    const unknown = [];
    for (let attempt = 0; attempt < 11; attempt++)
      unknown.push((await world.login('no-such-one', 'wrong guess')).status);
    expect(unknown).toEqual([...Array<number>(10).fill(401), 429]);
    await world.fixture.database.asAdmin('delete from policy.attempt');
    expect((await world.login(name, PASSWORD)).status).toBe(200);
  });

  test('concurrent guesses count like sequential ones', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => world.login('many-at-once', 'wrong guess')));
    expect(answers.filter(({ status }) => status === 401).length).toBe(10);
    expect(answers.filter(({ status }) => status === 429).length).toBe(20);
    await world.fixture.database.asAdmin('delete from policy.attempt');
  });

  test('a flood of unknown names from one address stores no row for each', async () => {
    const asAdmin = async (sql: string) => await world.fixture.database.asAdmin(sql);
    const digest = secretDigest('login address 127.0.0.1').toString('hex');
    await asAdmin(`insert into policy.attempt (digest, count) values ('\\x${digest}', 100)`);
    const rows = async () => (await asAdmin('select count(*)::int as n from policy.attempt'))[0]?.['n'];
    const before = await rows();
    for (let n = 0; n < 5; n++) expect((await world.login(`invented-${n}`, 'wrong guess')).status).toBe(429);
    expect(await rows()).toBe(before);
    await asAdmin('delete from policy.attempt');
  });

  test('every successful and failed attempt is an event, without the typed values', async () => {
    const { name } = await world.person();
    await world.login(name, 'a wrong one that is long');
    await world.login('typed-a-password-here', 'something');
    await world.login(name, PASSWORD);
    await expect
      .poll(async () => {
        const { body } = await world.send('/api/v1/organization/events?limit=20', { headers: asOwner });
        return body.items.map((event: { type: string; subject?: { name: string } }) => [
          event.type,
          event.subject?.name,
        ]);
      })
      .toEqual(
        expect.arrayContaining([
          ['session.refused', name],
          ['session.refused', undefined],
          ['session.started', name],
        ]),
      );
    const { body } = await world.send('/api/v1/organization/events?limit=1000', { headers: asOwner });
    for (const typed of ['a wrong one that is long', 'typed-a-password-here', PASSWORD]) {
      expect(JSON.stringify(body)).not.toContain(typed);
    }
  });

  test('a redirect after sign-in goes only to a path of this server', async () => {
    const { name } = await world.person();
    const goTo = async (next: string) => {
      const body = new URLSearchParams({ name, password: PASSWORD, next }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded', ...world.own() };
      const answer = await world.send('/auth/login', { body, headers });
      return [answer.status, answer.headers.get('location')];
    };
    const program = await world.send('/auth/login', { body: { name, password: PASSWORD, next: '/secrets' } });
    expect([program.status, program.headers.get('location')]).toEqual([200, null]);
    expect(await goTo('/secrets?x=1')).toEqual([303, '/secrets?x=1']);
    for (const next of [
      'https://evil.example.com/',
      '//evil.example.com',
      '/\\evil.example.com',
      '/\t/evil.example.com',
    ]) {
      expect(await goTo(next)).toEqual([303, '/']);
    }
  });

  test('a form signs in too', async () => {
    const { name } = await world.person();
    const body = new URLSearchParams({ name, password: PASSWORD }).toString();
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await world.send('/auth/login', { body, headers: { ...type, ...world.own() } });
    expect(answer.status).toBe(200);
    const twice = await world.send('/auth/login', { body: `${body}&name=x`, headers: type });
    expect(twice.body.code).toBe('invalid_request');
  });

  test('a hash of weaker parameters is renewed by the next sign-in', async () => {
    const { name } = await world.person();
    const argon2 = await import('argon2');
    const weak = await argon2.hash(PASSWORD, { memoryCost: 1024, timeCost: 2, parallelism: 1 });
    const where = `where user_uid = (select uid from kernel.resource where name = '${name}')`;
    await world.fixture.database.asAdmin(`update policy.password set hash = '${weak}' ${where}`);
    const hashOf = async () =>
      (await world.fixture.database.asAdmin(`select hash from policy.password ${where}`))[0]?.['hash'];
    expect((await world.login(name, PASSWORD)).status).toBe(200);
    const strong = await hashOf();
    expect((await world.login(name, PASSWORD)).status).toBe(200);
    expect(await hashOf()).toBe(strong);
    expect(strong).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
  });
});
