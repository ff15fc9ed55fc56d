import type { CommandDefinition } from '#commands/definition.ts';

const RUN = '0198c0de-0000-7000-8000-000000000000';

/** Pipelines and their triggers. */
export const pipelineCommands: readonly CommandDefinition[] = [
  {
    name: 'pipeline lint',
    group: 'Runs',
    summary: 'Validate manifests offline',
    details: 'Reports every error with its line. `dais plan` also checks references on the server.',
    arguments: [{ syntax: '<files...>', description: 'files or folders; `-` for standard input' }],
    options: [{ flags: '-R, --recursive', description: 'read folders recursively' }],
    examples: [{ command: 'pipeline lint pipeline.yaml', does: 'before apply' }],
    load: async () => ({ run: (await import('#commands/pipeline-lint.ts')).lint }),
  },
  {
    name: 'pipeline run',
    group: 'Runs',
    summary: 'Run a pipeline and follow its steps',
    details:
      'Exits with 0 on success and 1 on failure. Ctrl-C cancels the pipeline run; a second Ctrl-C only stops watching.',
    arguments: [{ syntax: '<pipeline>', description: 'pipeline name' }],
    options: [
      {
        flags: '--param <name=value>',
        description: 'parameter: text or JSON',
        repeatable: true,
      },
      {
        flags: '--pipeline-version <version>',
        description: 'version number, name or ID; default: the latest',
      },
      { flags: '--title <name>', description: 'name of the pipeline run; default: the pipeline name' },
      { flags: '--priority <n>', description: 'higher first; default 0', type: 'integer' },
      { flags: '--code', description: 'upload the code of this folder, as `dais run` does' },
      { flags: '--no-wait', description: 'submit without waiting' },
    ],
    examples: [
      { command: 'pipeline run flight-delay', does: 'with default parameters' },
      { command: 'pipeline run flight-delay --param rate=0.2', does: 'with another rate' },
    ],
    load: async () => ({ run: (await import('#commands/pipeline.ts')).runPipeline }),
  },
  {
    name: 'pipeline graph',
    group: 'Runs',
    summary: 'Show the steps of a pipeline and their dependencies',
    arguments: [{ syntax: '<pipeline>', description: 'pipeline name' }],
    options: [
      {
        flags: '--pipeline-version <version>',
        description: 'version number, name or ID; default: the latest',
      },
      { flags: '--dot', description: 'print Graphviz DOT' },
    ],
    examples: [
      { command: 'pipeline graph flight-delay', does: 'as text' },
      { command: 'pipeline graph flight-delay --dot', does: 'for dot -Tsvg' },
    ],
    load: async () => ({ run: (await import('#commands/pipeline.ts')).showGraph }),
  },
  {
    name: 'pipeline cancel',
    group: 'Runs',
    summary: 'Cancel a pipeline run; same as `dais cancel`',
    arguments: [{ syntax: '<run>', description: 'pipeline run ID' }],
    examples: [{ command: `pipeline cancel ${RUN}`, does: 'starts no further steps' }],
    load: async () => ({ run: (await import('#commands/runs.ts')).cancelRun }),
  },
  {
    name: 'pipeline retry',
    group: 'Runs',
    summary: 'Rerun a finished pipeline run; unchanged successful steps are reused',
    arguments: [{ syntax: '<run>', description: 'pipeline run ID' }],
    options: [
      { flags: '--from <step>', description: 'rerun from this step even if it succeeded', repeatable: true },
      { flags: '--no-wait', description: 'submit without waiting' },
    ],
    examples: [
      { command: `pipeline retry ${RUN}`, does: 'failed steps only' },
      { command: `pipeline retry ${RUN} --from train`, does: 'from step train on' },
    ],
    load: async () => ({ run: (await import('#commands/pipeline.ts')).retryRun }),
  },
  {
    name: 'pipeline times',
    group: 'Runs',
    summary: 'Show the next and recent starts of a schedule',
    arguments: [{ syntax: '<schedule>', description: 'pipeline name' }],
    options: [{ flags: '--count <n>', description: 'number of start times', default: 5, type: 'integer' }],
    examples: [{ command: 'pipeline times nightly', does: 'next five starts' }],
    load: async () => ({ run: (await import('#commands/pipeline-times.ts')).times }),
  },
  {
    name: 'pipeline backfill',
    group: 'Runs',
    summary: 'Start pipeline runs of a schedule for past times',
    details: 'Respects the concurrency of the schedule and skips times that already have a run.',
    arguments: [{ syntax: '<schedule>', description: 'pipeline name' }],
    options: [
      { flags: '--from <time>', description: '2026-11-01 or 2026-11-01T06:00:00Z', required: true },
      { flags: '--to <time>', description: 'inclusive; default: now' },
    ],
    examples: [
      { command: 'pipeline backfill nightly --from 2026-11-01 --to 2026-11-08', does: 'one week of nightly runs' },
    ],
    load: async () => ({ run: (await import('#commands/pipeline-backfill.ts')).backfill }),
  },
];
