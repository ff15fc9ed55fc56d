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

test('the first start says how to begin; sessions and tokens last over a restart', async () => {
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
