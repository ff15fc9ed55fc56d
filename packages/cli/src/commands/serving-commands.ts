import type { CommandDefinition } from '#commands/definition.ts';

const ENDPOINT = { syntax: '<endpoint>', description: 'endpoint name' } as const;
const REASON = { flags: '--reason <text>', description: 'reason, stored in the record' } as const;

const verb = (name: 'promote' | 'pause' | 'resume' | 'abort', summary: string, does: string): CommandDefinition => ({
  name: `rollout ${name}`,
  group: 'Serving',
  summary,
  arguments: [ENDPOINT],
  options: [REASON],
  examples: [{ command: `rollout ${name} delays`, does }],
  load: async () => ({ run: (await import('#serving/rollout.ts')).rolloutVerb(name) }),
});

/** Deployment and serving of models. */
export const servingCommands: readonly CommandDefinition[] = [
  {
    name: 'deploy',
    group: 'Serving',
    summary: 'Deploy a model to an endpoint; creates the endpoint if missing',
    details:
      'Loads the model, tests it with its input example and shifts traffic step by step. A version that performs worse than the current one is rolled back automatically.',
    arguments: [
      {
        syntax: '<model>',
        description:
          'models:/NAME@ALIAS, models:/NAME/7, runs:/RUN/path or remote:/SERVER/MODEL; also NAME@ALIAS, NAME/7, and NAME for `champion` or the latest version',
      },
    ],
    options: [
      { flags: '--to <endpoint>', description: 'name of the endpoint', required: true },
      {
        flags: '--canary <percent>',
        description: 'canary share of traffic (%), until you promote or abort',
        type: 'integer',
      },
      { flags: '--shadow', description: 'deploy as shadow: gets copies of all requests, responses are not returned' },
      { flags: '--wait', description: 'wait until the rollout ends or needs a decision' },
    ],
    examples: [
      { command: 'deploy models:/flight-delay@champion --to delays --wait', does: 'follows the alias' },
      { command: 'deploy flight-delay/8 --to delays --canary 10', does: '10 % of traffic, until you promote' },
      { command: 'deploy flight-delay/8 --to delays --shadow', does: 'shadow, compared with the current version' },
    ],
    load: async () => ({ run: (await import('#serving/deploy.ts')).deployModel }),
  },
  {
    name: 'rollout status',
    group: 'Serving',
    summary: 'Show active versions and the latest rollout of an endpoint',
    arguments: [ENDPOINT],
    options: [{ flags: '--wait', description: 'follow until the rollout ends or needs a decision' }],
    examples: [
      { command: 'rollout status delays', does: 'variants and rollout steps' },
      { command: 'rollout status delays -o yaml', does: 'the rollout record' },
    ],
    load: async () => ({ run: (await import('#serving/rollout.ts')).rolloutStatus }),
  },
  verb('promote', 'Promote the new version to all traffic', 'the new version serves all requests'),
  verb('pause', 'Pause a rollout', 'stops automatic steps'),
  verb('resume', 'Resume a paused rollout', 'from its current step'),
  verb('abort', 'Abort a rollout: the previous version gets all traffic', 'the current version serves all requests'),
  {
    name: 'endpoint resume',
    group: 'Serving',
    summary: 'End the quarantine of models of an endpoint and reload them',
    details:
      'A model whose process ended abnormally twice is quarantined. Dais does not load it, even after a restart, until you deploy a version or resume the endpoint. `dais rollout status` shows the reason.',
    arguments: [ENDPOINT],
    options: [REASON],
    examples: [{ command: 'endpoint resume delays', does: 'after `spec.resources.memoryMb` was raised, or to retry' }],
    load: async () => ({ run: (await import('#serving/resume.ts')).resumeEndpoint }),
  },
  {
    name: 'endpoint url',
    group: 'Serving',
    summary: 'Print the URL for predictions of an endpoint',
    details:
      'The URL is that of the gateway, which serves predictions without the rest of Dais and with the least overhead.',
    arguments: [ENDPOINT],
    options: [
      {
        flags: '--protocol <name>',
        description: 'protocol of the requests',
        choices: ['open-inference', 'mlflow', 'kserve-v1'],
        default: 'open-inference',
      },
    ],
    examples: [
      { command: 'endpoint url delays', does: 'for Triton and KServe clients' },
      { command: 'endpoint url delays --protocol mlflow', does: 'for the format of MLflow scoring servers' },
    ],
    load: async () => ({ run: (await import('#serving/endpoint-url.ts')).printEndpointUrl }),
  },
  {
    name: 'endpoint load-test',
    group: 'Serving',
    summary: 'Load test an endpoint and show latency and errors',
    details:
      'With --rate, latency counts from the scheduled time of a request. Requests of a load test are not stored as predictions.',
    arguments: [ENDPOINT],
    options: [
      { flags: '-c, --connections <count>', description: 'number of concurrent requests', type: 'integer', default: 8 },
      {
        flags: '--rate <count>',
        description: 'requests per second; default: as fast as possible',
        type: 'integer',
      },
      { flags: '--duration <time>', description: 'duration: 30s, 5m', type: 'duration', default: '10s' },
      { flags: '--requests <count>', description: 'maximum number of requests', type: 'integer' },
      { flags: '--variant <name>', description: 'target variant; default: by traffic split' },
      {
        flags: '-f, --file <path>',
        description: 'JSON body for /invocations; default: the stored input example',
        completes: 'file',
      },
    ],
    examples: [
      { command: 'endpoint load-test delays', does: 'maximum rate for 10 s' },
      { command: 'endpoint load-test delays --rate 200 --duration 1m', does: '200 requests per second' },
    ],
    load: async () => ({ run: (await import('#serving/load-test.ts')).loadTest }),
  },
  {
    name: 'model test',
    group: 'Runs',
    summary: 'Run the tests of a model on one of its versions',
    details:
      'Loads the version, runs `spec.tests` of its Model and unloads it. A rollout runs the same tests before the version gets traffic.',
    arguments: [{ syntax: '<version>', description: 'NAME/VERSION or NAME@ALIAS: flights/7, flights@challenger' }],
    options: [],
    examples: [
      { command: 'model test flight-delay/7', does: 'case, expected and actual output' },
      { command: 'model test flight-delay@challenger -o json', does: 'for pipelines: exits with 1 when a test fails' },
    ],
    load: async () => ({ run: (await import('#serving/test-model.ts')).testModel }),
  },
];
