import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { SignInError } from './access-token.ts';
import { googleCredentials } from './google-credentials.ts';

interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const net = new TestNet();
const scope = 'https://www.googleapis.com/auth/devstorage.read_write';
let seen: Seen[] = [];
let origin: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-google-'));
  origin = await net.serve((request, response) => void answer(request, response));
});
afterAll(async () => {
  await net.end();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  seen = [];
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '';
  seen.push({ path, headers: request.headers, body: await text(request) });
  const isImpersonation = path.endsWith(':generateAccessToken');
  const expireTime = new Date(3_600_000).toISOString();
  response.end(
    JSON.stringify(
      isImpersonation ? { accessToken: 'impersonated', expireTime } : { access_token: 'given', expires_in: 3600 },
    ),
  );
}

async function write(name: string, content: unknown): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const open = async (file: string | undefined, environment: Record<string, string> = {}) =>
  await googleCredentials({
    outbound: net.client(),
    now: () => 0,
    environment,
    scope,
    ...(file !== undefined && { file }),
  });

test('the metadata service gives tokens, never through a proxy', async () => {
  // Nothing listens on the port of the proxy.
  const outbound = net.client({ proxy: { httpProxy: 'http://127.0.0.1:9', noProxy: [] } });
  const environment = { GCE_METADATA_HOST: new URL(origin).host };
  const { tokens, signer } = await googleCredentials({ outbound, now: () => 0, environment, scope });
  expect(await tokens.get()).toBe('given');
  expect(signer).toBeUndefined();
  expect(seen[0]).toMatchObject({
    path: `/computeMetadata/v1/instance/service-accounts/default/token?scopes=${encodeURIComponent(scope)}`,
    headers: { 'metadata-flavor': 'Google' },
  });
});

test('workload identity federation exchanges the token of a file and impersonates a service account', async () => {
  const subject = await write('subject', 'a token of another provider\n');
  const file = await write('federated.json', {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${origin}/v1/token`,
    credential_source: { file: subject },
    service_account_impersonation_url: `${origin}/v1/projects/-/serviceAccounts/dais:generateAccessToken`,
  });
  const { tokens } = await open(file);
  expect(await tokens.get()).toBe('impersonated');
  expect(Object.fromEntries(new URLSearchParams(seen[0]!.body))).toMatchObject({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: 'a token of another provider',
    scope,
  });
  expect(seen[1]).toMatchObject({
    headers: { authorization: 'Bearer given' },
    body: JSON.stringify({ scope: [scope] }),
  });
});

test('a user signs in with a refresh token, from the variable of the tools', async () => {
  const user = { client_id: 'id', client_secret: 's', refresh_token: 'r' };
  const file = await write('user.json', { type: 'authorized_user', ...user, token_uri: `${origin}/token` });
  const { tokens } = await open(undefined, { GOOGLE_APPLICATION_CREDENTIALS: file });
  expect(await tokens.get()).toBe('given');
  expect(Object.fromEntries(new URLSearchParams(seen[0]!.body))).toEqual({ grant_type: 'refresh_token', ...user });
});

test.each([
  ['no.json', undefined, 'cannot be read (ENOENT)'],
  ['text.json', 'PRIVATE', 'is not a JSON object'],
  ['type.json', { type: 'gdch_service_account' }, 'has no supported type'],
  ['email.json', { type: 'service_account', private_key: 'PRIVATE' }, 'client_email is missing'],
  ['key.json', { type: 'service_account', client_email: 'a@b', private_key: 'PRIVATE' }, 'is not a PEM key'],
])('%s is rejected with its reason', async (name, content, reason) => {
  const file = content === undefined ? join(folder, name) : await write(name, content);
  const error: unknown = await open(file).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SignInError);
  expect(String(error)).toContain(reason);
  expect(String(error)).not.toContain('PRIVATE');
});
