import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** RFC 8693, with one more field: the requested service account. */
export const exchangeTokenOperation = defineOperation({
  name: 'federation.exchange',
  action: 'federation:exchange',
  mode: 'write',
  scope: 'org',
  summary:
    'Exchanges the OIDC token of another system (CI) for a short-lived token of a service account that trusts it (after RFC 8693).',
  input: z.strictObject({
    grant_type: z.literal(TOKEN_EXCHANGE).default(TOKEN_EXCHANGE),
    subject_token: z.string().min(1).max(16_384).describe('JWT of the other system.'),
    subject_token_type: z.enum([JWT_TYPE, ID_TOKEN_TYPE]).default(JWT_TYPE),
    service_account: z.string().min(1).max(256).describe('Name of the ServiceAccount.'),
  }),
  output: z.strictObject({
    access_token: z.string().describe('Token: `dais_sat_…`. Shown once.'),
    issued_token_type: z.literal(ACCESS_TOKEN_TYPE),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('Lifetime in seconds, at most 3,600.'),
  }),
  target: () => ({ kind: 'Federation' }),
  public: true,
  secretAnswer: true,
  http: { method: 'POST', path: '/auth/federation', status: 200 },
});

export const federationOperations: readonly Operation[] = [exchangeTokenOperation];
