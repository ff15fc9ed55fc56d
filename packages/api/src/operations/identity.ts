import { z } from 'zod';
import { actorSchema, labelNameSchema, nameSchema } from '#manifest.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';

/**
 * Identity: sign-in, sessions, tokens, passwords, invitations. Operations that set cookies are below `/auth/`; the rest
 * is part of the native interface. An output has a secret only once, when it is created.
 */

const time = (what: string) => z.string().describe(`${what}; RFC 3339, UTC.`);
const id = z.uuid().describe('Id.');
const userName = z.string().min(1).max(256);
const password = z.string().min(1).max(1024);
const next = z.string().max(2048).optional().describe('Path of this server to redirect to afterwards, for HTML forms.');
const done = z.strictObject({});

export const currentSessionSchema = z.strictObject({
  mode: z.enum(['solo', 'accounts']).describe('`solo`: one owner without sign-in. `accounts`: every user signs in.'),
  actor: actorSchema.optional().describe('Caller; absent: not authenticated.'),
  displayName: z.string().optional().describe('Display name of a user.'),
  email: z.string().optional().describe('Email address of a user.'),
  method: z
    .string()
    .optional()
    .describe('Authentication method: `password`, `oidc`, `saml`, `token`, `federation`, `owner-token`, `solo`.'),
  session: z.string().optional().describe('Id of the session or token.'),
  mfa: z.boolean().optional().describe('Whether a second factor was used.'),
  scopes: z.array(z.string()).optional().describe('Scopes of the token.'),
  project: z.string().optional().describe('Project of the token.'),
  signIn: z
    .strictObject({
      passwords: z.boolean().describe('Whether sign-in with name and password is available.'),
      providers: z
        .array(
          z.strictObject({
            name: z.string().describe('Name in the configuration.'),
            protocol: z.enum(['oidc', 'saml']).describe('Protocol of the sign-in.'),
            title: z.string().describe('Label of the button.'),
          }),
        )
        .describe('Identity providers: `/auth/PROTOCOL/NAME/start`.'),
    })
    .describe('Sign-in methods.'),
});
export type CurrentSession = z.infer<typeof currentSessionSchema>;

export const loginOperation = defineOperation({
  name: 'session.login',
  action: 'session:login',
  mode: 'write',
  scope: 'org',
  summary: 'Signs in with name and password and sets a session cookie.',
  input: z.strictObject({
    name: userName.describe('Login name, normally the email address.'),
    password: password.describe('Password.'),
    next,
  }),
  output: currentSessionSchema,
  target: () => ({ kind: 'Session' }),
  public: true,
  http: { method: 'POST', path: '/auth/login', status: 200 },
});

export const logoutOperation = defineOperation({
  name: 'session.logout',
  action: 'session:logout',
  mode: 'write',
  scope: 'org',
  summary: 'Ends the session of the cookie and clears the cookie. Idempotent.',
  input: z.strictObject({ next }),
  output: done,
  target: () => ({ kind: 'Session' }),
  public: true,
  http: { method: 'POST', path: '/auth/logout', status: 200 },
});

export const currentSessionOperation = defineOperation({
  name: 'session.current',
  action: 'session:current',
  mode: 'read',
  scope: 'org',
  summary: 'Returns the authenticated caller, or the sign-in methods.',
  input: z.strictObject({}),
  output: currentSessionSchema,
  target: () => ({ kind: 'Session' }),
  public: true,
  http: { method: 'GET', path: '/auth/session', status: 200 },
});

export const changePasswordOperation = defineOperation({
  name: 'password.change',
  action: 'password:change',
  mode: 'write',
  scope: 'org',
  summary: 'Changes the password of the caller, ends all other sessions and renews this one.',
  input: z.strictObject({
    old: password.describe('Current password.'),
    new: password.describe('At least 12 characters.'),
  }),
  output: done,
  target: () => ({ kind: 'Session' }),
  self: true,
  http: { method: 'POST', path: '/auth/password', status: 200 },
});

const sessionEntry = z.strictObject({
  id: id,
  current: z.boolean().describe('Whether it is the current session.'),
  method: z.string().describe('`password`, `oidc` or `saml`.'),
  provider: z.string().optional().describe('Identity provider.'),
  mfa: z.boolean().describe('Whether a second factor was used.'),
  address: z.string().optional().describe('Where it was last used from.'),
  userAgent: z.string().optional().describe('User agent of the browser.'),
  createdAt: time('Start time'),
  usedAt: time('Time of the last use, to the minute'),
  expiresAt: time('Absolute expiry'),
});
const sessionPage = z.strictObject({ items: z.array(sessionEntry).describe('Active sessions, newest first.') });

export const listSessionsOperation = defineOperation({
  name: 'session.list',
  action: 'session:list',
  mode: 'read',
  scope: 'org',
  summary: 'Lists the sessions of the caller.',
  input: z.strictObject({}),
  output: sessionPage,
  target: () => ({ kind: 'Session' }),
  self: true,
  http: { method: 'GET', path: '/api/v1/sessions', status: 200 },
});

export const revokeSessionOperation = defineOperation({
  name: 'session.revoke',
  action: 'session:revoke',
  mode: 'write',
  scope: 'org',
  summary: 'Ends one session of the caller.',
  input: z.strictObject({ id }),
  output: done,
  target: () => ({ kind: 'Session' }),
  self: true,
  http: { method: 'DELETE', path: '/api/v1/sessions/:id', status: 200 },
});

export const listUserSessionsOperation = defineOperation({
  name: 'userSession.list',
  action: 'user:sessions',
  mode: 'read',
  scope: 'org',
  summary: 'Lists the sessions of a user.',
  input: z.strictObject({ name: userName }),
  output: sessionPage,
  target: ({ name }) => ({ kind: 'User', name }),
  roles: ['admin'],
  http: { method: 'GET', path: '/api/v1/users/:name/sessions', status: 200 },
});

export const revokeUserSessionOperation = defineOperation({
  name: 'userSession.revoke',
  action: 'user:revoke',
  mode: 'write',
  scope: 'org',
  summary: 'Ends one session of a user.',
  input: z.strictObject({ name: userName, id }),
  output: done,
  target: ({ name }) => ({ kind: 'User', name }),
  http: { method: 'DELETE', path: '/api/v1/users/:name/sessions/:id', status: 200 },
});

const newToken = {
  title: z.string().min(1).max(128).describe('Purpose, shown in lists.'),
  scopes: z
    .array(z.string().max(128))
    .min(1)
    .max(100)
    .optional()
    .describe('Scopes: `secret:read`, `secret:*`. Default: all permissions of the owner.'),
  project: labelNameSchema.optional().describe('Project that the token is limited to. Default: all projects.'),
  days: z
    .int()
    .min(1)
    .max(3650)
    .optional()
    .describe(
      'Days until expiry. Default and maximum: `authentication.tokenDays` and `maxTokenDays` of the configuration.',
    ),
};
const createdToken = z.strictObject({
  id,
  token: z.string().describe('Token. It is shown only once and not stored.'),
  expiresAt: time('Expiry'),
});
const tokenEntry = z.strictObject({
  id,
  title: z.string().describe('Purpose.'),
  form: z.enum(['pat', 'sat', 'ses']).describe('Type: personal token, service account token, or command-line session.'),
  ending: z.string().describe('Last four characters.'),
  scopes: z.array(z.string()).optional().describe('Scopes.'),
  project: z.string().optional().describe('Project that the token is limited to.'),
  createdBy: actorSchema.describe('Creator.'),
  createdAt: time('Creation time'),
  expiresAt: time('Expiry'),
  usedAt: z.string().optional().describe('Time of the last use, to the minute; absent: never.'),
  usedAddress: z.string().optional().describe('Where it was last used from.'),
});
export type TokenEntry = z.infer<typeof tokenEntry>;
const tokenPage = z.strictObject({ items: z.array(tokenEntry).describe('Active sessions, newest first.') });

export const createTokenOperation = defineOperation({
  name: 'token.create',
  action: 'token:create',
  mode: 'write',
  scope: 'org',
  summary:
    'Creates an API token of the caller. A token created with a token has no more permissions and no later expiry.',
  input: z.strictObject(newToken),
  output: createdToken,
  target: () => ({ kind: 'Token' }),
  self: true,
  secretAnswer: true,
  http: { method: 'POST', path: '/api/v1/tokens', status: 201 },
});

export const listTokensOperation = defineOperation({
  name: 'token.list',
  action: 'token:list',
  mode: 'read',
  scope: 'org',
  summary: 'Lists the tokens of the caller.',
  input: z.strictObject({}),
  output: tokenPage,
  target: () => ({ kind: 'Token' }),
  self: true,
  http: { method: 'GET', path: '/api/v1/tokens', status: 200 },
});

export const revokeTokenOperation = defineOperation({
  name: 'token.revoke',
  action: 'token:revoke',
  mode: 'write',
  scope: 'org',
  summary: 'Revokes one token of the caller immediately.',
  input: z.strictObject({ id }),
  output: done,
  target: () => ({ kind: 'Token' }),
  self: true,
  http: { method: 'DELETE', path: '/api/v1/tokens/:id', status: 200 },
});

export const listUserTokensOperation = defineOperation({
  name: 'userToken.list',
  action: 'user:tokens',
  mode: 'read',
  scope: 'org',
  summary: 'Lists the tokens of a user.',
  input: z.strictObject({ name: userName }),
  output: tokenPage,
  target: ({ name }) => ({ kind: 'User', name }),
  roles: ['admin'],
  http: { method: 'GET', path: '/api/v1/users/:name/tokens', status: 200 },
});

export const revokeUserTokenOperation = defineOperation({
  name: 'userToken.revoke',
  action: 'user:revoke',
  mode: 'write',
  scope: 'org',
  summary: 'Revokes one token of a user immediately.',
  input: z.strictObject({ name: userName, id }),
  output: done,
  target: ({ name }) => ({ kind: 'User', name }),
  http: { method: 'DELETE', path: '/api/v1/users/:name/tokens/:id', status: 200 },
});

export const createServiceTokenOperation = defineOperation({
  name: 'serviceToken.create',
  action: 'serviceAccount:write',
  mode: 'write',
  scope: 'org',
  summary: 'Creates a token of a service account. Requires permission to change the account.',
  input: z.strictObject({ name: userName, ...newToken }),
  output: createdToken,
  target: ({ name }) => ({ kind: 'ServiceAccount', name }),
  secretAnswer: true,
  http: { method: 'POST', path: '/api/v1/serviceaccounts/:name/tokens', status: 201 },
});

export const listServiceTokensOperation = defineOperation({
  name: 'serviceToken.list',
  action: 'serviceAccount:tokens',
  mode: 'read',
  scope: 'org',
  summary: 'Lists the tokens of a service account.',
  input: z.strictObject({ name: userName }),
  output: tokenPage,
  target: ({ name }) => ({ kind: 'ServiceAccount', name }),
  roles: ['admin'],
  http: { method: 'GET', path: '/api/v1/serviceaccounts/:name/tokens', status: 200 },
});

export const revokeServiceTokenOperation = defineOperation({
  name: 'serviceToken.revoke',
  action: 'serviceAccount:write',
  mode: 'write',
  scope: 'org',
  summary: 'Revokes one token of a service account immediately.',
  input: z.strictObject({ name: userName, id }),
  output: done,
  target: ({ name }) => ({ kind: 'ServiceAccount', name }),
  http: { method: 'DELETE', path: '/api/v1/serviceaccounts/:name/tokens/:id', status: 200 },
});

const invited = {
  email: z.email().max(254).describe('Login name of the user.'),
  name: nameSchema.optional().describe('Login name. Default: the email address in lower case.'),
  hours: z.int().min(1).max(720).optional().describe('Hours until expiry. Default: 72.'),
};
const createdInvitation = z.strictObject({
  id,
  link: z
    .string()
    .describe('URL of the link. The secret is in the fragment (`#`), so no server or log sees it. Shown once.'),
  expiresAt: time('Expiry'),
  tokens: z.int().optional().describe('For a password reset: number of tokens of the user that remain valid.'),
});
export type CreatedInvitation = z.infer<typeof createdInvitation>;

export const createInvitationOperation = defineOperation({
  name: 'invitation.create',
  action: 'invitation:create',
  mode: 'write',
  scope: 'org',
  summary: 'Invites a user with a link for setting a password.',
  input: z.strictObject(invited),
  output: createdInvitation,
  target: () => ({ kind: 'Invitation' }),
  secretAnswer: true,
  http: { method: 'POST', path: '/api/v1/invitations', status: 201 },
});

export const inviteAdministratorOperation = defineOperation({
  name: 'invitation.createAdministrator',
  action: 'invitation:administrator',
  mode: 'write',
  scope: 'org',
  summary: 'Invites a user as administrator of the organization.',
  input: z.strictObject(invited),
  output: createdInvitation,
  target: () => ({ kind: 'Invitation' }),
  secretAnswer: true,
  http: { method: 'POST', path: '/api/v1/invitations/administrators', status: 201 },
});

export const resetPasswordOperation = defineOperation({
  name: 'password.reset',
  action: 'user:reset',
  mode: 'write',
  scope: 'org',
  summary: 'Creates a password reset link. The old password works until then.',
  input: z.strictObject({
    name: userName,
    hours: invited.hours,
    endAccess: z
      .boolean()
      .optional()
      .describe(
        'Immediately end all sessions, tokens and the old password of the user, for example after an account takeover. Default: sessions and the old password end when the new password is set, and tokens stay valid.',
      ),
  }),
  output: createdInvitation,
  target: ({ name }) => ({ kind: 'User', name }),
  secretAnswer: true,
  http: { method: 'POST', path: '/api/v1/users/:name/password-reset', status: 201 },
});

export const listInvitationsOperation = defineOperation({
  name: 'invitation.list',
  action: 'invitation:read',
  mode: 'read',
  scope: 'org',
  summary: 'Lists open invitations.',
  input: z.strictObject({}),
  output: z.strictObject({
    items: z
      .array(
        z.strictObject({
          id,
          email: z.string().describe('Login name of the user.'),
          user: z.string().optional().describe('Login name.'),
          reset: z.boolean().describe('Whether it is a password reset of an existing user.'),
          administrator: z.boolean().describe('Whether the user becomes an administrator of the organization.'),
          createdBy: actorSchema.describe('Creator.'),
          createdAt: time('Creation time'),
          expiresAt: time('Expiry'),
        }),
      )
      .describe('Active sessions, newest first.'),
  }),
  target: () => ({ kind: 'Invitation' }),
  roles: ['admin'],
  http: { method: 'GET', path: '/api/v1/invitations', status: 200 },
});

export const revokeInvitationOperation = defineOperation({
  name: 'invitation.revoke',
  action: 'invitation:revoke',
  mode: 'write',
  scope: 'org',
  summary: 'Revokes an open invitation.',
  input: z.strictObject({ id }),
  output: done,
  target: () => ({ kind: 'Invitation' }),
  http: { method: 'DELETE', path: '/api/v1/invitations/:id', status: 200 },
});

const secret = z.string().max(128).describe('Secret in the fragment (`#`) of the link.');

export const readInvitationOperation = defineOperation({
  name: 'invitation.open',
  action: 'invitation:open',
  // A read, but the secret must not be in a URL.
  mode: 'read',
  scope: 'org',
  summary: 'Returns the invitation of a link.',
  input: z.strictObject({ secret }),
  output: z.strictObject({
    email: z.string().describe('Login name of the user.'),
    name: z.string().describe('Login name.'),
    reset: z.boolean().describe('Whether it is a password reset of an existing user.'),
    expiresAt: time('Expiry'),
  }),
  target: () => ({ kind: 'Invitation' }),
  public: true,
  http: { method: 'POST', path: '/auth/invitation', status: 200 },
});

export const acceptInvitationOperation = defineOperation({
  name: 'invitation.accept',
  action: 'invitation:accept',
  mode: 'write',
  scope: 'org',
  summary: 'Accepts an invitation: sets the password, creates the user if missing, and signs in.',
  input: z.strictObject({
    secret,
    password: password.describe('At least 12 characters.'),
    displayName: z.string().max(256).optional().describe('Title in the console.'),
  }),
  output: currentSessionSchema,
  target: () => ({ kind: 'Invitation' }),
  public: true,
  http: { method: 'POST', path: '/auth/invitation/accept', status: 200 },
});

export const identityOperations: readonly Operation[] = [
  loginOperation,
  logoutOperation,
  currentSessionOperation,
  changePasswordOperation,
  listSessionsOperation,
  revokeSessionOperation,
  listUserSessionsOperation,
  revokeUserSessionOperation,
  createTokenOperation,
  listTokensOperation,
  revokeTokenOperation,
  listUserTokensOperation,
  revokeUserTokenOperation,
  createServiceTokenOperation,
  listServiceTokensOperation,
  revokeServiceTokenOperation,
  createInvitationOperation,
  inviteAdministratorOperation,
  resetPasswordOperation,
  listInvitationsOperation,
  revokeInvitationOperation,
  readInvitationOperation,
  acceptInvitationOperation,
];
