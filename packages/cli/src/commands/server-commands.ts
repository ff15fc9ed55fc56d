import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';
import { shellNames } from '#shell/shell-lines.ts';

const data: OptionDefinition = {
  flags: '--data <folder>',
  description: 'data folder; default: $DAIS_DATA, /var/lib/dais for root, else ~/.dais',
  completes: 'folder',
};
const config: OptionDefinition = {
  flags: '--config <file>',
  description: 'DaisConfig manifest; default: $DAIS_CONFIG',
  completes: 'file',
};

export const serverCommands: readonly CommandDefinition[] = [
  {
    name: 'up',
    group: 'Server',
    summary: 'Start Dais on this machine',
    details:
      'Runs until stopped with Ctrl-C or SIGTERM. Every field of the configuration has a variable too: `dais config explain`.',
    options: [
      data,
      { flags: '--ephemeral', description: 'use a temporary data folder that is removed at the end' },
      { flags: '--host <address>', description: 'address to listen on; default: 127.0.0.1' },
      { flags: '--port <n>', description: 'default: 7070, or the next free one', type: 'integer' },
      {
        flags: '--role <role>',
        description: 'role of this process tree',
        choices: ['all', 'api', 'controller', 'gateway', 'worker'],
      },
      config,
      { flags: '--database-url <url>', description: 'external PostgreSQL server' },
      { flags: '--postgres-bin <folder>', description: 'PostgreSQL binaries to use', completes: 'folder' },
      { flags: '--public-url <url>', description: 'public URL of the server' },
      { flags: '--allow-host <name>', description: 'additional allowed host name', repeatable: true },
      { flags: '--tls-cert <file>', description: 'TLS certificate (enables HTTPS)', completes: 'file' },
      { flags: '--tls-key <file>', description: 'TLS private key', completes: 'file' },
      { flags: '--accounts', description: 'require sign-in; needed to listen on non-local addresses' },
      {
        flags: '--insecure-http',
        description: 'listen on non-local addresses without TLS (passwords are sent unencrypted)',
      },
      { flags: '--log-format <format>', description: 'log format', choices: ['json', 'text'] },
    ],
    examples: [
      { command: 'up', does: 'with its own database in the data folder' },
      { command: 'up --ephemeral --port 0', does: 'for a trial; nothing is kept' },
      { command: 'up --config dais.yaml', does: 'with a configuration file' },
      { command: 'up --database-url postgres://dais@db/dais', does: 'with your own database' },
    ],
    load: () => import('#commands/up.ts'),
  },
  {
    name: 'doctor',
    group: 'Server',
    summary: 'Diagnose common problems',
    options: [
      data,
      config,
      { flags: '--network', description: 'also test connections to every host that Dais and its tools use' },
      {
        flags: '--client',
        description: 'check the Python of training code instead: clients, variables, connection',
      },
      {
        flags: '--python <path>',
        description: 'Python program or virtual environment; implies --client',
        completes: 'file',
      },
      {
        flags: '--target <name>',
        description: 'test a compute target of the server instead, also with a pod',
        completes: 'target',
      },
    ],
    examples: [
      { command: 'doctor', does: 'versions, disk, ports, data folder, database, server, clock' },
      { command: 'doctor --client --python .venv', does: 'why training code does not reach the server' },
      { command: 'doctor --target gpu', does: 'why steps do not run on a cluster' },
      { command: 'doctor -o json', does: 'for scripts; exit code 1 means that a check failed' },
    ],
    load: () => import('#commands/doctor.ts'),
  },
  {
    name: 'support-bundle',
    group: 'Server',
    summary: 'Write a support archive without secrets',
    details:
      'Contains versions, configuration, health, metrics, recent log lines, resource names and states, migrations and sizes. Secrets are redacted before anything is written. The command lists the contents first.',
    options: [
      data,
      config,
      { flags: '--to <file>', description: 'default: dais-support-TIME.tar.gz here', completes: 'file' },
      {
        flags: '--logs <file>',
        description: 'log file to include (last 2 MiB); default: the journal of dais.service, if present',
        repeatable: true,
        completes: 'file',
      },
      { flags: '--dry-run', description: 'only list the contents' },
    ],
    examples: [
      { command: 'support-bundle --dry-run', does: 'list the contents' },
      { command: 'support-bundle --logs dais.log', does: 'one file to send to support' },
    ],
    load: () => import('#commands/support-bundle.ts'),
  },
  {
    name: 'env',
    group: 'Server',
    summary: 'Print shell commands that configure clients for Dais',
    details:
      'Sets MLFLOW_TRACKING_URI, a token if the server requires one, and NO_PROXY if a proxy is configured; unsets conflicting variables. The token is hidden on a terminal.',
    options: [
      { flags: '--shell <shell>', description: 'shell; default: the calling shell', choices: shellNames },
      { flags: '--unset', description: 'print commands that undo the setup' },
      { flags: '--show-token', description: 'show the token on a terminal' },
    ],
    examples: [
      { command: 'env', does: 'in a shell: eval "$(dais env)"' },
      { command: 'env --project flights', does: 'experiments, runs and models of one project' },
      { command: 'env --shell fish', does: 'in fish: dais env --shell fish | source' },
      { command: 'env -o json', does: 'for programs' },
    ],
    load: () => import('#commands/env.ts'),
  },
  {
    name: 'open',
    group: 'Server',
    summary: 'Open the console in a browser',
    examples: [
      { command: 'open', does: 'prints the address too' },
      { command: 'open --url https://dais.example.com', does: 'another server' },
    ],
    load: () => import('#commands/open.ts'),
  },
  {
    name: 'config view',
    group: 'Server',
    summary: 'Show the configuration that `dais up` would use here; secrets are not shown',
    options: [data, config],
    examples: [
      { command: 'config view', does: 'merged file, variables and defaults' },
      { command: 'config view --config dais.yaml', does: 'checks the file' },
    ],
    load: () => import('#commands/config-view.ts'),
  },
  {
    name: 'config explain',
    group: 'Server',
    summary: 'Describe the fields of the configuration and their variables',
    arguments: [{ syntax: '[field]', description: 'as in database.url or DAIS_DATABASE_URL', completes: 'config' }],
    examples: [
      { command: 'config explain', does: 'every field' },
      { command: 'config explain keys', does: 'one section' },
    ],
    load: () => import('#commands/config-explain.ts'),
  },
  {
    name: 'completion',
    group: 'Around',
    summary: 'Print a shell completion script',
    arguments: [{ syntax: '<shell>', description: 'shell', choices: ['bash', 'zsh', 'fish'], completes: 'shell' }],
    examples: [
      { command: 'completion bash > ~/.local/share/bash-completion/completions/dais', does: 'bash' },
      { command: 'completion zsh > "${fpath[1]}/_dais"', does: 'zsh' },
      { command: 'completion fish > ~/.config/fish/completions/dais.fish', does: 'fish' },
    ],
    load: () => import('#commands/completion.ts'),
  },
  {
    name: 'version',
    group: 'Around',
    summary: 'Show the versions of the CLI and the server',
    examples: [
      { command: 'version', does: 'both' },
      { command: 'version -o json', does: 'for a script' },
    ],
    load: () => import('#commands/version.ts'),
  },
];
