import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const tokenEnv: OptionDefinition = {
  flags: '--token-env <name>',
  description: 'environment variable with the token of the other server; also: MLFLOW_TRACKING_USERNAME and _PASSWORD',
  default: 'MLFLOW_TRACKING_TOKEN',
};

const followOptions: readonly OptionDefinition[] = [
  { flags: '--no-artifacts', description: 'skip artifacts' },
  { flags: '--dry-run', description: 'only count objects to import' },
  { flags: '--all', description: 'recheck everything, including unchanged objects' },
  { flags: '--follow', description: 'keep importing changes until Ctrl-C' },
  { flags: '--every <time>', description: 'with --follow: polling interval', default: '30s', type: 'duration' },
];

/** Import and export. */
export const transferCommands: readonly CommandDefinition[] = [
  {
    name: 'import mlflow',
    group: 'Server',
    summary: 'Import all data of an MLflow server, database or `mlruns` folder into a project',
    details:
      'Keeps names, IDs and timestamps. Imported data is not imported again: rerun the command to resume or to update. Verifies each run, and each file by its digest.',
    options: [
      {
        flags: '--from <address>',
        description: 'http(s)://SERVER, sqlite:///FILE, postgresql://USER@HOST/NAME, or an `mlruns` folder',
        required: true,
      },
      tokenEnv,
      {
        flags: '--artifacts-folder <folder>',
        description: 'for a database: folder of `mlflow-artifacts:` files',
        completes: 'folder',
      },
      ...followOptions,
    ],
    examples: [
      { command: 'import mlflow --from http://127.0.0.1:5000 --dry-run', does: 'counts objects' },
      { command: 'import mlflow --from http://127.0.0.1:5000 --follow', does: 'mirrors a server during a trial' },
      { command: 'import mlflow --from sqlite:///mlflow.db -p flights', does: 'without the server, into a project' },
      { command: 'import mlflow --from mlruns --follow', does: 'what a training logs locally while Dais is away' },
    ],
    load: async () => ({ run: (await import('#commands/import-mlflow.ts')).run }),
  },
  {
    name: 'import wandb',
    group: 'Server',
    summary: 'Import Weights & Biases runs from local folders or exported histories',
    details:
      'Reads `offline-run-*` and `run-*` folders, without an account or a network. The configuration becomes parameters, the history and system metrics become metrics, and saved files become artifacts. A project becomes an experiment. Rerun the command to resume or to update: the same run keeps its ID, and no point is stored twice.',
    options: [
      {
        flags: '--from <path>',
        description: 'folder `wandb`, one run folder, a .wandb file, or an exported .csv or .jsonl file',
        required: true,
        completes: 'file',
      },
      { flags: '--experiment <name>', description: 'default: the W&B project; for an export: the folder of the file' },
      ...followOptions,
    ],
    examples: [
      { command: 'import wandb --from wandb --dry-run', does: 'counts runs' },
      { command: 'import wandb --from wandb -p flights', does: 'all local runs, into a project' },
      { command: 'import wandb --from history.csv --experiment delays', does: 'an exported history' },
    ],
    load: async () => ({ run: (await import('#commands/import-wandb.ts')).run }),
  },
  {
    name: 'import tensorboard',
    group: 'Server',
    summary: 'Import TensorBoard event files',
    details:
      'Each folder with event files becomes a run, as in TensorBoard. Scalars become metrics, hyperparameters become parameters, and images, sounds and texts become artifacts. The event files are stored too. Rerun the command to resume or to update: the same run keeps its ID, and no point is stored twice.',
    options: [
      {
        flags: '--from <path>',
        description: 'log folder, as for `tensorboard --logdir`, or one event file',
        required: true,
        completes: 'file',
      },
      { flags: '--experiment <name>', description: 'default: name of the folder' },
      ...followOptions,
    ],
    examples: [
      { command: 'import tensorboard --from runs --dry-run', does: 'counts runs' },
      { command: 'import tensorboard --from runs --experiment delays', does: 'into an experiment' },
      { command: 'import tensorboard --from runs --follow', does: 'follows a training' },
    ],
    load: async () => ({ run: (await import('#commands/import-tensorboard.ts')).run }),
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
