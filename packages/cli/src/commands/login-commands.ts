import type { ArgumentDefinition, CommandDefinition } from '#commands/definition.ts';

const server: ArgumentDefinition = {
  syntax: '[url]',
  description: 'URL of the server; default: as for every command',
};

export const loginCommands: readonly CommandDefinition[] = [
  {
    name: 'login',
    group: 'Accounts',
    summary: 'Sign in to a server with a browser',
    details:
      'Shows a code. Open the console in any browser, compare the code and authorize this command line. The token is stored in dais/credentials.json of your configuration folder and expires automatically. $DAIS_TOKEN takes precedence.',
    arguments: [server],
    options: [
      { flags: '--token-stdin', description: 'store a token from standard input instead' },
      { flags: '--no-browser', description: 'do not open a browser' },
    ],
    examples: [
      { command: 'login https://dais.example.com', does: 'authorize in the browser' },
      { command: 'login https://dais.example.com --token-stdin < token', does: 'with an existing token' },
    ],
    load: () => import('#commands/login.ts').then(({ login }) => ({ run: login })),
  },
  {
    name: 'logout',
    group: 'Accounts',
    summary: 'Sign out of a server and revoke its token',
    arguments: [server],
    examples: [{ command: 'logout https://dais.example.com', does: 'revokes the token' }],
    load: () => import('#commands/login.ts').then(({ logout }) => ({ run: logout })),
  },
];
