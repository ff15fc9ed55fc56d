/** Runs `dais login` as a process, authorized by a user with a browser session. */
import { spawn } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture, type CliResult } from '#testing/cli-fixture.ts';
import { cliProgram, cliVariables } from '../../../server/src/testing/cli.ts';

let cli: CliFixture;
/** Session of a signed-in browser user. */
let cookie: string | undefined;
/** A user on another machine has no data folder of the server. */
let elsewhere: string;
const stops: (() => void)[] = [];

beforeAll(async () => {
  cli = await CliFixture.sharedAccounts();
  elsewhere = join(cli.folder, 'nowhere');
  const invited = await cli.run(['user', 'invite', 'ada-signs-in@example.com', '--admin', '-o', 'json']);
  const { link } = JSON.parse(invited.out) as { link: string };
  const accepted = await post('/auth/invitation/accept', {
    secret: new URL(link).hash.slice(1),
    password: 'gravel-orbit-mango-7',
  });
  cookie = accepted.headers.getSetCookie()[0]?.split(';')[0] ?? '';
});
afterAll(async () => {
  for (const stop of stops) stop();
  await cli.stop();
});

async function post(path: string, body: object): Promise<Response> {
  return await fetch(`${cli.server.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      origin: cli.server.url,
      ...(cookie !== undefined && { cookie }),
    },
    body: JSON.stringify(body),
  });
}

async function run(words: readonly string[], stdin?: string): Promise<CliResult> {
  return await cli.run(words, { ...(stdin !== undefined && { stdin }), environment: { data: elsewhere } });
}

interface Login {
  /** Resolves once the code is printed. */
  readonly code: Promise<string>;
  readonly ended: Promise<CliResult>;
}

function startLogin(url: string): Login {
  const words = ['login', url, '--no-browser'];
  const child = spawn(process.execPath, [...cliProgram(), ...words], {
    env: { PATH: process.env['PATH'], HOME: cli.folder, DAIS_DATA: elsewhere, ...cliVariables() },
    cwd: cli.folder,
  });
  stops.push(() => child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdin.end();
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
      const shown = /shows the code ([A-Z]{4}-[A-Z]{4})/.exec(err)?.[1];
      if (shown !== undefined) resolve(shown);
    });
    child.once('close', () => reject(new Error(`no code was shown: ${err}`)));
  });
  const ended = new Promise<CliResult>((resolve) => {
    child.once('close', (exit) => resolve({ code: exit ?? -1, out, err }));
  });
  return { code, ended };
}

test('a command line is authorized, acts as that user, and signs out', async () => {
  const { url } = cli.server;
  expect((await run(['get', 'users', '--url', url])).code).toBe(5);
  const login = startLogin(url);
  const code = await login.code;
  expect((await post(`/api/v1/devices/${code}/actions/approve`, {})).status).toBe(200);
  const { code: exit, out } = await login.ended;
  expect([exit, out]).toEqual([0, expect.stringContaining(`Signed in to ${url} as ada-signs-in@example.com until`)]);
  expect((await run(['whoami', '--url', url])).out).toContain('ada-signs-in@example.com');
  expect((await run(['get', 'users', '--url', url, '-o', 'name'])).out).toContain('ada-signs-in@example.com');

  const file = join(cli.folder, '.config', 'dais', 'credentials.json');
  const { servers } = JSON.parse(await readFile(file, 'utf8')) as { servers: Record<string, { token: string }> };
  const token = servers[url]?.token ?? '';
  expect(token).toMatch(/^dais_ses_/);
  expect(await run(['logout', url])).toMatchObject({ code: 0, out: `Signed out of ${url}.\n` });
  expect((await run(['get', 'users', '--url', url])).code).toBe(5);
  expect((await cli.run(['whoami', '--url', url, '--token', token])).code).toBe(5);
  expect(await run(['logout', url])).toMatchObject({ code: 0, out: `Not signed in to ${url}.\n` });
});

test('a denied command line reports it and stores nothing', async () => {
  const login = startLogin(cli.server.url);
  expect((await post(`/api/v1/devices/${await login.code}/actions/deny`, {})).status).toBe(200);
  expect(await login.ended).toMatchObject({ code: 5, err: expect.stringContaining('denied') });
  expect((await run(['get', 'users', '--url', cli.server.url])).code).toBe(5);
});

test('a token from standard input is stored when the server accepts it; signing out removes it', async () => {
  const { url } = cli.server;
  const made = await post('/api/v1/tokens', { title: 'mine' });
  const { token } = (await made.json()) as { token: string };
  expect((await run(['login', url, '--token-stdin'], '')).code).toBe(7);
  expect((await run(['login', url, '--token-stdin'], 'dais_pat_nonsense')).code).toBe(5);
  expect(await run(['login', url, '--token-stdin'], `${token}\n`)).toMatchObject({ code: 0 });
  expect((await run(['whoami', '--url', url])).out).toContain('ada-signs-in@example.com');
  // Options of one command override the stored token.
  expect((await run(['whoami', '--url', url, '--token', 'dais_pat_nonsense'])).code).toBe(5);
  const { code, out } = await run(['logout', url]);
  expect([code, out]).toEqual([0, expect.stringContaining('is still valid')]);
  expect((await cli.run(['whoami', '--url', url, '--token', token])).code).toBe(0);
});

test('an invalid URL, and a server that does not respond', async () => {
  expect((await run(['login', 'not an address'])).code).toBe(7);
  const nowhere = await run(['login', 'http://127.0.0.1:1', '--no-browser']);
  expect(nowhere.code).toBe(6);
});

test('a credential file that others can read is rejected by every command', async () => {
  const file = join(cli.folder, '.config', 'dais', 'credentials.json');
  await writeFile(file, '{"servers":{}}');
  await chmod(file, 0o644);
  expect(await run(['whoami', '--url', cli.server.url])).toMatchObject({
    code: 5,
    err: expect.stringContaining('chmod 600'),
  });
  await chmod(file, 0o600);
});
