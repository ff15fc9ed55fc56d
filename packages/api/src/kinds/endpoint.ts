import { z } from 'zod';
import type { Issue } from '#errors.ts';
import { baseStatus, labelNameSchema, reference, type KindSpec } from '#manifest.ts';
import { checkModelServers, modelServers, undeclaredServer } from '#kinds/model-servers.ts';
import { rolloutAnalysisSchema } from '#records/rollout.ts';
import { parseServedModel, servedModelReference } from '#serving/model-reference.ts';

const variantName = labelNameSchema.describe('Name, unique in the endpoint. Responses contain it as `dais-variant`.');
/** Names of HTTP headers that can divide traffic into segments. */
const headerName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { message: 'the name of an HTTP header' });

const pin = z.strictObject({
  header: headerName.describe('Name of the header.'),
  value: z.string().min(1).max(1024).describe('Exact value of the header.'),
  variant: z.string().min(1).max(63).describe('Target variant: `stable`, `canary`, or a name.'),
});

const rollout = z.strictObject({
  steps: z
    .array(z.number().gt(0).max(100))
    .min(1)
    .max(20)
    .default([10, 50, 100])
    .describe('Traffic of the new version in percent, step by step; the last step is 100.'),
  bakeSeconds: z.number().min(0).max(86_400).default(60).describe('Minimum duration of each step.'),
  minimumRequests: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(50)
    .describe('Minimum requests to the new version before a step passes, and before its latency is evaluated.'),
  falseAlarmRate: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.01)
    .describe('Maximum probability that a rollout fails although the new version is not worse.'),
  errorShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.005)
    .describe('Smallest relevant increase of the error rate. A smaller increase passes.'),
  slowdown: z
    .number()
    .min(0)
    .max(100)
    .default(0.1)
    .describe('Smallest relevant increase of typical latencies, as a share. A smaller increase passes.'),
  latencyRatio: z
    .number()
    .gt(1)
    .max(1000)
    .default(2)
    .describe('Maximum p99 latency as a multiple of the current version.'),
  latencyMs: z.number().min(0).max(600_000).default(10).describe('p99 latency up to this value always passes.'),
  gatewaySeconds: z
    .number()
    .min(0)
    .max(3600)
    .default(120)
    .describe(
      'With several nodes: maximum wait for the other gateways after one has the new version ready. Nodes without it then leave readiness.',
    ),
  automatic: z.boolean().default(true).describe('Promote and roll back steps automatically. False: manually.'),
  onFailure: z.enum(['rollback', 'pause']).default('rollback').describe('Action when a step fails.'),
  gates: z
    .strictObject({
      loadTest: z
        .strictObject({
          requests: z
            .int()
            .min(1)
            .max(1_000_000)
            .default(1000)
            .describe('Number of requests, from the stored input example.'),
          connections: z.int().min(1).max(256).default(8).describe('Number of concurrent requests.'),
          seconds: z.number().gt(0).max(120).default(30).describe('Time limit of the load test.'),
          maxP99Ms: z.number().gt(0).max(600_000).describe('Maximum p99 latency.'),
          maxErrors: z.int().min(0).max(1_000_000).default(0).describe('Maximum failed requests.'),
        })
        .optional()
        .describe('Load test of the new version.'),
    })
    .prefault({})
    .describe('Checks that a new version must pass before it gets traffic, in addition to the tests of its Model.'),
});

const capture = z.strictObject({
  policy: z
    .enum(['off', 'sample', 'async', 'ack', 'sync'])
    .default('ack')
    .describe(
      '`off`; `sample`: a share of the requests; `async`: all, written shortly after the response; `ack`: all, written before the response; `sync`: like `ack`, and flushed to disk.',
    ),
  share: z.number().gt(0).max(1).default(0.1).describe('Share of requests, with `sample`.'),
  overflow: z
    .enum(['shed', 'drop'])
    .default('drop')
    .describe('When writing is too slow: `shed` rejects the request, `drop` counts lost predictions.'),
  omit: z.array(z.string().min(1).max(1024)).max(1000).default([]).describe('Inputs and outputs to omit.'),
  mask: z
    .array(z.string().min(1).max(1024))
    .max(1000)
    .default([])
    .describe('Inputs and outputs to mask for users without permission to unmask.'),
});

export const endpointSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('Description.'),
  owner: reference('Team').optional().describe('Owner team.'),
  environment: z.enum(['dev', 'staging', 'prod']).default('dev').describe('Environment; policies can use it.'),
  model: servedModelReference.describe('The serving model. A new version is deployed by a rollout.'),
  variants: z
    .array(
      z.strictObject({
        name: variantName,
        model: servedModelReference,
        weight: z.number().min(0).max(100).default(0).describe('Traffic in percent. 0: only by a pin.'),
      }),
    )
    .max(20)
    .default([])
    .describe('Additional models with a fixed share of traffic. `model` gets the rest.'),
  servers: modelServers,
  pins: z.array(pin).max(100).default([]).describe('Rules that select a variant by a request header.'),
  sticky: z
    .strictObject({
      header: headerName.optional().describe('Header with the routing key,'),
      parameter: z.string().min(1).max(256).optional().describe('or request parameter with the routing key.'),
    })
    .optional()
    .describe('Sticky routing: requests with the same key go to the same variant, also while its share grows.'),
  shadow: z
    .array(
      z.strictObject({
        name: variantName,
        model: servedModelReference,
        percent: z.number().gt(0).max(100).default(100).describe('Share of requests to copy, in percent.'),
      }),
    )
    .max(5)
    .default([])
    .describe('Shadow models that get copies of requests. Their responses are not returned.'),
  rollout: rollout.prefault({}).describe('Rollout settings for new versions of `model`.'),
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
    .describe('Resource limits of each instance.'),
  scaling: z
    .strictObject({
      min: z.int().min(0).max(64).default(1).describe('Minimum instances. 0: scale to zero.'),
      max: z
        .int()
        .min(1)
        .max(64)
        .default(1)
        .describe('Maximum instances. Instances are added when requests wait and removed after a minute.'),
      idleSeconds: z.int().min(10).max(604_800).default(600).describe('Idle time before scaling down to `min`.'),
    })
    .prefault({})
    .describe('Autoscaling of instances.'),
  batching: z
    .strictObject({
      rows: z.int().min(1).max(4096).default(64).describe('Maximum rows per batch. 1: no batching.'),
      delayMs: z
        .int()
        .min(0)
        .max(10)
        .default(0)
        .describe('Maximum wait for more requests. 0 (recommended): batch only waiting requests.'),
    })
    .prefault({})
    .describe('Request batching.'),
  queue: z
    .strictObject({
      rows: z.int().min(1).max(1_000_000).default(1024).describe('Maximum waiting rows.'),
      mb: z.int().min(1).max(4096).default(64).describe('Maximum waiting bytes.'),
    })
    .prefault({})
    .describe('Queue limits while all instances are busy. Requests beyond them get 503.'),
  input: z
    .strictObject({
      rows: z
        .int()
        .min(1)
        .max(10_000_000)
        .default(10_000)
        .describe('Maximum rows of one request. Larger requests get 413.'),
      mb: z
        .int()
        .min(1)
        .max(4096)
        .default(256)
        .describe('Maximum MiB of decoded input tensors of one request. Larger requests get 413.'),
    })
    .prefault({})
    .describe('Limits of one request.'),
  concurrency: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe('Maximum concurrent requests. Requests beyond it get 429.'),
  timeoutSeconds: z
    .number()
    .gt(0)
    .max(3600)
    .default(60)
    .describe('Request timeout. A model process that works longer on one batch is ended.'),
  bodyMb: z.int().min(1).max(1024).default(64).describe('Maximum request size.'),
  capture: capture.prefault({}).describe('Capture of predictions.'),
  enforce: z.boolean().default(true).describe('Validate inputs against the signature of the model.'),
});
export type EndpointSpec = z.output<typeof endpointSpec>;

/** Names that the rollout of `model` uses itself. */
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
      issues.push({ path: `${path}.name`, message: `is "${name}" a second time`, expected: 'a unique name' });
    }
    seen.add(name);
  }
  for (const { model, path } of [{ model: spec.model, path: 'spec' }, ...named]) {
    const problem = parseServedModel(model);
    const wrong = 'message' in problem ? problem : undeclaredServer(model, spec.servers ?? []);
    if (wrong !== undefined) issues.push({ path: `${path}.model`, ...wrong });
  }
  issues.push(...checkModelServers(spec.servers ?? []));
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
  role: z.enum(['variant', 'shadow']).describe('Whether its responses are returned.'),
  model: z.string().describe('`models:/flights/7`, `runs:/…`, `remote:/…`.'),
  version: z
    .string()
    .optional()
    .describe('Number of the version; of a remote model, the version that the manifest names.'),
  weight: z.number().describe('Percent of the traffic; of a shadow, of the copies.'),
  state: z
    .enum(endpointVariantStates)
    .describe(
      'State of its model. `quarantined`: its process ended abnormally twice; it is not loaded until someone decides.',
    ),
  engine: z.string().optional().describe('Inference engine: `onnx`, `python`, `remote`.'),
  instances: z.int().optional().describe('Current instances; 0 when idle. Absent for a model of another server.'),
  coldStartMs: z.int().optional().describe('Duration of the last load (cold start).'),
  gateways: z
    .strictObject({
      ready: z.int().describe('Gateways that have the model ready.'),
      live: z.int().describe('Gateways of all live nodes.'),
      waiting: z.array(z.string()).describe('Hosts of gateways that do not have it ready, at most 20.'),
    })
    .optional()
    .describe('Gateways that have the model ready; absent with one node.'),
  message: z.string().optional().describe('Status message.'),
});
export type EndpointVariant = z.infer<typeof variantStatus>;

export const endpointKind = {
  kind: 'Endpoint',
  plural: 'endpoints',
  shortNames: ['ep'],
  scope: 'project',
  description:
    'An HTTP endpoint that serves models. New versions are rolled out step by step with automated canary analysis and rolled back automatically if they are worse.',
  name: labelNameSchema,
  spec: endpointSpec,
  status: z.strictObject({
    ...baseStatus,
    path: z.string().optional().describe('URL path of the endpoint: `/v2/models/delays`.'),
    variants: z.array(variantStatus).optional().describe('Active variants.'),
    instances: z.int().optional().describe('Instances of all models.'),
    coldStartMs: z.int().optional().describe('Cold start of the serving model.'),
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
        'Quarantined models: their process ended abnormally twice. They load again after a new deploy or `dais endpoint resume`.',
      ),
    rollout: z
      .strictObject({
        id: z.string().describe('Id of the record.'),
        state: z.string().describe('`running`, `paused`.'),
        to: z.string().describe('New model.'),
        weight: z.number().describe('Traffic of the new model in percent.'),
        message: z.string().describe('What the rollout waits for.'),
        analysis: rolloutAnalysisSchema
          .optional()
          .describe('Comparison with the current version; absent before the first interval.'),
      })
      .optional()
      .describe('The active rollout; absent: none.'),
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
    { name: 'team', path: 'spec.owner', type: 'string', fallback: '', description: 'Owner team.' },
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
