/** Sets up a team from an empty server with commands only. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';

let cli: CliFixture;
beforeAll(async () => {
  cli = await CliFixture.start({ 'authentication.mode': 'accounts' });
});
afterAll(async () => {
  await cli.stop();
});

const PASSWORD = 'gravel-orbit-mango-7';

async function out(words: readonly string[], token?: string): Promise<string> {
  const result = await cli.run(words, token === undefined ? {} : { environment: { token } });
  expect(result).toMatchObject({ code: 0 });
  return result.out;
}

async function json(words: readonly string[], token?: string) {
  return JSON.parse(await out([...words, '-o', 'json'], token));
}

/** Opens the link like a browser. Returns the session cookie. */
async function accept(link: string): Promise<string> {
  const response = await fetch(`${cli.server.url}/auth/invitation/accept`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ secret: new URL(link).hash.slice(1), password: PASSWORD }),
  });
  expect(response.status).toBe(200);
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

/** Calls the API like a page of the console. */
async function tokenOf(cookie: string): Promise<string> {
  const response = await fetch(`${cli.server.url}/api/v1/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie, origin: cli.server.url },
    body: JSON.stringify({ title: 'first' }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { token: string }).token;
}

test('the owner invites an administrator, who invites others', async () => {
  expect(await out(['whoami'])).toMatch(/^owner at http:.*\nauthenticated with owner-token\n$/);
  expect((await cli.run(['user', 'list'])).err).toContain('dais user invite EMAIL --admin');
  const ada = await tokenOf(await accept(await out(['user', 'invite', 'ada@example.com', '--admin'])));
  expect(await out(['whoami'], ada)).toMatch(/^ada@example\.com at /);
  const grace = await tokenOf(await accept(await out(['user', 'invite', 'grace@example.com'], ada)));
  await out(['user', 'invite', 'late@example.com', '--hours', '1'], ada);
  const listed = (await out(['user', 'list'], ada)).split('\n').map((line) => line.split(/ {2,}/));
  expect(listed.slice(0, 4)).toEqual([
    ['NAME', 'DISPLAY NAME', 'STATE', 'SIGN-IN METHOD'],
    ['ada@example.com', '-', 'active', 'password'],
    ['grace@example.com', '-', 'active', 'password'],
    ['late@example.com', '-', 'invited', expect.stringMatching(/^link until/)],
  ]);
  const refused = await cli.run(['user', 'invite', 'friend@example.com'], { environment: { token: grace } });
  expect(refused.code).not.toBe(0);
  expect(refused.err).toContain('invitation:create');
  const link = await out(['user', 'reset-password', 'grace@example.com'], ada);
  expect(link).toMatch(/\/invitation#[\w-]{43}\n$/);
});

test('tokens are created, listed, limited and revoked', async () => {
  const owner = await tokenOf(await accept(await out(['user', 'invite', 'tokens@example.com', '--admin'])));
  const made = await cli.run(['token', 'create', 'laptop', '--days', '7'], { environment: { token: owner } });
  expect(made.out).toMatch(/^dais_pat_[0-9A-Za-z]{36}\n$/);
  expect(made.err).toContain('is shown only once');
  const laptop = made.out.trim();
  const reader = (
    await out(['token', 'create', 'reader', '--scope', 'project:read', '--only-project', 'default'], laptop)
  ).trim();
  expect(await out(['whoami'], reader)).toContain('limited to project:read\nlimited to project default\n');
  const list = await out(['token', 'list'], laptop);
  expect(list).toContain(`…${laptop.slice(-4)}`);
  expect(list).toContain('project:read in default');
  expect(list).not.toContain(laptop);
  const { items } = await json(['token', 'list'], owner);
  const { id } = items.find((item: { title: string }) => item.title === 'laptop');
  expect(await out(['token', 'revoke', id], owner)).toBe(`Token ${id} revoked.\n`);
  const ended = await cli.run(['get', 'projects'], { environment: { token: laptop } });
  expect(ended.err).toContain('expired or revoked');
  const misspelt = await cli.run(['token', 'create', 'x', '--scope', 'project:raed'], {
    environment: { token: owner },
  });
  expect(misspelt.err).toContain('project:read');
});

test('a service account has tokens of its own', async () => {
  const text = 'apiVersion: dais.dev/v1\nkind: ServiceAccount\nmetadata:\n  name: ci\nspec: {}\n';
  expect((await cli.run(['apply', '-f', '-'], { stdin: text })).code).toBe(0);
  const token = (await out(['token', 'create', 'deploy', '--service-account', 'ci'])).trim();
  expect(token).toMatch(/^dais_sat_/);
  expect(await out(['whoami'], token)).toMatch(/^ci at /);
  const { items } = await json(['token', 'list', '--service-account', 'ci']);
  await out(['token', 'revoke', items[0].id, '--service-account', 'ci']);
  expect((await cli.run(['whoami'], { environment: { token } })).code).not.toBe(0);
  const both = await cli.run(['token', 'list', '--service-account', 'ci', '--user', 'ada@example.com']);
  expect(both.err).toContain('not both');
});

test('browser sessions are ended', async () => {
  const cookie = await accept(await out(['user', 'invite', 'browser@example.com']));
  const token = await tokenOf(cookie);
  const { items } = await json(['session', 'list'], token);
  expect(items).toMatchObject([{ method: 'password', current: false }]);
  expect(await out(['session', 'list', '--user', 'browser@example.com'])).toContain(items[0].id);
  expect(await out(['session', 'revoke', items[0].id], token)).toBe(`Session ${items[0].id} ended.\n`);
  const answer = await fetch(`${cli.server.url}/api/v1/sessions`, { headers: { cookie } });
  expect(answer.status).toBe(401);
  expect((await cli.run(['session', 'list'], { environment: { token } })).err).toContain('No browser sessions');
});

test('without accounts nobody can be invited', async () => {
  const solo = await CliFixture.sharedDefault();
  try {
    const invited = await solo.run(['user', 'invite', 'ada@example.com']);
    expect(invited.err).toContain('authentication.mode: accounts');
    expect((await solo.run(['whoami'])).out).toMatch(/^owner at /);
  } finally {
    await solo.stop();
  }
});
