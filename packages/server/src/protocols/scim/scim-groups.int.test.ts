/** Groups as the source of permissions, and the end of access, on two nodes with one database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { startDais, type StartedDais } from '#testing/start-dais.ts';
import { ScimWorld } from './testing/scim-world.ts';

/** In ms: the promise is a minute. */
const MINUTE = 60_000;

let folder: string;
let database: TestDatabase;
let world: ScimWorld;
let other: StartedDais;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-scim-'));
  database = await startTestDatabase([]);
  const { user, database: name, host } = await database.emptyDatabase();
  const shared = {
    'keys.folder': join(folder, 'keys'),
    'blobs.folder': join(folder, 'blobs'),
    'node.join': 'open',
    'database.url': `postgres://${user}@/${name}?host=${encodeURIComponent(host)}`,
    'authentication.mode': 'accounts',
  };
  world = await ScimWorld.start({ ...shared, data: join(folder, 'left') });
  other = await startDais({ ...shared, data: join(folder, 'right'), role: 'api' });
});
afterAll(async () => {
  await world?.stop();
  await other?.stop();
  await database?.stop();
  await rm(folder, { recursive: true, force: true });
});

const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';

async function makeUser(userName: string): Promise<string> {
  return (await world.createUser(userName)).body.id;
}

const membersOf = async (group: string): Promise<readonly string[]> =>
  ((await world.scim('GET', `/Groups/${group}`)).body.members ?? []).map(({ value }: { value: string }) => value);

describe('groups', () => {
  test('are created, read, listed, replaced and removed', async () => {
    const [a, b] = [await makeUser('a@example.com'), await makeUser('b@example.com')];
    const created = await world.createGroup('Engineering', [a]);
    expect(created.status).toBe(201);
    const { id } = created.body;
    expect(created.body).toEqual({
      schemas: [GROUP],
      id,
      displayName: 'Engineering',
      members: [{ value: a, $ref: `${world.url}/scim/v2/Users/${a}`, type: 'User' }],
      meta: expect.objectContaining({ resourceType: 'Group', version: 'W/"1"' }),
    });
    expect((await world.scim('GET', `/Users/${a}`)).body.groups).toEqual([
      { value: id, $ref: `${world.url}/scim/v2/Groups/${id}`, display: 'Engineering' },
    ]);
    const found = async (filter: string) =>
      (await world.scim('GET', `/Groups?excludedAttributes=members&filter=${encodeURIComponent(filter)}`)).body;
    expect(await found('displayName eq "engineering"')).toMatchObject({ totalResults: 1, Resources: [{ id }] });
    expect((await found('displayName eq "Engineering"')).Resources[0]).not.toHaveProperty('members');
    expect(await found(`id eq "${id}" and members eq "${a}"`)).toMatchObject({ totalResults: 1 });
    expect(await found(`members[value eq "${b}"]`)).toMatchObject({ totalResults: 0 });
    expect((await world.scim('GET', '/Groups')).body.Resources[0].members).toHaveLength(1);
    const everywhere = async (filter: string, more: object = {}) =>
      (await world.scim('POST', '/.search', { schemas: [SEARCH], filter, ...more })).body;
    expect(await everywhere(`id eq "${a}" or id eq "${id}"`)).toMatchObject({
      totalResults: 2,
      Resources: [{ id: a }, { id }],
    });
    expect(await everywhere(`id eq "${a}" or id eq "${id}"`, { startIndex: 2 })).toMatchObject({ Resources: [{ id }] });
    expect(await everywhere('userName eq "a@example.com"')).toMatchObject({ totalResults: 1, Resources: [{ id: a }] });
    expect(await everywhere('shoeSize pr')).toMatchObject({ scimType: 'invalidFilter' });
    const put = await world.scim('PUT', `/Groups/${id}`, {
      schemas: [GROUP],
      displayName: 'Engineers',
      externalId: 'e-1',
      members: [{ value: b }],
    });
    expect(put.body).toMatchObject({ displayName: 'Engineers', externalId: 'e-1', members: [{ value: b }] });
    expect((await world.createGroup('ENGINEERS')).body).toMatchObject({ status: '409', scimType: 'uniqueness' });
    expect((await world.scim('DELETE', `/Groups/${id}`)).status).toBe(204);
    expect((await world.scim('GET', `/Groups/${id}`)).status).toBe(404);
    expect((await world.scim('GET', `/Users/${b}`)).body).not.toHaveProperty('groups');
  });

  test('PATCH adds, removes and replaces members, as Entra ID and Okta do', async () => {
    const ids: string[] = [];
    // One after the other: members are listed in the order of ids, which contain the time.
    for (const name of ['p1', 'p2', 'p3']) ids.push(await makeUser(`${name}@example.com`));
    const [one = '', two = '', three = ''] = ids;
    const { id } = (await world.createGroup('Patched')).body;
    const patch = async (...operations: object[]) => await world.patch(`/Groups/${id}`, operations);
    await patch({ op: 'Add', path: 'members', value: [{ value: one }, { value: two }] });
    expect(await membersOf(id)).toEqual([one, two]);
    // Again: nothing changes, not even the version.
    expect((await patch({ op: 'add', path: 'members', value: [{ value: one }] })).body.meta.version).toBe('W/"2"');
    await patch({ op: 'Remove', path: `members[value eq "${one}"]` });
    expect(await membersOf(id)).toEqual([two]);
    await patch(
      { op: 'Remove', path: 'members', value: [{ value: two }] },
      { op: 'add', value: { members: [{ value: three }] } },
    );
    expect(await membersOf(id)).toEqual([three]);
    await patch({ op: 'replace', path: 'members', value: ids.map((value) => ({ value })) });
    expect(await membersOf(id)).toEqual(ids);
    await patch({ op: 'replace', value: { id, displayName: 'Renamed' } });
    expect((await world.scim('GET', `/Groups/${id}?excludedAttributes=members`)).body.displayName).toBe('Renamed');
    await patch({ op: 'remove', path: 'members' });
    expect(await membersOf(id)).toEqual([]);
    const refused: readonly (readonly [object, string])[] = [
      [{ op: 'add', path: 'members', value: [{ value: id }] }, 'invalidValue'],
      [{ op: 'add', path: 'members', value: [{ value: one, type: 'Group' }] }, 'invalidValue'],
      [{ op: 'add', path: 'members', value: [{ value: 'ada' }] }, 'invalidValue'],
      [{ op: 'remove', path: 'members[display eq "x"]' }, 'invalidPath'],
      [{ op: 'remove', path: 'displayName' }, 'invalidValue'],
    ];
    for (const [operation, scimType] of refused)
      expect((await patch(operation)).body).toMatchObject({ status: '400', scimType });
    await expect
      .poll(async () => (await world.events('group.changed')).map(({ data }) => data))
      .toContainEqual(
        expect.objectContaining({ added: ['p1@example.com', 'p2@example.com'], addedCount: 2, removedCount: 0 }),
      );
  });
});

/** A user with a session and a token, who can read Secrets through a group. */
async function makeMember(userName: string) {
  const id = await makeUser(userName);
  const { link } = (await world.api('POST', `/api/v1/users/${userName}/password-reset`, {})).body;
  const accepted = await fetch(`${world.url}/auth/invitation/accept`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: world.url },
    body: JSON.stringify({ secret: new URL(link).hash.slice(1), password: 'gravel-orbit-mango-7' }),
  });
  const cookie = accepted.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const made = await fetch(`${world.url}/api/v1/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: world.url, cookie },
    body: JSON.stringify({ title: 'kept' }),
  });
  const { token } = (await made.json()) as { token: string };
  return { id, cookie, token };
}

type Headers = Readonly<Record<string, string>>;
const read = async (url: string, headers: Headers) => (await fetch(`${url}/api/v1/secrets`, { headers })).status;

/** Milliseconds until the stream ends. */
async function endOf(response: Response): Promise<number> {
  const from = Date.now();
  const reader = response.body!.getReader();
  while (!(await reader.read()).done);
  return Date.now() - from;
}

test('groups give permissions to teams; removing a member, deactivating and deleting end access on both nodes', async () => {
  await world.apply(
    { kind: 'Team', name: 'vision', spec: { groups: [{ provider: 'corporate', group: 'ml-vision' }] } },
    { kind: 'RoleBinding', name: 'vision', spec: { role: 'viewer', teams: ['vision'] } },
  );
  const ada = await makeMember('ada@example.com');
  const nodes = [world.url, other.url];
  const bearer = { authorization: `Bearer ${ada.token}` };
  const statuses = async (headers: Headers) => await Promise.all(nodes.map((url) => read(url, headers)));
  expect(await statuses(bearer)).toEqual([403, 403]);
  const { id: group } = (await world.createGroup('ml-vision', [ada.id])).body;
  expect(await statuses(bearer)).toEqual([200, 200]);
  expect(await statuses({ cookie: ada.cookie })).toEqual([200, 200]);

  await world.patch(`/Groups/${group}`, [{ op: 'remove', path: `members[value eq "${ada.id}"]` }]);
  expect(await statuses(bearer)).toEqual([403, 403]);
  await world.patch(`/Groups/${group}`, [{ op: 'add', path: 'members', value: [{ value: ada.id }] }]);
  expect(await statuses(bearer)).toEqual([200, 200]);

  const streams = await Promise.all(nodes.map((url) => fetch(`${url}/api/v1/secrets?watch=true`, { headers: bearer })));
  expect(streams.map(({ status }) => status)).toEqual([200, 200]);
  const ends = Promise.all(streams.map(endOf));
  const off = await world.patch(`/Users/${ada.id}`, [{ op: 'Replace', path: 'active', value: 'False' }]);
  expect(off.body.active).toBe(false);
  expect(await statuses(bearer)).toEqual([401, 401]);
  expect(await statuses({ cookie: ada.cookie })).toEqual([401, 401]);
  for (const waited of await ends) expect(waited).toBeLessThan(MINUTE);

  // Active again: the old credentials stay invalid.
  await world.patch(`/Users/${ada.id}`, [{ op: 'replace', path: 'active', value: true }]);
  expect(await statuses(bearer)).toEqual([401, 401]);

  const grace = await makeMember('grace@example.com');
  const hers = { authorization: `Bearer ${grace.token}` };
  await world.patch(`/Groups/${group}`, [{ op: 'add', path: 'members', value: [{ value: grace.id }] }]);
  expect(await statuses(hers)).toEqual([200, 200]);
  expect((await world.scim('DELETE', `/Users/${grace.id}`)).status).toBe(204);
  expect(await statuses(hers)).toEqual([401, 401]);
  expect(await membersOf(group)).toEqual([ada.id]);
  // Events appear when they have a position in the log.
  await expect
    .poll(async () => (await world.events('user.deprovisioned')).map(({ data }) => data))
    .toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: ada.id, reason: 'deactivated' }),
        expect.objectContaining({ id: grace.id, reason: 'removed' }),
      ]),
    );
});

test('a user whom an administrator suspended stays suspended when the provider changes other attributes', async () => {
  const id = await makeUser('held@example.com');
  await world.apply({ kind: 'User', name: 'held@example.com', spec: { email: 'held@example.com', suspended: true } });
  await world.patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value: 'Engineer' }]);
  expect((await world.api('GET', '/api/v1/users/held@example.com')).body.spec.suspended).toBe(true);
});

test('a User that an administrator deletes is no longer provisioned', async () => {
  const id = await makeUser('gone@example.com');
  await world.api('DELETE', '/api/v1/users/gone@example.com');
  expect((await world.scim('GET', `/Users/${id}`)).status).toBe(404);
});
