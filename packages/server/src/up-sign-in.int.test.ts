/** A whole Dais with identity providers: from a group at the provider to rights here, and what a start refuses. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestBrowser } from '#policy/oidc/testing/test-browser.ts';
import { TestProvider } from '#policy/oidc/testing/test-provider.ts';
import { startDaisProcess, type DaisProcess } from './testing/dais-process.ts';

let folder: string;
let provider: TestProvider;
let url: string;
let owner: string;
const started: DaisProcess[] = [];

function launch(name: string, port: number, providers: readonly object[]): DaisProcess {
  const dais = startDaisProcess({
    data: join(folder, name),
    'keys.folder': join(folder, 'keys'),
    port,
    'authentication.mode': 'accounts',
    'authentication.providers': JSON.stringify(providers),
  });
  started.push(dais);
  return dais;
}

/** Known before the server starts, because the provider needs it for redirects. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-sign-in-'));
  const port = await freePort();
  const clientSecret = 'a secret in a file';
  await writeFile(join(folder, 'secret'), `${clientSecret}\n`, { mode: 0o600 });
  provider = await TestProvider.start({ name: 'corporate', serverUrl: `http://127.0.0.1:${port}`, clientSecret });
  const dais = launch('data', port, [
    {
      name: 'corporate',
      title: 'Corporate login',
      issuer: provider.issuer,
      clientId: 'dais',
      clientSecretFile: join(folder, 'secret'),
      scopes: ['openid', 'email', 'groups', 'offline_access'],
      allowedDomains: ['example.com'],
    },
  ]);
  url = await dais.ready;
  owner = (await readFile(join(folder, 'data', 'owner-token'), 'utf8')).trim();
});
afterAll(async () => {
  for (const dais of started) dais.process.kill('SIGKILL');
  await Promise.all(started.map((dais) => dais.ended));
  await provider.stop();
  // A database that was just orphaned may still write its last files.
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

async function asOwner(path: string, body: object): Promise<Response> {
  return await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${owner}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function create(plural: string, kind: string, name: string, spec: object): Promise<void> {
  const answer = await asOwner(`/api/v1/${plural}`, { apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec });
  if (answer.status !== 201) throw new Error(`${kind} ${name}: ${await answer.text()}`);
}

async function signIn(who: string): Promise<TestBrowser> {
  const browser = new TestBrowser();
  provider.signsIn = who;
  await browser.follow(`${url}/auth/oidc/corporate/start`, (next) => next === `${url}/`);
  return browser;
}

const secrets = async (browser: TestBrowser) => (await browser.get(`${url}/api/v1/secrets/chat`)).status;

test('the sign-in page lists the providers, without their secrets', async () => {
  const { text } = await new TestBrowser().get(`${url}/auth/session`);
  expect(JSON.parse(text)).toMatchObject({
    mode: 'accounts',
    signIn: { passwords: true, providers: [{ name: 'corporate', title: 'Corporate login' }] },
  });
  expect(text).not.toContain(provider.issuer);
});

test('a group of the provider makes a user a member of a team while the provider reports it', async () => {
  await create('teams', 'Team', 'vision', { groups: [{ provider: 'corporate', group: 'ml-vision' }] });
  await create('rolebindings', 'RoleBinding', 'vision-reads', { role: 'viewer', teams: ['vision'] });
  await create('secrets', 'Secret', 'chat', { data: { url: 'https://example.com' } });
  const ada = provider.add('ada', { groups: ['ml-vision'] });
  provider.add('bea', { groups: ['ML-Vision', 'ml-vision-2'] });
  const [first, other] = [await signIn('ada'), await signIn('bea')];
  expect([await secrets(first), await secrets(other)]).toEqual([200, 403]);
  ada.groups = [];
  const second = await signIn('ada');
  expect([await secrets(second), await secrets(first)]).toEqual([403, 403]);
});

test.each([
  ['plain HTTP elsewhere', { issuer: 'http://id.example.com' }, 'does not use HTTPS'],
  ['a secret that is not there', { clientSecretFile: '/nonexistent/secret' }, 'cannot be read (ENOENT)'],
])('a provider with %s prevents the start, and the message names it', async (_name, problem, message) => {
  const good = { name: 'corporate', issuer: 'https://id.example.com', clientId: 'dais' };
  const dais = launch('data-2', 0, [{ ...good, ...problem }]);
  expect(await dais.ended).not.toBe(0);
  expect(dais.output()).toContain(message);
});
