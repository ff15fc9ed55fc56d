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
      { flags: '--ephemeral', description: 'a data folder of its own that is removed at the end' },
      { flags: '--host <address>', description: 'address to listen on; default: 127.0.0.1' },
      { flags: '--port <n>', description: 'default: 7070, or the next free one', type: 'integer' },
      { flags: '--role <role>', description: 'what this process tree does', choices: ['all', 'api', 'controller'] },
      config,
      { flags: '--database-url <url>', description: 'a PostgreSQL server run by somebody else' },
      { flags: '--postgres-bin <folder>', description: 'PostgreSQL binaries to use', completes: 'folder' },
      { flags: '--public-url <url>', description: 'address under which people reach it' },
      { flags: '--allow-host <name>', description: 'a further name to answer to', repeatable: true },
      { flags: '--tls-cert <file>', description: 'certificate: speak HTTPS', completes: 'file' },
      { flags: '--tls-key <file>', description: 'its private key', completes: 'file' },
      { flags: '--accounts', description: 'people and programs say who they are; needed to listen for others' },
      { flags: '--insecure-http', description: 'listen for others without TLS: passwords cross the network in clear' },
      { flags: '--log-format <format>', description: 'form of log lines', choices: ['json', 'text'] },
    ],
    examples: [
      { command: 'up', does: 'with its own database in the data folder' },
      { command: 'up --ephemeral --port 0', does: 'to try something; nothing stays' },
      { command: 'up --config dais.yaml', does: 'as a file says' },
      { command: 'up --database-url postgres://dais@db/dais', does: 'on a database of your own' },
    ],
    load: () => import('#commands/up.ts'),
  },
  {
    name: 'doctor',
    group: 'Server',
    summary: 'Look for common trouble and say what to do about it',
    options: [
      data,
      config,
      { flags: '--network', description: 'also call every host that Dais and its tools use, with timing' },
      {
        flags: '--client',
        description: 'look at the Python that trains instead: clients, variables, way to the server',
      },
      { flags: '--python <path>', description: 'which one, or its environment; implies --client', completes: 'file' },
    ],
    examples: [
      { command: 'doctor', does: 'versions, disk, ports, data folder, database, server, clock' },
      { command: 'doctor --client --python .venv', does: 'why training does not reach the server' },
      { command: 'doctor -o json', does: 'for a script; exit code 1 means that something is wrong' },
    ],
    load: () => import('#commands/doctor.ts'),
  },
  {
    name: 'support-bundle',
    group: 'Server',
    summary: 'Write one archive with what somebody needs who helps; it holds no secret',
    details:
      'Versions, configuration, health, figures, the last lines of the log, resources by name and state without what they hold, migrations and sizes. What is secret is replaced before anything is written; the command says what it will write first.',
    options: [
      data,
      config,
      { flags: '--to <file>', description: 'default: dais-support-TIME.tar.gz here', completes: 'file' },
      {
        flags: '--logs <file>',
        description: 'a log to take the last 2 MiB of; default: the journal of dais.service, where there is one',
        repeatable: true,
        completes: 'file',
      },
      { flags: '--dry-run', description: 'only say what it would hold' },
    ],
    examples: [
      { command: 'support-bundle --dry-run', does: 'what it would hold' },
      { command: 'support-bundle --logs dais.log', does: 'one file to send to whoever helps' },
    ],
    load: () => import('#commands/support-bundle.ts'),
  },
  {
    name: 'env',
    group: 'Server',
    summary: 'Print what makes the clients of this shell use Dais',
    details:
      'Lines that set MLFLOW_TRACKING_URI, a token where the server asks for one, NO_PROXY where a proxy would be asked for this machine, and that unset variables which would win over them. A terminal is not shown the token.',
    options: [
      { flags: '--shell <shell>', description: 'for which one; default: the shell that calls', choices: shellNames },
      { flags: '--unset', description: 'lines that take it back' },
      { flags: '--show-token', description: 'show the token on a terminal too' },
    ],
    examples: [
      { command: 'env', does: 'in a shell: eval "$(dais env)"' },
      { command: 'env --project flights', does: 'experiments, runs and models of one project' },
      { command: 'env --shell fish', does: 'in fish: dais env --shell fish | source' },
      { command: 'env -o json', does: 'for a program' },
    ],
    load: () => import('#commands/env.ts'),
  },
  {
    name: 'open',
    group: 'Server',
    summary: 'Open the console in a browser',
    examples: [
      { command: 'open', does: 'prints the address too' },
      { command: 'open --url https://dais.example.com', does: 'of another server' },
    ],
    load: () => import('#commands/open.ts'),
  },
  {
    name: 'config view',
    group: 'Server',
    summary: 'Show the configuration that `dais up` would use here; secrets are not shown',
    options: [data, config],
    examples: [
      { command: 'config view', does: 'file, variables and defaults together' },
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
      { command: 'config explain keys', does: 'one part' },
    ],
    load: () => import('#commands/config-explain.ts'),
  },
  {
    name: 'completion',
    group: 'Around',
    summary: 'Print a script that completes commands, kinds and names in a shell',
    arguments: [{ syntax: '<shell>', description: 'which one', choices: ['bash', 'zsh', 'fish'], completes: 'shell' }],
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
    summary: 'Show the versions of this command and of the server',
    examples: [
      { command: 'version', does: 'both' },
      { command: 'version -o json', does: 'for a script' },
    ],
    load: () => import('#commands/version.ts'),
  },
];
