import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

/** Sign-in with an identity provider that uses SAML 2.0: Web Browser SSO profile, started by Dais. */

const provider = z.string().min(1).max(63).describe('Name of the identity provider in the configuration.');
const location = z.string().describe('Where the browser is sent.');
/** A response with a thousand groups. */
const MAX_RESPONSE = 200_000;

export const startSamlOperation = defineOperation({
  name: 'saml.start',
  action: 'session:start',
  mode: 'read',
  scope: 'org',
  summary: 'Redirects a browser to an identity provider (SAML 2.0).',
  input: z.strictObject({
    provider,
    next: z.string().max(2048).optional().describe('Path of this server to go to afterwards. Default: `/`.'),
  }),
  output: z.strictObject({ location }),
  target: () => ({ kind: 'Session' }),
  public: true,
  http: { method: 'GET', path: '/auth/saml/:provider/start', status: 200, query: ['next'] },
});

export const receiveSamlOperation = defineOperation({
  name: 'saml.receive',
  action: 'session:start',
  mode: 'read',
  scope: 'org',
  summary: 'Assertion consumer service: receives the response of the identity provider from a page of its site.',
  input: z.strictObject({
    provider,
    SAMLResponse: z.string().min(1).max(MAX_RESPONSE).describe('The response, in Base64.'),
    RelayState: z.string().max(128).optional().describe('The value from the request.'),
  }),
  output: z.strictObject({ location }),
  target: () => ({ kind: 'Session' }),
  public: true,
  http: { method: 'POST', path: '/auth/saml/:provider/acs', status: 200 },
});

export const finishSamlOperation = defineOperation({
  name: 'saml.finish',
  action: 'session:start',
  mode: 'read',
  scope: 'org',
  summary: 'Starts the session in the browser that started the sign-in.',
  input: z.strictObject({
    provider,
    state: z.string().max(128).describe('Names the sign-in.'),
    browser: z.string().max(64).optional().describe('Cookie that binds the sign-in to the browser.'),
  }),
  output: z.strictObject({ user: z.string().describe('Name of the User.'), next: location }),
  target: () => ({ kind: 'Session' }),
  public: true,
  http: {
    method: 'GET',
    path: '/auth/saml/:provider/finish',
    status: 200,
    query: ['state'],
    cookies: { dais_login: 'browser' },
  },
});

export const readSamlMetadataOperation = defineOperation({
  name: 'saml.metadata',
  action: 'session:start',
  mode: 'read',
  scope: 'org',
  summary: 'Returns the metadata of Dais as a service provider, as XML.',
  input: z.strictObject({ provider }),
  output: z.strictObject({ entityId: z.string().describe('Entity id of Dais at this provider.') }),
  target: () => ({ kind: 'Session' }),
  public: true,
  http: { method: 'GET', path: '/auth/saml/:provider/metadata', status: 200 },
});

export const samlOperations: readonly Operation[] = [
  startSamlOperation,
  receiveSamlOperation,
  finishSamlOperation,
  readSamlMetadataOperation,
];
