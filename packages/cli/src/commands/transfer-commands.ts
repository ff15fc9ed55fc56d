import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const tokenEnv: OptionDefinition = {
  flags: '--token-env <name>',
  description: 'variable that holds the token of the other server; also: MLFLOW_TRACKING_USERNAME and _PASSWORD',
  default: 'MLFLOW_TRACKING_TOKEN',
};

/** Moving in and out. */
export const transferCommands: readonly CommandDefinition[] = [
  {
    name: 'import mlflow',
    group: 'Server',
    summary: 'Bring everything that an MLflow server holds into a project',
    details:
      'Names, ids and times stay. What was imported is not imported again, so that a second run changes nothing and one that was stopped goes on. Each run is compared, each file by its digest.',
    options: [
      {
        flags: '--from <address>',
        description: 'http(s)://SERVER, sqlite:///FILE or postgresql://USER@HOST/NAME',
        required: true,
      },
      tokenEnv,
      {
        flags: '--artifacts-folder <folder>',
        description: 'for a database: where the server keeps the files of `mlflow-artifacts:` addresses',
        completes: 'folder',
      },
      { flags: '--no-artifacts', description: 'leave files out' },
      { flags: '--dry-run', description: 'only count what would come' },
      { flags: '--all', description: 'look at everything again, also what did not change' },
      { flags: '--follow', description: 'stay, and bring what changes, until Ctrl-C' },
      { flags: '--every <time>', description: 'with --follow: how often to look', default: '30s', type: 'duration' },
    ],
    examples: [
      { command: 'import mlflow --from http://127.0.0.1:5000 --dry-run', does: 'how much would come' },
      { command: 'import mlflow --from http://127.0.0.1:5000 --follow', does: 'a mirror while a team tries Dais' },
      { command: 'import mlflow --from sqlite:///mlflow.db -p flights', does: 'without the server, into a project' },
    ],
    load: async () => ({ run: (await import('#commands/import-mlflow.ts')).run }),
  },
  {
    name: 'export mlflow',
    group: 'Server',
    summary: 'Write a project into a folder that a stock `mlflow server` opens, or into a running server',
    details:
      'In a folder, names, ids and times stay; an empty store must lie there, made by the MLflow that will serve it. A running server gives new ids to all but traces, and keeps the old ones in the tag `dais.id`. Running it again brings what is new or changed; one that was stopped goes on.',
    options: [
      {
        flags: '--to <place>',
        description: 'folder where `mlflow.db` lies, files go into `artifacts` beside it; or http(s)://SERVER',
        required: true,
        completes: 'folder',
      },
      tokenEnv,
    ],
    examples: [
      { command: 'export mlflow --to ./store', does: 'all of the project `default`' },
      { command: 'export mlflow --to http://127.0.0.1:5000', does: 'into a server that runs' },
      { command: 'export mlflow --to ./store -p flights', does: 'of another project' },
    ],
    load: async () => ({ run: (await import('#commands/export-mlflow.ts')).run }),
  },
  {
    name: 'gc',
    group: 'Server',
    summary: 'Remove for good what was deleted long ago in a project',
    details:
      'Runs, logged models and experiments with all they hold. What versions of registered models are made of stays. The server does the same by itself every hour, by `retention.deletedDays`.',
    options: [
      {
        flags: '--older-than <time>',
        description: 'deleted at least so long ago: 36h; default: retention.deletedDays of the server',
        type: 'duration',
      },
      { flags: '--dry-run', description: 'only count what would go' },
    ],
    examples: [
      { command: 'gc --dry-run', does: 'how much would go' },
      { command: 'gc --older-than 24h -p flights', does: 'before its time' },
    ],
    load: async () => ({ run: (await import('#commands/gc.ts')).run }),
  },
];
