import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

/** Sign-in with an identity provider (OpenID Connect), and from a command line without a browser. */

const provider = z.string().min(1).max(63).describe('Name of the identity provider in the configuration.');
const next = z.string().max(2048).optional().describe('Path of this server to go to afterwards. Default: `/`.');
/** `HttpBinding.cookies` fills it. */
const browser = z.string().max(64).optional().describe('Cookie that binds the sign-in to the browser.');
const userName = z.string().describe('Name of the User.');

export const startSignInOperation = defineOperation({
  name: 'signIn.start',
  action: 'session:start',
  mode: 'read',
  scope: 'org',
  summary: 'Redirects a browser to an identity provider.',
  input: z.strictObject({ provider, next }),
  output: z.strictObject({ location: z.string().describe('Where the browser is sent.') }),
  target: () => ({ kind: 'Session' }),
  public: true,
  http: { method: 'GET', path: '/auth/oidc/:provider/start', status: 200, query: ['next'] },
});

export const finishSignInOperation = defineOperation({
  name: 'signIn.finish',
  action: 'session:start',
  mode: 'read',
  scope: 'org',
  summary: 'Callback of the identity provider after a sign-in.',
  input: z.strictObject({
    provider,
    answer: z.string().max(8192).describe('Query string from the provider.'),
    browser,
  }),
  output: z.strictObject({ user: userName, next: z.string().describe('Where the browser is sent.') }),
  target: () => ({ kind: 'Session' }),
  public: true,
  http: {
    method: 'GET',
    path: '/auth/oidc/:provider/callback',
    status: 200,
    queryField: 'answer',
    cookies: { dais_login: 'browser' },
  },
});

export const leaveProviderOperation = defineOperation({
  name: 'signIn.leave',
  action: 'session:start',
  mode: 'read',
  scope: 'org',
  summary: 'Redirects a signed-out browser to the identity provider for sign-out.',
  input: z.strictObject({ provider }),
  output: z.strictObject({ location: z.string().describe('Where the browser is sent.') }),
  target: () => ({ kind: 'Session' }),
  public: true,
  http: { method: 'GET', path: '/auth/oidc/:provider/logout', status: 200 },
});

export const endFromProviderOperation = defineOperation({
  name: 'signIn.endFromProvider',
  action: 'session:end',
  mode: 'write',
  scope: 'org',
  summary: 'Ends sessions on behalf of an identity provider (OpenID Connect Back-Channel Logout 1.0).',
  input: z.strictObject({
    provider,
    logout_token: z.string().min(1).max(16_384).describe('Logout token, signed by the provider.'),
  }),
  output: z.strictObject({ ended: z.int().describe('Number of ended sessions.') }),
  target: () => ({ kind: 'Session' }),
  public: true,
  http: { method: 'POST', path: '/auth/oidc/:provider/backchannel-logout', status: 200 },
});

const userCode = z
  .string()
  .min(8)
  .max(16)
  .describe('The code that the command line shows: `BCDF-GHJK`; case and dash do not matter.');

export const startDeviceOperation = defineOperation({
  name: 'device.start',
  action: 'device:start',
  mode: 'write',
  scope: 'org',
  summary: 'Starts the device authorization of a command line (RFC 8628).',
  input: z.strictObject({
    machine: z.string().min(1).max(128).describe('Name of the machine, shown to the approver.'),
    program: z.string().min(1).max(128).describe('Program and version.'),
  }),
  output: z.strictObject({
    device_code: z.string().describe('Device code: secret for polling.'),
    user_code: z.string().describe('Code for the user: `BCDF-GHJK`.'),
    verification_uri: z.string().describe('Where the person decides.'),
    verification_uri_complete: z.string().describe('URL with the code filled in.'),
    expires_in: z.int().describe('Seconds until expiry.'),
    interval: z.int().describe('Seconds to wait between two polls.'),
  }),
  target: () => ({ kind: 'Device' }),
  public: true,
  secretAnswer: true,
  http: { method: 'POST', path: '/auth/device', status: 200 },
});

export const pollDeviceOperation = defineOperation({
  name: 'device.poll',
  action: 'device:start',
  mode: 'write',
  scope: 'org',
  summary: 'Polls for the decision and returns the token once.',
  input: z.strictObject({ device_code: z.string().min(1).max(64) }),
  output: z.strictObject({
    state: z
      .enum(['pending', 'slow_down', 'denied', 'expired', 'approved'])
      .describe('`slow_down`: no decision yet, and polling is too fast. The last three states are final.'),
    interval: z.int().optional().describe('Seconds to wait before the next poll.'),
    access_token: z.string().optional().describe('`dais_ses_…`, when approved.'),
    expires_in: z.int().optional().describe('Lifetime of the token in seconds.'),
    user: userName.optional(),
  }),
  target: () => ({ kind: 'Device' }),
  public: true,
  secretAnswer: true,
  http: { method: 'POST', path: '/auth/device/poll', status: 200 },
});

export const readDeviceOperation = defineOperation({
  name: 'device.read',
  action: 'device:approve',
  mode: 'read',
  scope: 'org',
  summary: 'Returns the command line of a device code.',
  input: z.strictObject({ code: userCode }),
  output: z.strictObject({
    machine: z.string().describe('As reported by the client.'),
    program: z.string().describe('As reported by the client.'),
    address: z.string().optional().describe('IP address of the request.'),
    createdAt: z.string().describe('Time of the request; RFC 3339, UTC.'),
    expiresAt: z.string().describe('Expiry of the request; RFC 3339, UTC.'),
    tokenSeconds: z.int().describe('Lifetime of the requested token in seconds.'),
  }),
  target: () => ({ kind: 'Device' }),
  self: true,
  http: { method: 'GET', path: '/api/v1/devices/:code', status: 200 },
});

const decided = z.strictObject({ machine: z.string().describe('As reported by the client.') });

export const approveDeviceOperation = defineOperation({
  name: 'device.approve',
  action: 'device:approve',
  mode: 'write',
  scope: 'org',
  summary: 'Authorizes a command line. It gets a token with the permissions of the caller.',
  input: z.strictObject({ code: userCode }),
  output: decided,
  target: () => ({ kind: 'Device' }),
  self: true,
  http: { method: 'POST', path: '/api/v1/devices/:code/actions/approve', status: 200 },
});

export const denyDeviceOperation = defineOperation({
  name: 'device.deny',
  action: 'device:approve',
  mode: 'write',
  scope: 'org',
  summary: 'Denies a command line.',
  input: z.strictObject({ code: userCode }),
  output: decided,
  target: () => ({ kind: 'Device' }),
  self: true,
  http: { method: 'POST', path: '/api/v1/devices/:code/actions/deny', status: 200 },
});

export const signInOperations: readonly Operation[] = [
  startSignInOperation,
  finishSignInOperation,
  leaveProviderOperation,
  endFromProviderOperation,
  startDeviceOperation,
  pollDeviceOperation,
  readDeviceOperation,
  approveDeviceOperation,
  denyDeviceOperation,
];
