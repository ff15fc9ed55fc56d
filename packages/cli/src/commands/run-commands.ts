import type { CommandDefinition } from '#commands/definition.ts';

/** Runs of commands. */
export const runCommands: readonly CommandDefinition[] = [
  {
    name: 'run',
    group: 'Runs',
    summary: 'Run a command on the server, with the code of this folder',
    details:
      'What git does not ignore goes along, at most 100 MiB; the output comes here, and so does the exit code. Ctrl-C cancels the run; a second one only stops watching it.',
    arguments: [
      {
        syntax: '<command...>',
        description:
          'after `--`: the program and its arguments, without a shell; or a notebook and NAME=VALUE for its parameters',
      },
    ],
    options: [
      { flags: '--name <name>', description: 'what people call it; default: the program' },
      {
        flags: '--experiment <name>',
        description: 'begin and end a run of this experiment with it, which it logs into',
      },
      { flags: '--cpu <cores>', description: 'what it may use: 2, 0.5, 500m' },
      { flags: '--memory <amount>', description: 'what it may use: 512Mi, 4Gi' },
      { flags: '--disk <amount>', description: 'disk limit, outputs included: 20Gi; default: 10Gi' },
      { flags: '--gpus <n>', description: 'how many it needs', type: 'integer' },
      { flags: '--env <key=value>', description: 'a variable of its environment', repeatable: true },
      { flags: '--env-file <file>', description: 'variables, KEY=VALUE in each line', completes: 'file' },
      {
        flags: '--secret <variable=secret/key>',
        description: 'a variable with a value of a Secret of the project',
        repeatable: true,
      },
      { flags: '--python <version>', description: 'run in a Python of this version: 3.11' },
      { flags: '--requirements <file>', description: 'packages of that Python', completes: 'file' },
      {
        flags: '--keep <name=path>',
        description: 'a file or folder that it leaves and that is kept',
        repeatable: true,
      },
      {
        flags: '--data <dataset@version>',
        description:
          'rows that it reads; `DAIS_DATA_NAME` says where they lie. NAME=DATASET@VERSION gives another name',
        repeatable: true,
      },
      { flags: '--data-format <format>', description: 'how they lie there', choices: ['parquet', 'csv'] },
      {
        flags: '--data-out <dataset=path>',
        description: 'a file or folder that it leaves and that becomes a version of a dataset',
        repeatable: true,
      },
      { flags: '--timeout <time>', description: 'end it after so long: 30m', type: 'duration' },
      { flags: '--retries <n>', description: 'how often to try again when it fails', type: 'integer' },
      { flags: '--priority <n>', description: 'higher first; default 0', type: 'integer' },
      {
        flags: '--isolation <mode>',
        description: 'whether it sees what the server sees',
        choices: ['required', 'none'],
      },
      { flags: '--no-network', description: 'the command reaches no other server, where it is isolated' },
      { flags: '--no-code', description: 'take nothing along' },
      { flags: '--no-wait', description: 'only submit it' },
    ],
    examples: [
      {
        command: 'run --requirements requirements.txt --data flights@3 -- python train.py',
        does: 'with packages, and the rows of a version of a dataset',
      },
      { command: 'run --experiment delays -- python train.py', does: 'what it logs is in one run of an experiment' },
      {
        command: 'run --requirements requirements.txt -- fit.ipynb rate=0.1',
        does: 'a notebook; the executed one is kept',
      },
      { command: 'run --memory 4Gi --keep model=out/model -- ./train.sh', does: 'keep what it leaves' },
    ],
    load: async () => ({ run: (await import('#commands/run.ts')).run }),
  },
  {
    name: 'runs',
    group: 'Runs',
    summary: 'List the runs of a project, the newest first',
    options: [
      {
        flags: '--state <state>',
        description: 'only those in this state',
        choices: ['pending', 'running', 'succeeded', 'failed', 'cancelled'],
      },
      { flags: '--name <name>', description: 'only those of this name' },
      { flags: '--limit <n>', description: 'how many', default: 20, type: 'integer' },
    ],
    examples: [
      { command: 'runs', does: 'the latest twenty' },
      { command: 'runs --state failed -p flights', does: 'what went wrong in another project' },
    ],
    load: async () => ({ run: (await import('#commands/runs.ts')).listRuns }),
  },
  {
    name: 'queue',
    group: 'Runs',
    summary: 'List the steps of a project that wait, in the order in which they start, and why',
    options: [{ flags: '--limit <n>', description: 'how many', default: 100, type: 'integer' }],
    examples: [
      { command: 'queue', does: 'what waits for a quota, a machine or a retry' },
      { command: 'queue -p flights -o json', does: 'another project, for a program' },
    ],
    load: async () => ({ run: (await import('#commands/compute.ts')).showQueue }),
  },
  {
    name: 'quota',
    group: 'Runs',
    summary: 'Show what a project uses of its compute quotas, or what every project uses',
    details:
      'Quotas are in `spec.quotas.compute` of a Project. A step counts with what it requests; one that requests nothing counts with the defaults of the server.',
    options: [
      { flags: '--all', description: 'every project, the one with the largest share first' },
      { flags: '--limit <n>', description: 'how many projects', default: 1000, type: 'integer' },
    ],
    examples: [
      { command: 'quota', does: 'used and limit of each resource' },
      { command: 'quota --all', does: 'who uses what; needs a role in the organization' },
    ],
    load: async () => ({ run: (await import('#commands/compute.ts')).showQuota }),
  },
  {
    name: 'logs',
    group: 'Runs',
    summary: 'Show what a run wrote',
    arguments: [{ syntax: '<run>', description: 'its id' }],
    options: [
      { flags: '-f, --follow', description: 'and what it writes from now on, until it ends' },
      { flags: '--step <path>', description: 'which step, where there are several' },
    ],
    examples: [{ command: 'logs -f 0198c0de-0000-7000-8000-000000000000', does: 'as it comes' }],
    load: async () => ({ run: (await import('#commands/runs.ts')).showLogs }),
  },
  {
    name: 'reproduce',
    group: 'Runs',
    summary: 'Do a run again, and say what differs',
    details:
      'With the same code, packages and inputs. Compared are the ends of steps, digests of what they left, and what they logged into their runs. Exit code 10: something differs.',
    arguments: [{ syntax: '<run>', description: 'its id' }],
    examples: [{ command: 'reproduce 0198c0de-0000-7000-8000-000000000000', does: 'and wait for its end' }],
    load: async () => ({ run: (await import('#commands/reproduce.ts')).reproduce }),
  },
  {
    name: 'cancel',
    group: 'Runs',
    summary: 'End a run',
    arguments: [{ syntax: '<run>', description: 'its id' }],
    examples: [{ command: 'cancel 0198c0de-0000-7000-8000-000000000000', does: 'nothing of it starts any more' }],
    load: async () => ({ run: (await import('#commands/runs.ts')).cancelRun }),
  },
];
