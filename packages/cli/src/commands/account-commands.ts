import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const user: OptionDefinition = { flags: '--user <name>', description: 'of another user (administrators only)' };
const service: OptionDefinition = {
  flags: '--service-account <name>',
  description: 'of a service account',
};

export const accountCommands: readonly CommandDefinition[] = [
  {
    name: 'whoami',
    group: 'Accounts',
    summary: 'Show the authenticated user',
    examples: [
      { command: 'whoami', does: 'name, authentication method and token limits' },
      { command: 'whoami -o json', does: 'for scripts' },
    ],
    load: () => import('#commands/whoami.ts'),
  },
  {
    name: 'token create',
    group: 'Accounts',
    summary: 'Create an API token and print it once',
    details:
      'Prints only the token to standard output. Pass it to programs as $DAIS_TOKEN, as `Authorization: Bearer`, or as the password of HTTP Basic.',
    arguments: [{ syntax: '<title>', description: 'title, shown in lists' }],
    options: [
      {
        flags: '--scope <action>',
        description: 'limit to actions: `secret:read`, `secret:*`, `*:read`',
        repeatable: true,
      },
      { flags: '--only-project <name>', description: 'limit to one project', completes: 'project' },
      { flags: '--days <n>', description: 'days until it expires; default: server configuration', type: 'integer' },
      service,
    ],
    examples: [
      { command: 'token create laptop', does: 'with all your permissions' },
      { command: 'token create backup --scope "*:read" --days 30', does: 'read only' },
      { command: 'token create deploy --service-account ci', does: 'for a service account' },
    ],
    load: async () => ({ run: (await import('#commands/tokens.ts')).createToken }),
  },
  {
    name: 'token list',
    group: 'Accounts',
    summary: 'List tokens by title and last characters',
    options: [user, service],
    examples: [
      { command: 'token list', does: 'your own' },
      { command: 'token list --service-account ci', does: 'for a service account' },
    ],
    load: async () => ({ run: (await import('#commands/tokens.ts')).listTokens }),
  },
  {
    name: 'token revoke',
    group: 'Accounts',
    summary: 'Revoke a token immediately',
    arguments: [{ syntax: '<id>', description: 'ID from `dais token list`' }],
    options: [user, service],
    examples: [{ command: 'token revoke 01990000-0000-7000-8000-000000000000', does: 'the token stops working' }],
    load: async () => ({ run: (await import('#commands/tokens.ts')).revokeToken }),
  },
  {
    name: 'session list',
    group: 'Accounts',
    summary: 'List browser sessions',
    options: [user],
    examples: [
      { command: 'session list', does: 'your own' },
      { command: 'session list --user ada@example.com', does: 'of another user' },
    ],
    load: async () => ({ run: (await import('#commands/sessions.ts')).listSessions }),
  },
  {
    name: 'session revoke',
    group: 'Accounts',
    summary: 'End a browser session',
    arguments: [{ syntax: '<id>', description: 'ID from `dais session list`' }],
    options: [user],
    examples: [{ command: 'session revoke 01990000-0000-7000-8000-000000000000', does: 'immediately' }],
    load: async () => ({ run: (await import('#commands/sessions.ts')).revokeSession }),
  },
  {
    name: 'user invite',
    group: 'Accounts',
    summary: 'Create an invitation link for a new user',
    details: 'Anyone who opens the link can set the password. Send it over a private channel.',
    arguments: [{ syntax: '<email>', description: 'email address of the user' }],
    options: [
      { flags: '--admin', description: 'make the user an administrator of the organization' },
      { flags: '--name <name>', description: 'login name; default: the email address' },
      { flags: '--hours <n>', description: 'hours until it expires; default: 72', type: 'integer' },
    ],
    examples: [
      { command: 'user invite ada@example.com --admin', does: 'the first administrator, on the server machine' },
      { command: 'user invite grace@example.com', does: 'a user without roles' },
    ],
    load: async () => ({ run: (await import('#commands/users.ts')).inviteUser }),
  },
  {
    name: 'user list',
    group: 'Accounts',
    summary: 'List users and open invitations',
    examples: [
      { command: 'user list', does: 'users and invitations' },
      { command: 'user list -o json', does: 'for scripts' },
    ],
    load: async () => ({ run: (await import('#commands/users.ts')).listUsers }),
  },
  {
    name: 'user reset-password',
    group: 'Accounts',
    summary: 'Create a password reset link',
    arguments: [{ syntax: '<name>', description: 'login name' }],
    options: [
      { flags: '--hours <n>', description: 'hours until it expires; default: 72', type: 'integer' },
      { flags: '--end-access', description: 'end all sessions and tokens of the user immediately' },
    ],
    examples: [
      { command: 'user reset-password ada@example.com', does: 'the old password works until the link is used' },
      { command: 'user reset-password ada@example.com --end-access', does: 'after a suspected account takeover' },
    ],
    load: async () => ({ run: (await import('#commands/users.ts')).resetPassword }),
  },
];
