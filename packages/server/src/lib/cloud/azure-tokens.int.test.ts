import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { SignInError } from './access-token.ts';
import { azureTokens } from './azure-tokens.ts';

const net = new TestNet();
const forms: Record<string, string>[] = [];
let status = 200;
let issued = 0;
let origin: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-azure-'));
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    forms.push({ path: request.url ?? '', ...Object.fromEntries(new URLSearchParams(await text(request))) });
    response.writeHead(status, { 'content-type': 'application/json' });
    issued += 1;
    const refusal = { error: 'invalid_client', error_description: 'AADSTS7000215: SECRETNEVERSHOWN' };
    response.end(JSON.stringify(status === 200 ? { access_token: `t${issued}`, expires_in: 3600 } : refusal));
  };
  origin = await net.serve((request, response) => void answer(request, response));
});
afterAll(async () => {
  await net.end();
  await rm(folder, { recursive: true });
});

const base = () => ({ AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client', AZURE_AUTHORITY_HOST: `${origin}/` });
const resource = 'https://storage.azure.com';

test('a workload identity signs in with the token in its file, which it reads each time', async () => {
  const file = join(folder, 'token');
  await writeFile(file, 'first\n');
  let now = 0;
  const environment = { ...base(), AZURE_FEDERATED_TOKEN_FILE: file };
  const tokens = azureTokens({ outbound: net.client(), now: () => now, environment, resource });
  const first = await tokens.get();
  expect(forms.at(-1)).toEqual({
    path: '/tenant/oauth2/v2.0/token',
    grant_type: 'client_credentials',
    scope: 'https://storage.azure.com/.default',
    client_id: 'client',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: 'first',
  });
  now = 3_000_000;
  expect(await tokens.get()).toBe(first);
  await writeFile(file, 'second\n');
  now = 3_400_000;
  const both = await Promise.all([tokens.get(), tokens.get()]);
  expect(both[0]).toBe(both[1]);
  expect(both[0]).not.toBe(first);
  expect(forms.at(-1)).toMatchObject({ client_assertion: 'second' });
});

test('a valid token survives a failed renewal; without one, the error says what to check', async () => {
  let now = 0;
  const environment = { ...base(), AZURE_CLIENT_SECRET: 'SECRETNEVERSHOWN' };
  const tokens = azureTokens({ outbound: net.client(), now: () => now, environment, resource, clientId: 'other' });
  const first = await tokens.get();
  expect(forms.at(-1)).toMatchObject({ client_id: 'other', client_secret: 'SECRETNEVERSHOWN' });
  status = 401;
  now = 3_400_000;
  expect(await tokens.get()).toBe(first);
  now = Date.now();
  const error: unknown = await tokens.get().catch((reason: unknown) => reason);
  status = 200;
  expect(error).toBeInstanceOf(SignInError);
  expect(String(error)).toContain('rejected with 401 invalid_client. Check AZURE_TENANT_ID');
  expect(String(error)).not.toContain('SECRETNEVERSHOWN');
});

test('a rejected token is requested anew', async () => {
  const environment = { ...base(), AZURE_CLIENT_SECRET: 's' };
  const tokens = azureTokens({ outbound: net.client(), now: () => 0, environment, resource });
  const first = await tokens.get();
  expect(tokens.forget('another')).toBe(true);
  expect(await tokens.get()).toBe(first);
  expect(tokens.forget(first)).toBe(true);
  expect(await tokens.get()).not.toBe(first);
});
