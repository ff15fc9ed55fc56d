/** Tokens, and accounts that change while they are in use. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { OWNER_TOKEN } from '#http/testing/http-fixture.ts';
import { AccountWorld, asOwner, bearer, manifest, PASSWORD } from '#policy/identity/testing/account-world.ts';
import { findAccount, recordSignIn } from '#policy/identity/users.ts';

let world: AccountWorld;
beforeAll(async () => {
  world = await AccountWorld.start();
});
afterAll(async () => {
  await world.stop();
});

describe('tokens', () => {
  test('work as Bearer and as the password of Basic, with any name', async () => {
    const { name, cookie } = await world.person();
    const { token } = await world.tokenOf(cookie);
    expect(token).toMatch(/^dais_pat_[0-9A-Za-z]{36}$/);
    const basic = (user: string) => ({ authorization: `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}` });
    expect([
      await world.whoIs(bearer(token)),
      await world.whoIs(basic('anything')),
      await world.whoIs(basic('')),
    ]).toEqual([name, name, name]);
  });

  test('a token is shown once: an idempotency key is rejected', async () => {
    const { cookie } = await world.person();
    const headers = { cookie, ...world.own(), 'idempotency-key': 'again' };
    const { status, body } = await world.send('/api/v1/tokens', { body: { title: 'once' }, headers });
    expect([status, body.code, body.detail]).toEqual([
      400,
      'invalid_request',
      expect.stringContaining('contains a secret'),
    ]);
  });

  test('a token takes precedence over a cookie, also an invalid one', async () => {
    const [one, two] = [await world.person(), await world.person()];
    const { token } = await world.tokenOf(two.cookie);
    expect(await world.whoIs({ ...bearer(token), cookie: one.cookie })).toBe(two.name);
    expect(await world.whoIs({ ...bearer('wrong'), cookie: one.cookie })).toBe('unauthenticated');
    // A program has no origin, and its write needs none.
    expect(
      (await world.send('/api/v1/tokens', { body: { title: 'x' }, headers: { ...bearer(token), cookie: one.cookie } }))
        .status,
    ).toBe(201);
  });

  test('invalid tokens get the same response', async () => {
    const { name, cookie } = await world.person();
    const [expired, revoked] = [await world.tokenOf(cookie), await world.tokenOf(cookie)];
    expect(await world.whoIs(bearer(expired.token))).toBe(name);
    expect(await world.whoIs(bearer(revoked.token))).toBe(name);
    await world.change(`update policy.token set expires_at = now() where id = '${expired.id}'`);
    await world.send(`/api/v1/tokens/${revoked.id}`, { method: 'DELETE', headers: { cookie, ...world.own() } });
    const answers = await Promise.all(
      [
        expired.token,
        revoked.token,
        // Well-formed, but of another installation; and one with a wrong checksum.
        'dais_pat_upE5Xw2GKthC6Ud0ooooJk7nU3tqb13Yercp',
        'dais_pat_upE5Xw2GKthC6Ud0ooooJk7nU3tqb13Yercq',
        'dais_own_nonsense',
      ].map((token) => world.send('/api/v1/tokens', { headers: bearer(token) })),
    );
    for (const { status, body, headers } of answers) {
      expect([status, body.code, body.detail]).toEqual([401, 'unauthenticated', answers[0]?.body.detail]);
      expect(headers.get('www-authenticate')).toContain('Basic');
    }
  });

  test.each([
    ['sec-fetch-site', 'same-origin'],
    ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0'],
  ])('browsers, identified by %s, get no authentication prompt', async (header, value) => {
    const { status, headers } = await world.send('/api/v1/tokens', { headers: { [header]: value } });
    expect([status, headers.get('www-authenticate')]).toEqual([401, null]);
  });

  test('a token in a URL is rejected with the reason', async () => {
    const { cookie } = await world.person();
    const { token } = await world.tokenOf(cookie);
    const { body } = await world.send(`/api/v1/tokens?token=${token}`, { headers: bearer(token) });
    expect(body).toMatchObject({ code: 'invalid_request', detail: expect.stringContaining('Revoke the token') });
    expect(JSON.stringify(world.fixture.logged)).not.toContain(token);
    expect(JSON.stringify(world.fixture.finished)).not.toContain(token);
  });

  test('duplicate Authorization or Host headers are rejected', async () => {
    const { cookie } = await world.person();
    const { token } = await world.tokenOf(cookie);
    const twice = async (extra: string) =>
      await world.fixture.raw(
        `GET /api/v1/tokens HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n${extra}\r\nconnection: close\r\n\r\n`,
      );
    expect(await twice('x-nothing: 1')).toMatch(/^HTTP\/1\.1 200/);
    expect(await twice(`authorization: Bearer ${OWNER_TOKEN}`)).toMatch(
      /^HTTP\/1\.1 400[\s\S]*authorization occurs twice/,
    );
    expect(await twice('Host: dais.example.com')).toMatch(/^HTTP\/1\.1 400/);
    expect(await twice('transfer-encoding: chunked\r\ncontent-length: 5')).toMatch(/^HTTP\/1\.1 400/);
  });

  test('of a program that has the name of a person have no second factor of theirs', async () => {
    const name = 'twin';
    const invited = await world.send('/api/v1/invitations', {
      body: { email: 'twin@example.com', name },
      headers: asOwner,
    });
    const secret = String(invited.body.link).split('#')[1];
    const { cookie = '' } = await world.send('/auth/invitation/accept', { body: { secret, password: PASSWORD } });
    const text = [
      manifest('ServiceAccount', name, {}),
      manifest('OrganizationRoleBinding', name, { role: 'admin', users: [name] }),
    ]
      .map((document) => JSON.stringify(document))
      .join('\n---\n');
    const applied = await world.send('/api/v1/apply', {
      body: { sources: [{ file: 'a.yaml', text }] },
      headers: asOwner,
    });
    expect(applied.status).toBe(200);
    await world.change(`update policy.session set mfa = true where user_name = '${name}'`);
    const headers = { cookie, ...world.own() };
    const made = await world.send(`/api/v1/serviceaccounts/${name}/tokens`, { body: { title: 'x' }, headers });
    expect(made.status).toBe(201);
    const { body } = await world.send('/auth/session', { headers: bearer(made.body.token) });
    expect(body).toMatchObject({ actor: { type: 'service', id: name }, mfa: false });
    const own = await world.send('/auth/session', { headers: bearer((await world.tokenOf(cookie)).token) });
    expect(own.body).toMatchObject({ actor: { type: 'user', id: name }, mfa: true });
  });

  test('an owner has at most 500; one-hour tokens neither count nor hide others', async () => {
    const { name, cookie } = await world.person();
    const first = await world.tokenOf(cookie, { title: 'first' });
    const more = (n: number, method: string) =>
      world.change(
        `insert into policy.token (id, digest, form, suffix, name, owner_type, owner_uid, owner_name, method, mfa, created_by, expires_at)
         select gen_random_uuid(), sha256(convert_to('${name} ${method} ' || i, 'UTF8')), form, suffix, '${method}', owner_type, owner_uid, owner_name, '${method}', mfa, created_by, expires_at
         from policy.token, generate_series(1, ${n}) i where id = '${first.id}'`,
      );
    await more(1100, 'federation');
    await more(498, 'token');
    const headers = { cookie, ...world.own() };
    const create = () => world.send('/api/v1/tokens', { body: { title: 'more' }, headers });
    expect((await create()).status).toBe(201);
    expect((await create()).body).toMatchObject({ code: 'quota_exceeded', detail: expect.stringContaining('Revoke') });
    const { items } = (await world.send('/api/v1/tokens', { headers })).body;
    expect(items).toHaveLength(1000);
    expect(items.filter(({ title }: { title: string }) => title !== 'federation')).toHaveLength(500);
    await world.send(`/api/v1/tokens/${first.id}`, { method: 'DELETE', headers });
    expect((await create()).status).toBe(201);
  });

  test('are listed with their last four characters, never whole', async () => {
    const { name, cookie } = await world.person();
    const { token, id } = await world.tokenOf(cookie, { title: 'laptop', days: 7, project: 'default' });
    const { body } = await world.send('/api/v1/tokens', { headers: { cookie } });
    expect(body.items).toMatchObject([
      {
        id,
        title: 'laptop',
        form: 'pat',
        ending: token.slice(-4),
        project: 'default',
        createdBy: { type: 'user', id: name },
      },
    ]);
    expect(JSON.stringify(body)).not.toContain(token);
    expect((Date.parse(body.items[0].expiresAt) - Date.parse(body.items[0].createdAt)) / 86_400_000).toBeCloseTo(7, 3);
    const admin = await world.send(`/api/v1/users/${name}/tokens`, { headers: asOwner });
    expect(admin.body.items).toHaveLength(1);
    await world.send(`/api/v1/users/${name}/tokens/${id}`, { method: 'DELETE', headers: asOwner });
    expect(await world.whoIs(bearer(token))).toBe('unauthenticated');
  });

  test('reject meaningless options', async () => {
    const { cookie } = await world.person();
    const wish = async (body: object) => {
      const answer = await world.send('/api/v1/tokens', {
        body: { title: 'x', ...body },
        headers: { cookie, ...world.own() },
      });
      return answer.body.issues?.map(({ path }: { path: string }) => path) ?? answer.status;
    };
    expect(await wish({ scopes: ['project:read', '*:read'] })).toBe(201);
    expect(await wish({ scopes: ['project:raed'] })).toEqual(['scopes[0]']);
    expect(await wish({ days: 367 })).toEqual(['days']);
    expect(await wish({ project: 'not-there' })).toEqual(['project']);
  });

  test('a token can only create tokens with fewer permissions and an earlier expiry', async () => {
    const { cookie } = await world.person();
    const limited = await world.tokenOf(cookie, { scopes: ['token:*', 'project:read'], project: 'default', days: 2 });
    const make = async (body: object) =>
      await world.send('/api/v1/tokens', { body: { title: 'child', ...body }, headers: bearer(limited.token) });
    const child = await make({ days: 90 });
    expect(child.status).toBe(201);
    expect((Date.parse(child.body.expiresAt) - Date.now()) / 86_400_000).toBeLessThan(2.001);
    const { body } = await world.send('/api/v1/tokens', { headers: { cookie } });
    expect(body.items[0]).toMatchObject({ scopes: ['token:*', 'project:read'], project: 'default' });
    expect((await make({ scopes: ['project:*'] })).body.code).toBe('invalid_request');
    expect((await make({ project: 'other' })).body.code).toBe('invalid_request');
    const password = await world.send('/auth/password', {
      body: { old: PASSWORD, new: 'another-orbit-mango-8' },
      headers: bearer(child.body.token),
    });
    expect(password.body.code).toBe('forbidden');
  });

  test('no database row, event or log line holds a secret', async () => {
    const { cookie, name } = await world.person();
    const { token } = await world.tokenOf(cookie);
    await world.whoIs(bearer(token));
    const rows = await world.fixture.database.asAdmin(
      `select to_jsonb(t)::text as text from policy.token t union all select to_jsonb(s)::text from policy.session s
       union all select to_jsonb(e)::text from kernel.event e union all select to_jsonb(i)::text from kernel.idempotency i
       union all select to_jsonb(p)::text from policy.password p union all select to_jsonb(v)::text from policy.invitation v`,
    );
    const all = JSON.stringify(rows) + JSON.stringify(world.fixture.logged);
    expect(all).toContain(name);
    for (const secret of [token, cookie.slice(9), PASSWORD, OWNER_TOKEN]) expect(all).not.toContain(secret);
  });

  test('the owner’s token is for emergencies, and has no account', async () => {
    const { body } = await world.send('/auth/session', { headers: asOwner });
    expect(body).toMatchObject({ actor: { type: 'user', id: 'owner' }, method: 'owner-token' });
    const token = await world.send('/api/v1/tokens', { body: { title: 'x' }, headers: asOwner });
    expect(token.body.code).toBe('invalid_state');
  });

  test('last uses are written down when the server drains', async () => {
    const { cookie } = await world.person();
    const { token, id } = await world.tokenOf(cookie);
    const usedAt = async () =>
      (await world.fixture.database.asAdmin(`select used_address from policy.token where id = '${id}'`))[0]?.[
        'used_address'
      ];
    await world.whoIs(bearer(token));
    expect(await usedAt()).toBe(null);
    await world.fixture.server.drain(1000);
    expect(await usedAt()).toBe('127.0.0.1');
    await world.stop();
    world = await AccountWorld.start();
  });
});

describe('accounts that change', () => {
  test('the suspension of a user ends sessions and tokens immediately', async () => {
    const { name, cookie } = await world.person();
    const { token } = await world.tokenOf(cookie);
    expect([await world.whoIs({ cookie }), await world.whoIs(bearer(token))]).toEqual([name, name]);
    await world.suspend(name);
    expect([await world.whoIs({ cookie }), await world.whoIs(bearer(token))]).toEqual(['nobody', 'unauthenticated']);
    expect((await world.login(name, PASSWORD)).status).toBe(401);
  });

  test('an account of the same name inherits no token', async () => {
    const { name, cookie } = await world.person();
    const { token } = await world.tokenOf(cookie);
    await world.send(`/api/v1/users/${name}`, { method: 'DELETE', headers: asOwner });
    await world.send('/api/v1/users', { body: manifest('User', name, { email: name }), headers: asOwner });
    expect([await world.whoIs({ cookie }), await world.whoIs(bearer(token))]).toEqual(['nobody', 'unauthenticated']);
    expect((await world.login(name, PASSWORD)).status).toBe(401);
  });

  test('a suspended or deleted service account has no tokens', async () => {
    const name = 'ci';
    await world.send('/api/v1/serviceaccounts', { body: manifest('ServiceAccount', name, {}), headers: asOwner });
    const make = async () =>
      (await world.send(`/api/v1/serviceaccounts/${name}/tokens`, { body: { title: 'x' }, headers: asOwner })).body;
    const { token } = await make();
    expect(token).toMatch(/^dais_sat_/);
    expect(await world.whoIs(bearer(token))).toBe('ci');
    const suspended = manifest('ServiceAccount', name, { suspended: true });
    await world.send(`/api/v1/serviceaccounts/${name}`, { method: 'PUT', body: suspended, headers: asOwner });
    expect(await world.whoIs(bearer(token))).toBe('unauthenticated');
    expect((await make()).code).toBe('invalid_state');
  });

  test('two users have different email addresses, ignoring case', async () => {
    const { name } = await world.person();
    const taken = await world.send('/api/v1/users', {
      body: manifest('User', 'somebody-else', { email: name.toUpperCase() }),
      headers: asOwner,
    });
    expect(taken.body).toMatchObject({ code: 'invalid_manifest', issues: [{ path: 'spec.email' }] });
    const invited = await world.send('/api/v1/invitations', { body: { email: name, name: 'other' }, headers: asOwner });
    expect(invited.body.code).toBe('already_exists');
  });

  test('an account cannot have a reserved name', async () => {
    const made = await world.send('/api/v1/users', {
      body: manifest('User', 'Owner', { email: 'o@example.com' }),
      headers: asOwner,
    });
    expect(made.body).toMatchObject({ code: 'invalid_manifest', issues: [{ path: 'metadata.name' }] });
  });

  test('permissions follow teams, groups of the provider, and tokens', async () => {
    const { name, cookie } = await world.person();
    const read = async (headers: Readonly<Record<string, string>>) =>
      (await world.send('/api/v1/users', { headers })).body.code ?? 'ok';
    const { token } = await world.tokenOf(cookie);
    const narrow = (await world.tokenOf(cookie, { scopes: ['token:*'] })).token;
    expect(await read({ cookie })).toBe('forbidden');
    const put = async (kind: string, plural: string, spec: object) => {
      const { status } = await world.send(`/api/v1/${plural}`, {
        body: manifest(kind, 'auditors', spec),
        headers: asOwner,
      });
      expect(status).toBe(201);
    };
    await put('Team', 'teams', { groups: [{ provider: 'corporate', group: 'audit' }] });
    await put('OrganizationRoleBinding', 'organizationrolebindings', { role: 'viewer', teams: ['auditors'] });
    expect(await read({ cookie })).toBe('forbidden');
    const signIn = async (groups: readonly string[]) =>
      await transact(world.fixture.database.database, { mode: 'write', projectId: ORGANIZATION }, async (tx) => {
        const account = await findAccount(tx.sql, 'User', name);
        await recordSignIn(tx, { userUid: account?.uid ?? '', provider: 'corporate', groups });
      });
    await signIn(['audit', 'others']);
    expect([await read({ cookie }), await read(bearer(token)), await read(bearer(narrow))]).toEqual([
      'ok',
      'ok',
      'forbidden',
    ]);
    const { body } = await world.send(`/api/v1/users/${name}`, { headers: asOwner });
    expect(body.status).toMatchObject({ provider: 'corporate', groups: ['audit', 'others'] });
    // A viewer of the organization does not see the addresses of others.
    const sessions = await world.send(`/api/v1/users/${name}/sessions`, { headers: { cookie } });
    expect(sessions.body.code).toBe('forbidden');
    await signIn([]);
    expect([await read({ cookie }), await read(bearer(token))]).toEqual(['forbidden', 'forbidden']);
  });

  test('no team is above itself', async () => {
    const apply = async (...teams: readonly (readonly [string, string])[]) => {
      const text = teams.map(([name, parent]) => JSON.stringify(manifest('Team', name, parent ? { parent } : {})));
      const sources = [{ file: 'teams.yaml', text: text.join('\n---\n') }];
      const { status, body } = await world.send('/api/v1/apply', { body: { sources }, headers: asOwner });
      return status === 200 ? 'ok' : body.code;
    };
    expect(await apply(['a', ''], ['b', 'a'], ['c', 'b'])).toBe('ok');
    expect(await apply(['a', 'c'])).toBe('invalid_manifest');
    expect(await apply(['a', 'a'])).toBe('invalid_manifest');
    // Each alone would be right.
    expect(await apply(['x', 'y'], ['y', 'x'])).toBe('invalid_manifest');
  });
});
