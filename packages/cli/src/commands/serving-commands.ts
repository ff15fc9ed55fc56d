import type { CommandDefinition } from '#commands/definition.ts';

const ENDPOINT = { syntax: '<endpoint>', description: 'its name' } as const;
const REASON = { flags: '--reason <text>', description: 'why; stands in the record' } as const;

const verb = (name: 'promote' | 'pause' | 'resume' | 'abort', summary: string, does: string): CommandDefinition => ({
  name: `rollout ${name}`,
  group: 'Serving',
  summary,
  arguments: [ENDPOINT],
  options: [REASON],
  examples: [{ command: `rollout ${name} delays`, does }],
  load: async () => ({ run: (await import('#serving/rollout.ts')).rolloutVerb(name) }),
});

/** Models in front of traffic. */
export const servingCommands: readonly CommandDefinition[] = [
  {
    name: 'deploy',
    group: 'Serving',
    summary: 'Put a model on an endpoint, which is made if there is none',
    details:
      'The model is loaded, tried with its stored input example, and given more of the traffic step by step; one that does worse than what runs is taken back by itself.',
    arguments: [
      {
        syntax: '<model>',
        description:
          'models:/NAME@ALIAS, models:/NAME/7 or runs:/RUN/path; also NAME@ALIAS, NAME/7, and NAME for `champion` or the newest version',
      },
    ],
    options: [
      { flags: '--to <endpoint>', description: 'name of the endpoint', required: true },
      {
        flags: '--canary <percent>',
        description: 'that share of the traffic, until you promote or abort it',
        type: 'integer',
      },
      { flags: '--shadow', description: 'copies of all requests instead; nobody sees its answers' },
      { flags: '--wait', description: 'until it answers, or has come as far as it does by itself' },
    ],
    examples: [
      { command: 'deploy models:/flight-delay@champion --to delays --wait', does: 'follows the alias from now on' },
      { command: 'deploy flight-delay/8 --to delays --canary 10', does: 'one request of ten, until you say more' },
      { command: 'deploy flight-delay/8 --to delays --shadow', does: 'answers nobody, and is compared' },
    ],
    load: async () => ({ run: (await import('#serving/deploy.ts')).deployModel }),
  },
  {
    name: 'rollout status',
    group: 'Serving',
    summary: 'Show what answers at an endpoint, and how its last rollout went',
    arguments: [ENDPOINT],
    options: [{ flags: '--wait', description: 'follow it until it has come as far as it does by itself' }],
    examples: [
      { command: 'rollout status delays', does: 'variants, steps and what was found in each' },
      { command: 'rollout status delays -o yaml', does: 'the record' },
    ],
    load: async () => ({ run: (await import('#serving/rollout.ts')).rolloutStatus }),
  },
  verb('promote', 'Give the new version all of the traffic', 'it answers everybody from now on'),
  verb('pause', 'Keep a rollout where it is', 'nothing more happens by itself'),
  verb('resume', 'Let a paused rollout go on', 'from the step where it stood'),
  verb('abort', 'End a rollout: the version before gets all of the traffic', 'the running version answers everybody'),
  {
    name: 'endpoint resume',
    group: 'Serving',
    summary: 'End the quarantine of the models of an endpoint and load them again',
    details:
      'A model whose process ended abnormally twice is quarantined: it is not loaded, also after a restart, until you deploy a version or resume the endpoint. `dais rollout status` shows the reason.',
    arguments: [ENDPOINT],
    options: [REASON],
    examples: [{ command: 'endpoint resume delays', does: 'after `spec.resources.memoryMb` was raised, or to retry' }],
    load: async () => ({ run: (await import('#serving/resume.ts')).resumeEndpoint }),
  },
  {
    name: 'endpoint load-test',
    group: 'Serving',
    summary: 'Ask an endpoint many times at once, and show how it answers',
    details:
      'With --rate, latency counts from when a request was due. What it asks is no prediction: nothing of it is kept.',
    arguments: [ENDPOINT],
    options: [
      { flags: '-c, --connections <count>', description: 'requests at once', type: 'integer', default: 8 },
      {
        flags: '--rate <count>',
        description: 'requests each second; default: as many as are answered',
        type: 'integer',
      },
      { flags: '--duration <time>', description: 'how long: 30s, 5m', type: 'duration', default: '10s' },
      { flags: '--requests <count>', description: 'ends after so many, if that is sooner', type: 'integer' },
      { flags: '--variant <name>', description: 'asks this variant; default: as traffic is shared' },
      {
        flags: '-f, --file <path>',
        description: 'a body of /invocations in JSON; default: the stored input example',
        completes: 'file',
      },
    ],
    examples: [
      { command: 'endpoint load-test delays', does: 'as fast as it answers, for ten seconds' },
      { command: 'endpoint load-test delays --rate 200 --duration 1m', does: '200 requests a second' },
    ],
    load: async () => ({ run: (await import('#serving/load-test.ts')).loadTest }),
  },
  {
    name: 'model test',
    group: 'Runs',
    summary: 'Run the tests of a Model with one of its versions',
    details:
      'The version is loaded beside what is served, asked what `spec.tests` of its Model says, and unloaded. A rollout does the same before the version gets any traffic.',
    arguments: [{ syntax: '<version>', description: 'NAME/VERSION or NAME@ALIAS: flights/7, flights@challenger' }],
    options: [],
    examples: [
      { command: 'model test flight-delay/7', does: 'case, expected and got of each' },
      { command: 'model test flight-delay@challenger -o json', does: 'for a pipeline: ends with 1 when one fails' },
    ],
    load: async () => ({ run: (await import('#serving/test-model.ts')).testModel }),
  },
];
