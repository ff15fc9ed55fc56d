import type { ArgumentDefinition, CommandDefinition } from '#commands/definition.ts';

const server: ArgumentDefinition = {
  syntax: '[url]',
  description: 'address of the server; default: as for every command',
};

export const loginCommands: readonly CommandDefinition[] = [
  {
    name: 'login',
    group: 'Accounts',
    summary: 'Sign in to a server with a browser',
    details:
      'Shows a code. Whoever has signed in to the console with a browser, on any machine, compares it and lets this command line in. The token is kept for that server in dais/credentials.json of your configuration folder and ends by itself; $DAIS_TOKEN wins over it.',
    arguments: [server],
    options: [
      { flags: '--token-stdin', description: 'keep a token that is read from standard input instead' },
      { flags: '--no-browser', description: 'do not try to open a browser' },
    ],
    examples: [
      { command: 'login https://dais.example.com', does: 'then let it in with a browser' },
      { command: 'login https://dais.example.com --token-stdin < token', does: 'with a token that you have' },
    ],
    load: () => import('#commands/login.ts').then(({ login }) => ({ run: login })),
  },
  {
    name: 'logout',
    group: 'Accounts',
    summary: 'Forget the sign-in to a server, and end its token there',
    arguments: [server],
    examples: [{ command: 'logout https://dais.example.com', does: 'nobody can use that token any more' }],
    load: () => import('#commands/login.ts').then(({ logout }) => ({ run: logout })),
  },
];
