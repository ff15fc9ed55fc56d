import { z } from 'zod';
import type { Issue } from '#errors.ts';
import { baseStatus, labelNameSchema, reference, type KindSpec } from '#manifest.ts';
import { parseServedModel, servedModelReference } from '#serving/model-reference.ts';

const variantName = labelNameSchema.describe('Unique in the endpoint; answers tell it as `dais-variant`.');
/** What traffic may be told apart by: names of HTTP headers. */
const headerName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { message: 'the name of an HTTP header' });

const pin = z.strictObject({
  header: headerName.describe('Name of the header.'),
  value: z.string().min(1).max(1024).describe('Its whole value.'),
  variant: z.string().min(1).max(63).describe('The variant that such requests go to: `stable`, `canary`, or a name.'),
});

const rollout = z.strictObject({
  steps: z
    .array(z.number().gt(0).max(100))
    .min(1)
    .max(20)
    .default([10, 50, 100])
    .describe('Percent of the traffic that a new version gets, step by step; the last one is 100.'),
  bakeSeconds: z.number().min(0).max(86_400).default(60).describe('How long each step lasts at least.'),
  minimumRequests: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(50)
    .describe('Requests that the new version must have answered in a step before it is judged.'),
  errorShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('By how much its share of failed requests may be above that of the running version.'),
  latencyRatio: z
    .number()
    .gt(1)
    .max(1000)
    .default(2)
    .describe('How many times the running version’s its 99th percentile of latency may be.'),
  latencyMs: z
    .number()
    .min(0)
    .max(600_000)
    .default(10)
    .describe('A 99th percentile up to this is good, whatever the running version’s is.'),
  automatic: z
    .boolean()
    .default(true)
    .describe('Goes on to the next step, and back, by itself. False: somebody says each time.'),
  onFailure: z
    .enum(['rollback', 'pause'])
    .default('rollback')
    .describe('What becomes of a rollout whose step is judged bad.'),
  gates: z
    .strictObject({
      loadTest: z
        .strictObject({
          requests: z.int().min(1).max(1_000_000).default(1000).describe('How many, of its stored input example.'),
          connections: z.int().min(1).max(256).default(8).describe('How many of them at once.'),
          seconds: z.number().gt(0).max(120).default(30).describe('What is not answered then is not asked.'),
          maxP99Ms: z.number().gt(0).max(600_000).describe('Its 99th percentile of latency may be that long.'),
          maxErrors: z.int().min(0).max(1_000_000).default(0).describe('So many of them may fail.'),
        })
        .optional()
        .describe('It is asked many times at once.'),
    })
    .prefault({})
    .describe('What a new version has to pass before it gets any traffic, beside the tests of its Model.'),
});

const capture = z.strictObject({
  policy: z
    .enum(['off', 'sample', 'async', 'ack', 'sync'])
    .default('ack')
    .describe(
      '`off`; `sample`: a share of the requests; `async`: all, written shortly after the answer; `ack`: all, written before it; `sync`: the same, and on the disk.',
    ),
  share: z.number().gt(0).max(1).default(0.1).describe('Of the requests, with `sample`.'),
  overflow: z
    .enum(['shed', 'drop'])
    .default('drop')
    .describe('When writing is too slow: `shed` refuses the request, `drop` counts what was not written.'),
  omit: z.array(z.string().min(1).max(1024)).max(1000).default([]).describe('Inputs and outputs that are not written.'),
  mask: z
    .array(z.string().min(1).max(1024))
    .max(1000)
    .default([])
    .describe('Inputs and outputs that are written, and shown only to whoever may see them unmasked.'),
});

export const endpointSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('What it is for, in a sentence or two.'),
  owner: reference('Team').optional().describe('The Team that answers for it.'),
  environment: z.enum(['dev', 'staging', 'prod']).default('dev').describe('What it is used for; policies look at it.'),
  model: servedModelReference.describe('What answers: another version of it comes by a rollout.'),
  variants: z
    .array(
      z.strictObject({
        name: variantName,
        model: servedModelReference,
        weight: z.number().min(0).max(100).default(0).describe('Percent of the traffic. 0: by a pin only.'),
      }),
    )
    .max(20)
    .default([])
    .describe('Further models that answer a share of the requests for good, beside `model`, which gets the rest.'),
  pins: z.array(pin).max(100).default([]).describe('Requests whose variant a header decides.'),
  sticky: z
    .strictObject({
      header: headerName.optional().describe('By the value of this header,'),
      parameter: z.string().min(1).max(256).optional().describe('or of this parameter of the request.'),
    })
    .optional()
    .describe('Requests with the same value go to the same variant, and stay there while its share grows.'),
  shadow: z
    .array(
      z.strictObject({
        name: variantName,
        model: servedModelReference,
        percent: z.number().gt(0).max(100).default(100).describe('Of the requests.'),
      }),
    )
    .max(5)
    .default([])
    .describe('Models that get copies of requests; nobody waits for their answers.'),
  rollout: rollout.prefault({}).describe('How a new version of `model` takes over.'),
  resources: z
    .strictObject({
      threads: z.int().min(1).max(64).default(1).describe('Threads within one operator of the model.'),
      memoryMb: z
        .int()
        .min(64)
        .max(1_048_576)
        .optional()
        .describe(
          'Memory limit of each process of the model, in MiB. Default: 2,048 plus twice the size of the files of the model.',
        ),
      loadSeconds: z
        .int()
        .min(1)
        .max(3600)
        .default(300)
        .describe('Time limit for loading the model into a process; a process that takes longer is ended.'),
    })
    .prefault({})
    .describe('What each instance of a model may use.'),
  scaling: z
    .strictObject({
      min: z.int().min(0).max(64).default(1).describe('Instances that stay. 0: none while nobody asks.'),
      max: z
        .int()
        .min(1)
        .max(64)
        .default(1)
        .describe('Most instances: more come as work waits, and go after a minute.'),
      idleSeconds: z.int().min(10).max(604_800).default(600).describe('Without a request for so long, to `min`.'),
    })
    .prefault({})
    .describe('How many instances of each model there are.'),
  batching: z
    .strictObject({
      rows: z.int().min(1).max(4096).default(64).describe('Most rows that run together. 1: each request by itself.'),
      delayMs: z
        .int()
        .min(0)
        .max(10)
        .default(0)
        .describe('Wait for more that long. 0 joins what is there, and is best.'),
    })
    .prefault({})
    .describe('Requests that run together.'),
  queue: z
    .strictObject({
      rows: z.int().min(1).max(1_000_000).default(1024).describe('Most rows that wait.'),
      mb: z.int().min(1).max(4096).default(64).describe('Most bytes that wait.'),
    })
    .prefault({})
    .describe('What waits while all instances work; beyond that requests are refused with 503.'),
  input: z
    .strictObject({
      rows: z
        .int()
        .min(1)
        .max(10_000_000)
        .default(10_000)
        .describe('Most rows of one request. A larger one is refused with 413 before the model sees it.'),
      mb: z
        .int()
        .min(1)
        .max(4096)
        .default(256)
        .describe('Most MiB of the decoded input tensors of one request; beyond that 413.'),
    })
    .prefault({})
    .describe('Limits of what one request may send to the model.'),
  concurrency: z.int().min(1).max(100_000).optional().describe('Most requests at once; beyond that 429.'),
  timeoutSeconds: z
    .number()
    .gt(0)
    .max(3600)
    .default(60)
    .describe('Requests end with an error after this. A process of the model that works longer on one batch is ended.'),
  bodyMb: z.int().min(1).max(1024).default(64).describe('Largest request.'),
  capture: capture.prefault({}).describe('Which predictions are kept.'),
  enforce: z.boolean().default(true).describe('Inputs are held against the signature of the model.'),
});
export type EndpointSpec = z.output<typeof endpointSpec>;

/** Names that the rollout of `model` gives itself. */
const OWN_VARIANTS = new Set(['stable', 'canary']);

function checkEndpoint(spec: EndpointSpec): Issue[] {
  const issues: Issue[] = [];
  const { variants, shadow, pins, sticky, scaling } = spec;
  const seen = new Set<string>();
  const named = [
    ...variants.map(({ name, model }, at) => ({ name, model, path: `spec.variants[${at}]` })),
    ...shadow.map(({ name, model }, at) => ({ name, model, path: `spec.shadow[${at}]` })),
  ];
  for (const { name, path } of named) {
    if (OWN_VARIANTS.has(name)) {
      const expected = 'another word than `stable` and `canary`, which rollouts of `model` use';
      issues.push({ path: `${path}.name`, message: `is "${name}"`, expected });
    } else if (seen.has(name)) {
      issues.push({ path: `${path}.name`, message: `is "${name}" a second time`, expected: 'a name of its own' });
    }
    seen.add(name);
  }
  for (const { model, path } of [{ model: spec.model, path: 'spec' }, ...named]) {
    const fault = parseServedModel(model);
    if ('message' in fault) issues.push({ path: `${path}.model`, ...fault });
  }
  const weight = variants.reduce((sum, one) => sum + one.weight, 0);
  if (weight > 100) {
    issues.push({ path: 'spec.variants', message: `have ${weight} % together`, expected: '100 % at most' });
  }
  const known = [...OWN_VARIANTS, ...variants.map(({ name }) => name)];
  for (const [at, { variant }] of pins.entries()) {
    if (known.includes(variant)) continue;
    issues.push({ path: `spec.pins[${at}].variant`, message: `is "${variant}"`, expected: known.join(', ') });
  }
  if (sticky !== undefined && (sticky.header === undefined) === (sticky.parameter === undefined)) {
    issues.push({ path: 'spec.sticky', message: 'needs one of both', expected: '`header` or `parameter`' });
  }
  if (scaling.max < scaling.min) {
    issues.push({
      path: 'spec.scaling.max',
      message: `is ${scaling.max}`,
      expected: `${scaling.min} or more, like \`min\``,
    });
  }
  return [...issues, ...checkSteps(spec.rollout.steps)];
}

function checkSteps(steps: readonly number[]): Issue[] {
  const falling = steps.findIndex((step, at) => at > 0 && step <= (steps[at - 1] ?? 0));
  if (falling > 0) {
    const expected = `more than ${steps[falling - 1]}`;
    return [{ path: `spec.rollout.steps[${falling}]`, message: `is ${steps[falling]}`, expected }];
  }
  const last = steps.at(-1);
  if (last === 100) return [];
  return [
    { path: `spec.rollout.steps[${steps.length - 1}]`, message: `is ${last}`, expected: '100, as the last step' },
  ];
}

export const endpointVariantStates = ['preparing', 'loading', 'ready', 'idle', 'failed', 'quarantined'] as const;

const variantStatus = z.strictObject({
  name: z.string().describe('`stable`, `canary`, or the name of the manifest.'),
  role: z.enum(['variant', 'shadow']).describe('Whether its answers are given.'),
  model: z.string().describe('`models:/flights/7`, `runs:/…`.'),
  version: z.string().optional().describe('Number of the version.'),
  weight: z.number().describe('Percent of the traffic; of a shadow, of the copies.'),
  state: z
    .enum(endpointVariantStates)
    .describe(
      'State of its model. `quarantined`: its process ended abnormally twice; it is not loaded until someone decides.',
    ),
  engine: z.string().optional().describe('What runs it: `onnx`, `python`.'),
  instances: z.int().optional().describe('How many there are of it now; 0 while it sleeps.'),
  coldStartMs: z.int().optional().describe('How long its last load took: what the first request after a sleep waits.'),
  message: z.string().optional().describe('What it is doing, or why it does not.'),
});
export type EndpointVariant = z.infer<typeof variantStatus>;

export const endpointKind = {
  kind: 'Endpoint',
  plural: 'endpoints',
  shortNames: ['ep'],
  scope: 'project',
  description:
    'Models that answer requests at an address. A new version takes over step by step, is judged at each, and goes back by itself when it is worse.',
  name: labelNameSchema,
  spec: endpointSpec,
  status: z.strictObject({
    ...baseStatus,
    path: z.string().optional().describe('Where it answers, below the address of Dais: `/v2/models/delays`.'),
    variants: z.array(variantStatus).optional().describe('What answers now.'),
    instances: z.int().optional().describe('Of all its models together.'),
    coldStartMs: z.int().optional().describe('Of the model that answers.'),
    quarantined: z
      .array(
        z.strictObject({
          model: z.string().describe('`models:/flights/7`, `runs:/…`.'),
          reason: z.string().describe('How its process ended.'),
          at: z.string().describe('RFC 3339, UTC.'),
        }),
      )
      .optional()
      .describe(
        'Models that are not loaded because their process ended abnormally twice, until a new deploy or `dais endpoint resume`.',
      ),
    rollout: z
      .strictObject({
        id: z.string().describe('Id of the record.'),
        state: z.string().describe('`running`, `paused`.'),
        to: z.string().describe('The model that takes over.'),
        weight: z.number().describe('Percent of the traffic that it has.'),
        message: z.string().describe('What it waits for.'),
      })
      .optional()
      .describe('What takes over now; absent: nothing.'),
  }),
  check: checkEndpoint,
  actions: [],
  attributes: [
    {
      name: 'environment',
      path: 'spec.environment',
      type: 'string',
      fallback: 'dev',
      description: '`dev`, `staging`, `prod`.',
    },
    { name: 'team', path: 'spec.owner', type: 'string', fallback: '', description: 'The Team that answers for it.' },
  ],
  columns: [
    { title: 'Ready', path: 'status.conditions[Ready]' },
    { title: 'Model', path: 'spec.model' },
    { title: 'Environment', path: 'spec.environment' },
    { title: 'Rollout', path: 'status.rollout.message' },
    { title: 'Instances', path: 'status.instances', wide: true },
    { title: 'Cold start ms', path: 'status.coldStartMs', wide: true },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Endpoint
metadata:
  name: delays
spec:
  description: Minutes of delay, for the board at the gate
  environment: prod
  model: models:/flight-delay@champion
  sticky:
    header: x-airport
  rollout:
    steps: [10, 50, 100]
    bakeSeconds: 300
    minimumRequests: 500
  capture:
    policy: ack
    omit: [passenger]
`,
} as const satisfies KindSpec;
