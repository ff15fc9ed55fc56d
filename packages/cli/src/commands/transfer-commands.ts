import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const tokenEnv: OptionDefinition = {
  flags: '--token-env <name>',
  description: 'environment variable with the token of the other server; also: MLFLOW_TRACKING_USERNAME and _PASSWORD',
  default: 'MLFLOW_TRACKING_TOKEN',
};

/** Moving in and out. */
export const transferCommands: readonly CommandDefinition[] = [
  {
    name: 'import mlflow',
    group: 'Server',
    summary: 'Import all data of an MLflow server into a project',
    details:
      'Keeps names, IDs and timestamps. Imported data is not imported again: rerun the command to resume or to update. Verifies each run, and each file by its digest.',
    options: [
      {
        flags: '--from <address>',
        description: 'http(s)://SERVER, sqlite:///FILE or postgresql://USER@HOST/NAME',
        required: true,
      },
      tokenEnv,
      {
        flags: '--artifacts-folder <folder>',
        description: 'for a database: folder of `mlflow-artifacts:` files',
        completes: 'folder',
      },
      { flags: '--no-artifacts', description: 'skip artifacts' },
      { flags: '--dry-run', description: 'only count objects to import' },
      { flags: '--all', description: 'recheck everything, including unchanged objects' },
      { flags: '--follow', description: 'keep importing changes until Ctrl-C' },
      { flags: '--every <time>', description: 'with --follow: polling interval', default: '30s', type: 'duration' },
    ],
    examples: [
      { command: 'import mlflow --from http://127.0.0.1:5000 --dry-run', does: 'counts objects' },
      { command: 'import mlflow --from http://127.0.0.1:5000 --follow', does: 'mirrors a server during a trial' },
      { command: 'import mlflow --from sqlite:///mlflow.db -p flights', does: 'without the server, into a project' },
    ],
    load: async () => ({ run: (await import('#commands/import-mlflow.ts')).run }),
  },
  {
    name: 'export mlflow',
    group: 'Server',
    summary: 'Export a project to a folder for `mlflow server`, or to a running MLflow server',
    details:
      'A folder keeps names, IDs and timestamps; it must contain an empty store created by the MLflow version that will serve it. A running server assigns new IDs except for traces, with the old ID in the tag `dais.id`. Rerun the command to resume or to update.',
    options: [
      {
        flags: '--to <place>',
        description: 'folder with `mlflow.db`, artifacts go to its subfolder `artifacts`; or http(s)://SERVER',
        required: true,
        completes: 'folder',
      },
      tokenEnv,
    ],
    examples: [
      { command: 'export mlflow --to ./store', does: 'the project `default`' },
      { command: 'export mlflow --to http://127.0.0.1:5000', does: 'to a running server' },
      { command: 'export mlflow --to ./store -p flights', does: 'another project' },
    ],
    load: async () => ({ run: (await import('#commands/export-mlflow.ts')).run }),
  },
  {
    name: 'gc',
    group: 'Server',
    summary: 'Permanently remove deleted objects of a project',
    details:
      'Removes deleted runs, logged models and experiments with their data. Data of registered model versions is kept. The server does the same automatically every hour, by `retention.deletedDays`.',
    options: [
      {
        flags: '--older-than <time>',
        description: 'minimum time since deletion: 36h; default: retention.deletedDays of the server',
        type: 'duration',
      },
      { flags: '--dry-run', description: 'only count objects to remove' },
    ],
    examples: [
      { command: 'gc --dry-run', does: 'counts objects' },
      { command: 'gc --older-than 24h -p flights', does: 'before the retention period ends' },
    ],
    load: async () => ({ run: (await import('#commands/gc.ts')).run }),
  },
];
