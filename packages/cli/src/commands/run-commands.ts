import type { CommandDefinition } from '#commands/definition.ts';

/** Executions of commands. */
export const runCommands: readonly CommandDefinition[] = [
  {
    name: 'run',
    group: 'Runs',
    summary: 'Run a command as a job on the server, with the code of this folder',
    details:
      'Uploads files that git does not ignore, at most 100 MiB. Prints the output and returns the exit code. Ctrl-C cancels the job; a second Ctrl-C only stops watching.',
    arguments: [
      {
        syntax: '<command...>',
        description:
          'after `--`: the program and its arguments, without a shell; or a notebook and NAME=VALUE parameters',
      },
    ],
    options: [
      { flags: '--name <name>', description: 'job name; default: the program' },
      {
        flags: '--experiment <name>',
        description: 'track the job as a run of this experiment',
      },
      { flags: '--cpu <cores>', description: 'CPU limit: 2, 0.5, 500m' },
      { flags: '--memory <amount>', description: 'memory limit: 512Mi, 4Gi' },
      { flags: '--disk <amount>', description: 'disk limit, outputs included: 20Gi; default: 10Gi' },
      { flags: '--gpus <n>', description: 'number of GPUs', type: 'integer' },
      {
        flags: '--target <name>',
        description:
          'compute target where it runs; default: the target of the project, else the machines of the server',
        completes: 'target',
      },
      { flags: '--pool <name>', description: 'pool of nodes of the target' },
      { flags: '--env <key=value>', description: 'environment variable', repeatable: true },
      {
        flags: '--env-file <file>',
        description: 'file with environment variables, KEY=VALUE per line',
        completes: 'file',
      },
      {
        flags: '--secret <variable=secret/key>',
        description: 'environment variable from a Secret of the project',
        repeatable: true,
      },
      { flags: '--python <version>', description: 'Python version: 3.11' },
      { flags: '--requirements <file>', description: 'requirements file for Python packages', completes: 'file' },
      {
        flags: '--keep <name=path>',
        description: 'output file or folder to keep',
        repeatable: true,
      },
      {
        flags: '--data <dataset@version>',
        description: 'input dataset version; `DAIS_DATA_NAME` contains its path. NAME=DATASET@VERSION sets the name',
        repeatable: true,
      },
      { flags: '--data-format <format>', description: 'file format of input datasets', choices: ['parquet', 'csv'] },
      {
        flags: '--data-out <dataset=path>',
        description: 'output file or folder to store as a dataset version',
        repeatable: true,
      },
      { flags: '--timeout <time>', description: 'timeout: 30m', type: 'duration' },
      { flags: '--retries <n>', description: 'number of retries on failure', type: 'integer' },
      { flags: '--priority <n>', description: 'priority, higher first; default: 0', type: 'integer' },
      {
        flags: '--isolation <mode>',
        description: 'isolation mode',
        choices: ['required', 'none'],
      },
      { flags: '--no-network', description: 'block network access of an isolated command' },
      { flags: '--no-code', description: 'upload no code' },
      { flags: '--no-wait', description: 'submit without waiting' },
    ],
    examples: [
      {
        command: 'run --requirements requirements.txt --data flights@3 -- python train.py',
        does: 'with packages and a dataset version',
      },
      { command: 'run --experiment delays -- python train.py', does: 'tracked as one run of an experiment' },
      {
        command: 'run --requirements requirements.txt -- fit.ipynb rate=0.1',
        does: 'runs a notebook and keeps the executed copy',
      },
      {
        command: 'run --target gpu --gpus 1 --keep model=out/model -- ./train.sh',
        does: 'on a cluster; keeps an output',
      },
    ],
    load: async () => ({ run: (await import('#commands/run.ts')).run }),
  },
  {
    name: 'runs',
    group: 'Runs',
    summary: 'List jobs and pipeline runs of a project, newest first',
    options: [
      {
        flags: '--state <state>',
        description: 'only in this state',
        choices: ['pending', 'running', 'succeeded', 'failed', 'canceled'],
      },
      { flags: '--name <name>', description: 'only with this name' },
      { flags: '--limit <n>', description: 'maximum number of entries', default: 20, type: 'integer' },
    ],
    examples: [
      { command: 'runs', does: 'latest 20' },
      { command: 'runs --state failed -p flights', does: 'failed jobs of another project' },
    ],
    load: async () => ({ run: (await import('#commands/runs.ts')).listRuns }),
  },
  {
    name: 'queue',
    group: 'Runs',
    summary: 'List queued steps of a project in start order, with reasons',
    options: [{ flags: '--limit <n>', description: 'maximum number of entries', default: 100, type: 'integer' }],
    examples: [
      { command: 'queue', does: 'steps that wait for quota, capacity, a retry or a node of a target' },
      { command: 'queue -p flights -o json', does: 'another project, as JSON' },
    ],
    load: async () => ({ run: (await import('#commands/compute.ts')).showQueue }),
  },
  {
    name: 'quota',
    group: 'Runs',
    summary: 'Show compute quota usage of a project or of all projects',
    details:
      'Quotas are defined in `spec.quotas.compute` of a Project. A step counts with its requests, or with the defaults of the server.',
    options: [
      { flags: '--all', description: 'all projects, largest share first' },
      { flags: '--limit <n>', description: 'maximum number of projects', default: 1000, type: 'integer' },
    ],
    examples: [
      { command: 'quota', does: 'usage and limit of each resource' },
      { command: 'quota --all', does: 'usage by project; needs a role in the organization' },
    ],
    load: async () => ({ run: (await import('#commands/compute.ts')).showQuota }),
  },
  {
    name: 'usage',
    group: 'Runs',
    summary: 'Show the usage of steps, models, storage and queries over time',
    details:
      'Sums usage records of a project, largest first. Columns without a value are omitted. Prices are not part of the records.',
    options: [
      {
        flags: '--by <group>',
        description: 'what usage is grouped by',
        choices: ['project', 'team', 'person', 'resource', 'node', 'type'],
        default: 'resource',
      },
      { flags: '--since <age>', description: 'the last 24h, 7d, 90d', default: '30d', type: 'duration' },
      { flags: '--organization', description: 'all projects; needs a role in the organization' },
      { flags: '--mine', description: 'your own usage in all projects' },
      {
        flags: '--type <type>',
        description: 'only usage of this type',
        choices: ['step', 'replica', 'storage', 'query'],
      },
      { flags: '--person <name>', description: 'only usage of this user, or of service:NAME' },
      { flags: '--resource <resource>', description: 'only usage of this resource: Pipeline/train' },
      { flags: '--records', description: 'list records instead of sums, latest end first' },
      {
        flags: '--export <file>',
        description: 'write all records to this file, .csv or .parquet',
        completes: 'file',
      },
      { flags: '--limit <n>', description: 'maximum number of rows', default: 100, type: 'integer' },
    ],
    examples: [
      { command: 'usage --by person --since 7d', does: 'who used how much of a project' },
      { command: 'usage --organization --by project -o json', does: 'all projects, as JSON' },
      { command: 'usage --organization --since 90d --export usage.parquet', does: 'records for further analysis' },
    ],
    load: async () => ({ run: (await import('#commands/usage.ts')).showUsage }),
  },
  {
    name: 'logs',
    group: 'Runs',
    summary: 'Show the log of a job',
    arguments: [{ syntax: '<run>', description: 'job ID' }],
    options: [
      { flags: '-f, --follow', description: 'follow the log until the job ends' },
      { flags: '--step <path>', description: 'step path, if the job has several steps' },
    ],
    examples: [{ command: 'logs -f 0198c0de-0000-7000-8000-000000000000', does: 'follows the log' }],
    load: async () => ({ run: (await import('#commands/runs.ts')).showLogs }),
  },
  {
    name: 'reproduce',
    group: 'Runs',
    summary: 'Rerun a job and compare the results',
    details:
      'Uses the same code, packages and inputs. Compares step results, output digests and logged values. Exit code 10: the results differ.',
    arguments: [{ syntax: '<run>', description: 'job ID' }],
    examples: [{ command: 'reproduce 0198c0de-0000-7000-8000-000000000000', does: 'and waits until it ends' }],
    load: async () => ({ run: (await import('#commands/reproduce.ts')).reproduce }),
  },
  {
    name: 'cancel',
    group: 'Runs',
    summary: 'Cancel a job',
    arguments: [{ syntax: '<run>', description: 'job ID' }],
    examples: [{ command: 'cancel 0198c0de-0000-7000-8000-000000000000', does: 'starts no further steps' }],
    load: async () => ({ run: (await import('#commands/runs.ts')).cancelRun }),
  },
];
