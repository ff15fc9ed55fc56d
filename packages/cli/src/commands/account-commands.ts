import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const user: OptionDefinition = { flags: '--user <name>', description: 'of another person; for administrators' };
const service: OptionDefinition = {
  flags: '--service-account <name>',
  description: 'of a service account; for whoever may change it',
};

export const accountCommands: readonly CommandDefinition[] = [
  {
    name: 'whoami',
    group: 'Accounts',
    summary: 'Show who the server takes you for',
    examples: [
      { command: 'whoami', does: 'name, how you proved it, limits of the token' },
      { command: 'whoami -o json', does: 'for a script' },
    ],
    load: () => import('#commands/whoami.ts'),
  },
  {
    name: 'token create',
    group: 'Accounts',
    summary: 'Make a token and print it, this once',
    details:
      'Only the token goes to the standard output. Give it to programs as $DAIS_TOKEN, as `Authorization: Bearer`, or as the password of HTTP Basic.',
    arguments: [{ syntax: '<title>', description: 'what it is for; shown in lists' }],
    options: [
      { flags: '--scope <action>', description: 'limit it: `secret:read`, `secret:*`, `*:read`', repeatable: true },
      { flags: '--only-project <name>', description: 'limit it to one project', completes: 'project' },
      { flags: '--days <n>', description: 'days until it ends; default: as the server is configured', type: 'integer' },
      service,
    ],
    examples: [
      { command: 'token create laptop', does: 'may whatever you may' },
      { command: 'token create backup --scope "*:read" --days 30', does: 'reads only' },
      { command: 'token create deploy --service-account ci', does: 'of a program' },
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
      { command: 'token list --service-account ci', does: 'of a program' },
    ],
    load: async () => ({ run: (await import('#commands/tokens.ts')).listTokens }),
  },
  {
    name: 'token revoke',
    group: 'Accounts',
    summary: 'End a token, at once and everywhere',
    arguments: [{ syntax: '<id>', description: 'as `dais token list` shows it' }],
    options: [user, service],
    examples: [{ command: 'token revoke 01990000-0000-7000-8000-000000000000', does: 'whoever has it is nobody' }],
    load: async () => ({ run: (await import('#commands/tokens.ts')).revokeToken }),
  },
  {
    name: 'session list',
    group: 'Accounts',
    summary: 'List where you are signed in with a browser',
    options: [user],
    examples: [
      { command: 'session list', does: 'your own' },
      { command: 'session list --user ada@example.com', does: 'of somebody else' },
    ],
    load: async () => ({ run: (await import('#commands/sessions.ts')).listSessions }),
  },
  {
    name: 'session revoke',
    group: 'Accounts',
    summary: 'Sign a browser out',
    arguments: [{ syntax: '<id>', description: 'as `dais session list` shows it' }],
    options: [user],
    examples: [{ command: 'session revoke 01990000-0000-7000-8000-000000000000', does: 'at once' }],
    load: async () => ({ run: (await import('#commands/sessions.ts')).revokeSession }),
  },
  {
    name: 'user invite',
    group: 'Accounts',
    summary: 'Make a link by which a person gets an account',
    details: 'Whoever opens the link chooses a password. Send it in a way that only that person reads.',
    arguments: [{ syntax: '<email>', description: 'whom it is for' }],
    options: [
      { flags: '--admin', description: 'they then administer the organisation' },
      { flags: '--name <name>', description: 'login name; default: the e-mail address' },
      { flags: '--hours <n>', description: 'hours until it ends; default: 72', type: 'integer' },
    ],
    examples: [
      { command: 'user invite ada@example.com --admin', does: 'the first administrator, on the machine of the server' },
      { command: 'user invite grace@example.com', does: 'a person without rights yet' },
    ],
    load: async () => ({ run: (await import('#commands/users.ts')).inviteUser }),
  },
  {
    name: 'user list',
    group: 'Accounts',
    summary: 'List people and open invitations',
    examples: [
      { command: 'user list', does: 'who is here, who is invited' },
      { command: 'user list -o json', does: 'for a script' },
    ],
    load: async () => ({ run: (await import('#commands/users.ts')).listUsers }),
  },
  {
    name: 'user reset-password',
    group: 'Accounts',
    summary: 'Make a link by which a person chooses a new password',
    arguments: [{ syntax: '<name>', description: 'login name' }],
    options: [
      { flags: '--hours <n>', description: 'hours until it ends; default: 72', type: 'integer' },
      { flags: '--end-access', description: 'end their sessions and tokens at once' },
    ],
    examples: [
      { command: 'user reset-password ada@example.com', does: 'the old password holds until then' },
      { command: 'user reset-password ada@example.com --end-access', does: 'somebody else may be signed in as them' },
    ],
    load: async () => ({ run: (await import('#commands/users.ts')).resetPassword }),
  },
];
