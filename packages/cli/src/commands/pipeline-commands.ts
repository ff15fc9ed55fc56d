import type { CommandDefinition } from '#commands/definition.ts';

const RUN = '0198c0de-0000-7000-8000-000000000000';

/** Pipelines and what starts them. */
export const pipelineCommands: readonly CommandDefinition[] = [
  {
    name: 'pipeline lint',
    group: 'Runs',
    summary: 'Check the manifests of files; needs no server',
    details: 'Tells every fault with its line. What only a server knows (does it exist?) is told by `dais plan`.',
    arguments: [{ syntax: '<files...>', description: 'files or folders; `-` for standard input' }],
    options: [{ flags: '-R, --recursive', description: 'folders with all that lies below them' }],
    examples: [{ command: 'pipeline lint pipeline.yaml', does: 'before it is applied' }],
    load: async () => ({ run: (await import('#commands/pipeline-lint.ts')).lint }),
  },
  {
    name: 'pipeline run',
    group: 'Runs',
    summary: 'Run a pipeline, and tell what becomes of its steps',
    details:
      'Exits with 0 when it succeeded, with 1 when it failed. Ctrl-C cancels the run; a second one only stops watching it.',
    arguments: [{ syntax: '<pipeline>', description: 'its name' }],
    options: [
      {
        flags: '--param <name=value>',
        description: 'a parameter: text, or JSON where it is no text',
        repeatable: true,
      },
      {
        flags: '--pipeline-version <version>',
        description: 'which version: its number, name or id; default: the newest',
      },
      { flags: '--title <name>', description: 'what people call the run; default: the name of the pipeline' },
      { flags: '--priority <n>', description: 'higher first; default 0', type: 'integer' },
      { flags: '--code', description: 'take the code of this folder along, as `dais run` does' },
      { flags: '--no-wait', description: 'only submit it' },
    ],
    examples: [
      { command: 'pipeline run flight-delay', does: 'with its defaults' },
      { command: 'pipeline run flight-delay --param rate=0.2', does: 'with another rate' },
    ],
    load: async () => ({ run: (await import('#commands/pipeline.ts')).runPipeline }),
  },
  {
    name: 'pipeline graph',
    group: 'Runs',
    summary: 'Show the steps of a pipeline and who waits for whom',
    arguments: [{ syntax: '<pipeline>', description: 'its name' }],
    options: [
      {
        flags: '--pipeline-version <version>',
        description: 'which version: its number, name or id; default: the newest',
      },
      { flags: '--dot', description: 'in the language of Graphviz' },
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
    summary: 'Cancel a run of a pipeline; the same as `dais cancel`',
    arguments: [{ syntax: '<run>', description: 'its id' }],
    examples: [{ command: `pipeline cancel ${RUN}`, does: 'nothing of it starts any more' }],
    load: async () => ({ run: (await import('#commands/runs.ts')).cancelRun }),
  },
  {
    name: 'pipeline retry',
    group: 'Runs',
    summary: 'Do a run that has ended again; what succeeded and would be the same is taken over',
    arguments: [{ syntax: '<run>', description: 'its id' }],
    options: [
      { flags: '--from <step>', description: 'a step that runs again although it succeeded', repeatable: true },
      { flags: '--no-wait', description: 'only submit it' },
    ],
    examples: [
      { command: `pipeline retry ${RUN}`, does: 'what failed' },
      { command: `pipeline retry ${RUN} --from train`, does: 'and training anew' },
    ],
    load: async () => ({ run: (await import('#commands/pipeline.ts')).retryRun }),
  },
  {
    name: 'pipeline times',
    group: 'Runs',
    summary: 'Tell when a schedule starts runs next, and what it started last',
    arguments: [{ syntax: '<schedule>', description: 'its name' }],
    options: [{ flags: '--count <n>', description: 'how many times', default: 5, type: 'integer' }],
    examples: [{ command: 'pipeline times nightly', does: 'the next five nights' }],
    load: async () => ({ run: (await import('#commands/pipeline-times.ts')).times }),
  },
  {
    name: 'pipeline backfill',
    group: 'Runs',
    summary: 'Start the runs of a schedule for its times in the past',
    details: 'One after another, as many at once as the schedule says. Times that had a run are left out.',
    arguments: [{ syntax: '<schedule>', description: 'its name' }],
    options: [
      { flags: '--from <time>', description: '2026-11-01 or 2026-11-01T06:00:00Z', required: true },
      { flags: '--to <time>', description: 'itself included; default: now' },
    ],
    examples: [{ command: 'pipeline backfill nightly --from 2026-11-01 --to 2026-11-08', does: 'a week of nights' }],
    load: async () => ({ run: (await import('#commands/pipeline-backfill.ts')).backfill }),
  },
];
