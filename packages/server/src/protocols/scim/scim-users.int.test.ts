import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ScimWorld } from './testing/scim-world.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await ScimWorld.start();
});
afterAll(async () => await world?.stop());

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';

test('creates a User, which the provider reads, finds, changes and removes', async () => {
  const created = await world.createUser('Ada@example.com', {
    externalId: '00u1',
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [{ value: 'ada@example.com', type: 'work', primary: true }],
    active: true,
    password: 'not stored',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Engines' },
  });
  expect(created.status).toBe(201);
  const { id, meta } = created.body;
  expect(created.headers.get('location')).toBe(`${world.url}/scim/v2/Users/${id}`);
  expect(created.headers.get('etag')).toBe(meta.version);
  expect(created.body).toEqual({
    schemas: [USER],
    id,
    userName: 'Ada@example.com',
    externalId: '00u1',
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    active: true,
    emails: [{ value: 'ada@example.com', type: 'work', primary: true }],
    meta: {
      resourceType: 'User',
      created: expect.any(String),
      lastModified: expect.any(String),
      location: `${world.url}/scim/v2/Users/${id}`,
      version: 'W/"1"',
    },
  });
  const resource = await world.api('GET', '/api/v1/users/ada@example.com');
  expect(resource.body).toMatchObject({
    spec: { email: 'ada@example.com', displayName: 'Ada Lovelace' },
    status: { provisionedBy: 'corporate' },
  });
  expect((await world.scim('GET', `/Users/${id}`)).body).toEqual(created.body);
  expect((await world.scim('GET', `/Users?filter=userName eq "ADA@example.com"`)).body).toMatchObject({
    totalResults: 1,
    startIndex: 1,
    itemsPerPage: 1,
    Resources: [{ id }],
  });
  const replaced = await world.scim('PUT', `/Users/${id}`, {
    schemas: [USER],
    id,
    userName: 'ada@example.com',
    displayName: 'Countess of Lovelace',
    emails: [{ value: 'countess@example.com' }],
    active: true,
  });
  expect(replaced).toMatchObject({
    status: 200,
    body: { displayName: 'Countess of Lovelace', meta: { version: 'W/"2"' } },
  });
  expect(replaced.body).not.toHaveProperty('name');
  const renamed = await world.api('GET', '/api/v1/users/ada@example.com');
  expect(renamed.body.spec).toEqual({ email: 'countess@example.com', displayName: 'Countess of Lovelace' });
  expect((await world.scim('DELETE', `/Users/${id}`)).status).toBe(204);
  expect((await world.scim('GET', `/Users/${id}`)).status).toBe(404);
  // The User stays, with its history.
  const kept = await world.api('GET', '/api/v1/users/ada@example.com');
  expect(kept.body.spec.suspended).toBe(true);
  expect(kept.body.status).not.toHaveProperty('provisionedBy');
  const dataOf = async (type: string) => (await world.events(type)).map(({ data }) => data);
  await expect.poll(() => dataOf('user.provisioned')).toContainEqual({ provider: 'corporate', id, created: true });
  await expect
    .poll(() => dataOf('user.deprovisioned'))
    .toContainEqual({ provider: 'corporate', id, reason: 'removed' });
  // The same person comes back: the same User, another id.
  const again = await world.createUser('ada@example.com', { emails: [{ value: 'countess@example.com' }] });
  expect(again.status).toBe(201);
  expect(again.body.id).not.toBe(id);
  expect((await world.api('GET', '/api/v1/users/ada@example.com')).body.spec).not.toHaveProperty('suspended');
});

test('adopts the User with the same email address, if the domain is allowed', async () => {
  await world.apply(
    { kind: 'User', name: 'grace', spec: { email: 'grace@example.com', clearance: 2 } },
    { kind: 'User', name: 'root', spec: { email: 'root@other.org' } },
  );
  const adopted = await world.createUser('grace@example.com', { displayName: 'Grace' });
  expect(adopted.status).toBe(201);
  const { body } = await world.api('GET', '/api/v1/users/grace');
  expect(body.spec).toEqual({ email: 'grace@example.com', clearance: 2, displayName: 'Grace' });
  const refused = await world.createUser('root@other.org');
  expect(refused).toMatchObject({ status: 409, body: { scimType: 'uniqueness', status: '409' } });
  expect(refused.body.detail).toContain('allowedDomains');
  expect((await world.api('GET', '/api/v1/users/root')).body.status).not.toHaveProperty('provisionedBy');
});

describe('PATCH', () => {
  const patched = async (operations: readonly object[], more: object = {}) => {
    const name = `patch-${Math.random().toString(36).slice(2)}@example.com`;
    const { body } = await world.createUser(name, more);
    return await world.patch(`/Users/${body.id}`, operations);
  };

  test('Entra ID: capitalized operations, texts for booleans, paths with filters, names with dots', async () => {
    const { status, body } = await patched([
      { op: 'Add', path: 'emails[type eq "work"].value', value: 'w@example.com' },
      { op: 'Replace', path: 'active', value: 'False' },
      { op: 'Replace', value: { 'name.givenName': 'Grace', displayName: 'Grace Hopper', nickName: 'Amazing' } },
      { op: 'Add', path: 'name.familyName', value: 'Hopper' },
      { op: 'Add', path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', value: 'Navy' },
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+1 555' },
    ]);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      active: false,
      displayName: 'Grace Hopper',
      name: { givenName: 'Grace', familyName: 'Hopper' },
      emails: [{ type: 'work', value: 'w@example.com' }],
    });
    expect(body).not.toHaveProperty('phoneNumbers');
  });

  test('Okta: the new state without a path', async () => {
    const { status, body } = await patched([{ op: 'replace', value: { active: false } }]);
    expect({ status, active: body.active }).toEqual({ status: 200, active: false });
  });

  test('replaces, adds and removes values of a list', async () => {
    const emails = [
      { value: 'a@example.com', type: 'work', primary: true },
      { value: 'b@example.com', type: 'home' },
    ];
    const { body } = await patched(
      [
        { op: 'add', path: 'emails', value: [{ value: 'c@example.com', type: 'other', primary: true }] },
        { op: 'add', path: 'emails', value: [{ value: 'c@example.com', type: 'other' }] },
        { op: 'remove', path: 'emails[type eq "home"]' },
        { op: 'replace', path: 'emails[value eq "a@example.com"].type', value: 'home' },
        { op: 'remove', path: 'title' },
      ],
      { emails, title: 'Engineer' },
    );
    expect(body.emails).toEqual([
      { value: 'a@example.com', type: 'home', primary: false },
      { value: 'c@example.com', type: 'other', primary: true },
    ]);
    expect(body).not.toHaveProperty('title');
    const { body: without } = await patched([{ op: 'remove', path: 'emails' }], { emails });
    expect(without).not.toHaveProperty('emails');
  });

  test.each<readonly [string, object, string]>([
    ['an unknown attribute', { op: 'add', path: 'shoeSize', value: 1 }, 'invalidPath'],
    ['an unknown sub-attribute', { op: 'add', path: 'name.shoe', value: 'x' }, 'invalidPath'],
    ['a broken path', { op: 'add', path: 'emails[type eq "work"', value: 'x' }, 'invalidPath'],
    ['a path of nothing', { op: 'replace', path: 'emails[type co "x"].value', value: 'x' }, 'noTarget'],
    ['a remove without a path', { op: 'remove' }, 'noTarget'],
    ['what the server decides', { op: 'replace', path: 'groups', value: [] }, 'mutability'],
    ['the id', { op: 'remove', path: 'id' }, 'mutability'],
    ['the removal of a required attribute', { op: 'remove', path: 'userName' }, 'invalidValue'],
    ['a wrong type', { op: 'replace', path: 'active', value: 'perhaps' }, 'invalidValue'],
    ['another operation', { op: 'move', path: 'title', value: 'x' }, 'invalidSyntax'],
  ])('refuses %s', async (_what, operation, scimType) => {
    expect(await patched([operation])).toMatchObject({ status: 400, body: { scimType } });
  });

  test('concurrent changes of different attributes are all kept', async () => {
    const { body } = await world.createUser('busy@example.com');
    const paths = ['title', 'userType', 'locale'];
    const answers = await Promise.all(
      paths.map(async (path) => await world.patch(`/Users/${body.id}`, [{ op: 'add', path, value: 'x' }])),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await world.scim('GET', `/Users/${body.id}`)).body).toMatchObject({
      title: 'x',
      userType: 'x',
      locale: 'x',
    });
  });
});

test('If-Match and If-None-Match use the version of the user', async () => {
  const { body } = await world.createUser('etag@example.com');
  const path = `/Users/${body.id}`;
  const title = (value: string) => [{ op: 'replace', path: 'title', value }];
  const match = (version: string) => ({ headers: { 'if-match': version } });
  expect((await world.patch(path, title('a'), match('W/"1"'))).headers.get('etag')).toBe('W/"2"');
  expect(await world.patch(path, title('b'), match('W/"1"'))).toMatchObject({ status: 412, body: { status: '412' } });
  expect((await world.scim('GET', path, undefined, { headers: { 'if-none-match': 'W/"2"' } })).status).toBe(304);
  expect((await world.scim('DELETE', path, undefined, match('"1"'))).status).toBe(412);
  expect((await world.scim('DELETE', path, undefined, match('*'))).status).toBe(204);
  // Nothing changes: the version stays.
  const { body: other } = await world.createUser('same@example.com', { title: 'a' });
  expect((await world.patch(`/Users/${other.id}`, title('a'))).body.meta.version).toBe('W/"1"');
});

describe('lists', () => {
  beforeAll(async () => {
    for (const n of [1, 2, 3, 4, 5])
      await world.createUser(`list-${n}@example.com`, {
        title: n % 2 === 0 ? 'Even' : 'Odd',
        active: n !== 5,
        externalId: `X-${n}`,
        emails: [{ value: `list-${n}@example.com`, type: n === 3 ? 'home' : 'work' }],
      });
  });

  const names = async (filter: string, more = '') => {
    const { status, body } = await world.scim('GET', `/Users?filter=${encodeURIComponent(filter)}${more}`);
    if (status !== 200) return body.scimType;
    return (body.Resources ?? []).map(({ userName }: { userName: string }) => Number(userName.replace(/\D/g, '')));
  };

  test.each<readonly [string, unknown]>([
    ['userName sw "list-" and title eq "even"', [2, 4]],
    ['userName sw "list-" and not (title eq "Even")', [1, 3, 5]],
    ['userName sw "list-" and active eq false', [5]],
    ['userName sw "list-" and active eq "False"', [5]],
    ['externalId eq "X-2" or externalId eq "x-3"', [2]],
    ['emails[type eq "home" and value sw "list-"]', [3]],
    ['emails.value ew "3@example.com" and userName co "ist"', [3]],
    ['userName sw "list-" and (title eq "Even" or externalId eq "X-1")', [1, 2, 4]],
    ['userName sw "list-" and meta.created gt "2020-01-01T00:00:00Z" and title pr', [1, 2, 3, 4, 5]],
    ['userName sw "list-" and displayName pr', []],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "list-1@example.com"', [1]],
    [`userName eq "' or 1=1 --"`, []],
    ['userName eq "\\u0000"', 'invalidFilter'],
    ['shoeSize eq 1', 'invalidFilter'],
    ['meta.created gt "yesterday"', 'invalidFilter'],
    ['active gt true', 'invalidFilter'],
    ['userName', 'invalidFilter'],
    [Array.from({ length: 60 }, () => 'title pr').join(' or '), 'invalidFilter'],
  ])('%s', async (filter, expected) => {
    expect(await names(filter)).toEqual(expected);
  });

  test('pages by index', async () => {
    const filter = `userName sw "list-"`;
    expect(await names(filter, '&startIndex=2&count=2')).toEqual([2, 3]);
    expect(await names(filter, '&startIndex=0&count=1')).toEqual([1]);
    expect(await names(filter, '&startIndex=9')).toEqual([]);
    const { body } = await world.scim('GET', `/Users?filter=${encodeURIComponent(filter)}&count=0`);
    expect(body).toEqual({ schemas: [expect.any(String)], totalResults: 5, startIndex: 1, itemsPerPage: 0 });
    expect((await world.scim('GET', '/Users?count=many')).body).toMatchObject({ scimType: 'invalidValue' });
  });

  test('returns the requested attributes, by GET and by .search', async () => {
    const filter = 'userName eq "list-1@example.com"';
    const only = await world.scim(
      'GET',
      `/Users?attributes=userName,emails.value&filter=${encodeURIComponent(filter)}`,
    );
    expect(only.body.Resources).toEqual([
      {
        schemas: [USER],
        id: expect.any(String),
        userName: 'list-1@example.com',
        emails: [{ value: 'list-1@example.com' }],
      },
    ]);
    const searched = await world.scim('POST', '/Users/.search', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
      filter,
      excludedAttributes: ['emails', 'meta'],
    });
    expect(searched.body.Resources[0]).toMatchObject({ userName: 'list-1@example.com' });
    expect(Object.keys(searched.body.Resources[0])).not.toEqual(expect.arrayContaining(['emails']));
  });
});

test('errors have the form of the protocol', async () => {
  await world.createUser('twice@example.com');
  const detail = expect.any(String);
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:Error'];
  expect((await world.createUser('TWICE@example.com')).body).toEqual({
    schemas,
    status: '409',
    scimType: 'uniqueness',
    detail,
  });
  expect((await world.scim('GET', '/Users/none')).body).toEqual({ schemas, status: '404', detail });
  expect((await world.scim('GET', '/Users/01900000-0000-7000-8000-000000000000')).body).toMatchObject({
    status: '404',
  });
  expect((await world.scim('POST', '/Users', '{')).body).toMatchObject({ status: '400', scimType: 'invalidSyntax' });
  expect((await world.scim('POST', '/Users', { userName: 'x@example.com' })).body).toMatchObject({
    scimType: 'invalidSyntax',
  });
  expect((await world.scim('POST', '/Users', { schemas: [USER] })).body).toMatchObject({ scimType: 'invalidValue' });
  expect((await world.createUser('no address')).body).toMatchObject({ status: '400', scimType: 'invalidValue' });
  expect((await world.createUser('x@y')).body).toMatchObject({ status: '400', scimType: 'invalidValue' });
  expect((await world.scim('POST', '/Bulk', {})).body).toMatchObject({ status: '501' });
  expect((await world.scim('GET', '/Me')).body).toMatchObject({ status: '501' });
  expect((await world.scim('GET', '/Nothing')).body).toMatchObject({ status: '404' });
  const anonymous = await world.scim('GET', '/Users', undefined, { token: 'dais_sat_x' });
  expect(anonymous.body).toMatchObject({ schemas, status: '401' });
});

test('a request with any content gets an error of the client, or a result', { timeout: 120_000 }, async () => {
  const { body: user } = await world.createUser('fuzzed@example.com');
  const { body: group } = await world.createGroup('Fuzzed');
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('True', 'active', 'members', user.id),
  );
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), text, fc.array(fc.record({ value: text }), { maxLength: 3 }));
  const path = fc.oneof(
    text,
    fc.constantFrom(
      'emails[type eq "work"].value',
      'emails[value sw "\\u0000"]',
      'name.givenName',
      'members[value eq "x"]',
      '__proto__',
    ),
  );
  const operation = fc.record(
    { op: fc.constantFrom('add', 'Replace', 'remove'), path, value },
    { requiredKeys: ['op'] },
  );
  const patch = fc.record({
    schemas: fc.constant(['urn:ietf:params:scim:api:messages:2.0:PatchOp']),
    Operations: fc.array(operation, { maxLength: 3 }),
  });
  const resource = fc.record(
    {
      schemas: fc.constant([USER]),
      userName: text,
      emails: value,
      name: value,
      active: value,
      members: value,
      displayName: text,
    },
    { requiredKeys: ['schemas'] },
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(patch, resource, value), text, async (body, filter) => {
      const answers = [
        await world.scim('PATCH', `/Users/${user.id}`, body),
        await world.scim('PATCH', `/Groups/${group.id}`, body),
        await world.scim('POST', '/Users', body),
        await world.scim('PUT', `/Groups/${group.id}`, body),
        await world.scim('GET', `/Users?filter=${encodeURIComponent(filter)}`),
        await world.scim(
          'GET',
          `/Groups?filter=${encodeURIComponent(`displayName eq ${JSON.stringify(filter)}`)}&startIndex=${encodeURIComponent(filter)}`,
        ),
      ];
      for (const { status } of answers) expect(status).toBeLessThan(500);
    }),
    { numRuns: Math.min(fc.readConfigureGlobal()?.numRuns ?? 100, 60) },
  );
});

test('describes what it supports', async () => {
  expect((await world.scim('GET', '/ServiceProviderConfig')).body).toMatchObject({
    patch: { supported: true },
    bulk: { supported: false },
    filter: { supported: true, maxResults: 500 },
    etag: { supported: true },
  });
  expect((await world.scim('GET', '/ResourceTypes')).body.Resources.map(({ id }: { id: string }) => id)).toEqual([
    'User',
    'Group',
  ]);
  const { body } = await world.scim('GET', `/Schemas/${USER}`);
  expect(body).toMatchObject({ id: USER, meta: { resourceType: 'Schema' } });
  expect((await world.scim('GET', '/Schemas?filter=id pr')).status).toBe(403);
});

describe('the token', () => {
  test('is for SCIM only, and for one provider', async () => {
    const { token } = world;
    for (const path of ['/api/v1/users', '/api/v1/teams', '/api/v1/sessions', '/api/v1/projects'])
      expect({ path, status: (await world.api('GET', path, undefined, { token })).status }).toEqual({
        path,
        status: 403,
      });
    expect((await world.api('GET', '/api/v1/provisioning/users?provider=other', undefined, { token })).status).toBe(
      403,
    );
    expect((await world.api('GET', '/api/v1/provisioning/users', undefined, { token })).status).toBe(200);
  });

  test('of an account without the role is refused', async () => {
    await world.apply({ kind: 'ServiceAccount', name: 'other', spec: { provisions: 'corporate' } });
    const { body } = await world.api('POST', '/api/v1/serviceaccounts/other/tokens', { title: 'x' });
    expect((await world.scim('GET', '/Users', undefined, { token: body.token })).body).toMatchObject({ status: '403' });
  });

  test('ends when it is revoked', async () => {
    const { body } = await world.api('POST', '/api/v1/serviceaccounts/scim-corporate/tokens', { title: 'next' });
    expect((await world.scim('GET', '/Users?count=0', undefined, { token: body.token })).status).toBe(200);
    await world.api('DELETE', `/api/v1/serviceaccounts/scim-corporate/tokens/${body.id}`);
    expect((await world.scim('GET', '/Users?count=0', undefined, { token: body.token })).status).toBe(401);
  });
});
