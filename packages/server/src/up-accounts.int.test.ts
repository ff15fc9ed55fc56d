/** Accounts from the first start: what is printed, what lasts over a restart. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaisProcess } from './testing/dais-process.ts';

const FIRST = 'dais user invite EMAIL --admin';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-accounts-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('the first start explains how to create an account; sessions and tokens survive a restart', async () => {
  const data = join(folder, 'data');
  const flags = { data, 'keys.folder': join(folder, 'keys'), 'authentication.mode': 'accounts' };
  const first = startDaisProcess(flags);
  const url = await first.ready;
  await expect.poll(first.output).toContain(FIRST);
  const ask = async (at: string, path: string, headers: Record<string, string>, body?: object) =>
    await fetch(`${at}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  expect((await ask(url, '/api/v1/projects', {})).status).toBe(401);
  const owner = { authorization: `Bearer ${(await readFile(join(data, 'owner-token'), 'utf8')).trim()}` };
  const invited = await ask(url, '/api/v1/invitations/administrators', owner, { email: 'ada@example.com' });
  const { link } = (await invited.json()) as { link: string };
  expect(link).toContain(`${url}/invitation#`);
  const secret = new URL(link).hash.slice(1);
  const accepted = await ask(url, '/auth/invitation/accept', {}, { secret, password: 'gravel-orbit-mango-7' });
  const cookie = accepted.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const made = await ask(url, '/api/v1/tokens', { cookie, origin: url }, { title: 'kept' });
  const { token } = (await made.json()) as { token: string };
  first.process.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  for (const text of [secret, token, cookie.slice(9), 'gravel-orbit-mango-7'])
    expect(first.output()).not.toContain(text);

  const second = startDaisProcess(flags);
  const again = await second.ready;
  const who = await ask(again, '/auth/session', { cookie });
  expect(await who.json()).toMatchObject({ mode: 'accounts', actor: { id: 'ada@example.com' } });
  expect((await ask(again, '/api/v1/users', { authorization: `Bearer ${token}` })).status).toBe(200);
  const { mode } = (await (await ask(again, '/api/v1/server', owner)).json()) as { mode: string };
  expect(mode).toBe('accounts');
  second.process.kill('SIGTERM');
  expect(await second.ended).toBe(0);
  expect(second.output()).not.toContain(FIRST);
});

test('metrics are readable for scrapers and administrators, not for every user', async () => {
  const data = join(folder, 'scraped');
  const dais = startDaisProcess({
    data,
    'keys.folder': join(folder, 'scraped-keys'),
    'authentication.mode': 'accounts',
  });
  const url = await dais.ready;
  const owner = (await readFile(join(data, 'owner-token'), 'utf8')).trim();
  const ask = async (path: string, token?: string, body?: object) =>
    await fetch(`${url}${path}`, {
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
  const made = (kind: string, name: string, spec: object) => ({
    apiVersion: 'dais.dev/v1',
    kind,
    metadata: { name },
    spec,
  });
  const apply = async (documents: readonly object[]) =>
    await ask('/api/v1/apply', owner, {
      sources: documents.map((document) => ({ file: '-', text: JSON.stringify(document) })),
    });
  const bound = ['scraper', 'viewer', 'admin'];
  const applied = await apply([
    ...['nobody', ...bound].map((name) => made('ServiceAccount', name, {})),
    ...bound.map((role) => made('OrganizationRoleBinding', role, { role, serviceAccounts: [role] })),
  ]);
  expect(applied.status).toBe(200);
  const tokenOf = async (name: string, scopes?: readonly string[]) =>
    (
      (await (
        await ask(`/api/v1/serviceaccounts/${name}/tokens`, owner, { title: 'x', days: 1, ...(scopes && { scopes }) })
      ).json()) as { token: string }
    ).token;
  const scraper = await tokenOf('scraper', ['metrics:read']);
  for (const path of ['/metrics', '/api/v1/metrics']) {
    expect((await ask(path)).status).toBe(401);
    for (const name of ['nobody', 'viewer']) expect((await ask(path, await tokenOf(name))).status).toBe(403);
    for (const token of [owner, scraper, await tokenOf('admin')]) {
      const answer = await ask(path, token);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toContain('dais_database_up 1');
    }
  }
  expect((await ask('/metrics', scraper)).headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const whole = await tokenOf('scraper');
  for (const path of ['/api/v1/secrets', '/api/v1/users', '/api/v1/audit'])
    expect((await ask(path, whole)).status).not.toBe(200);
  const inProject = await apply([made('RoleBinding', 'scraper', { role: 'scraper', serviceAccounts: ['scraper'] })]);
  expect(inProject.status).toBe(422);
  expect(await inProject.text()).toContain('an OrganizationRoleBinding with this role');
  dais.process.kill('SIGTERM');
  expect(await dais.ended).toBe(0);
});
