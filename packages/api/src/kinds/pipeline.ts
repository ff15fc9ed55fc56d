import { z } from 'zod';
import { baseStatus, nameSchema, reference, type KindSpec } from '#manifest.ts';
import { parameterTypes } from '#pipelines/parameters.ts';
import {
  argumentText,
  stepDataFormat,
  stepEnvironment,
  stepOutputs,
  stepRetry,
  stepTimeout,
  stepTracking,
  stepWord,
  variableName,
} from '#records/step-fields.ts';

const anyValue = z.unknown();

/** A source of a value: exactly one of its forms. */
const source = {
  value: anyValue.optional().describe('As it is.'),
  parameter: stepWord.optional().describe('A parameter of the pipeline.'),
  step: stepWord.optional().describe('Another step, which then comes before.'),
  output: stepWord.optional().describe('One of the outputs of `step`; of one with `forEach`, the list of them.'),
};

/** What only an input of a step can be. */
const input = z.strictObject({
  ...source,
  parameter: source.parameter.describe(
    'A parameter of the pipeline; beside `dataset`, the one that says which version.',
  ),
  dataset: reference('Dataset').optional().describe('A version of this Dataset, settled when a run begins.'),
  version: z
    .string()
    .regex(/^[A-Za-z0-9._:+-]{1,150}$/, { message: 'a number, a tag, a day or `latest`' })
    .optional()
    .describe('Of `dataset`: a number, a tag, a day or `latest`. Default: `latest`.'),
  format: stepDataFormat.optional(),
});

const pipelineStep = z.strictObject({
  command: z.array(argumentText).min(1).max(4096).optional().describe('A program and its arguments; no shell.'),
  run: argumentText
    .min(1)
    .optional()
    .describe('Instead of `command`: lines for `sh`, which ends at the first that fails.'),
  python: argumentText.min(1).optional().describe('Instead of `command`: a Python program.'),
  pipeline: reference('Pipeline')
    .optional()
    .describe('Instead of `command`: all of another pipeline, given its parameters by `inputs`.'),
  needs: z.array(stepWord).max(1000).optional().describe('Steps that come before, beside those of its inputs.'),
  always: z.boolean().optional().describe('It runs however those before it ended, but not in a cancelled run.'),
  when: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe(
      'It runs only if this is true: `inputs.loss < 0.3 && parameters.deploy`. Otherwise it is skipped, and so is what needs it.',
    ),
  forEach: z
    .strictObject({
      items: z.array(anyValue).max(10_000).optional().describe('The items as they are.'),
      parameter: source.parameter,
      step: source.step,
      output: source.output,
      as: stepWord.default('item').describe('The input that holds the item.'),
      parallel: z.int().min(1).max(10_000).optional().describe('How many at once; default: all that find a place.'),
    })
    .optional()
    .describe('It runs once for each item of a list. Its outputs are then lists.'),
  inputs: z
    .record(stepWord, input)
    .optional()
    .describe(
      'What it is given: parameters in the variable `DAIS_INPUT_NAME`, files in `inputs/NAME` of its working folder; `DAIS_DATA_NAME` says where a dataset lies.',
    ),
  outputs: stepOutputs.optional().describe('What is kept of what it leaves.'),
  variables: z.record(variableName, argumentText).optional().describe('Its environment.'),
  secrets: z
    .record(
      variableName,
      z.strictObject({
        secret: reference('Secret').describe('Name of the Secret.'),
        key: z.string().min(1).max(128).describe('Which of its values.'),
      }),
    )
    .optional()
    .describe('Variables whose values Secrets of the project have.'),
  environment: stepEnvironment.optional().describe('What it runs in. Default: that of the pipeline.'),
  resources: z
    .record(z.string().max(128), z.number().positive())
    .optional()
    .describe('`cpu` in cores, `memory` and `disk` in bytes, devices by their names.'),
  timeoutSeconds: stepTimeout.optional().describe('Then it is ended.'),
  retry: stepRetry.optional().describe('Default: it is not tried again, unless the platform lost an attempt.'),
  cache: z
    .boolean()
    .optional()
    .describe('It succeeds without running when the same command had the same inputs before in this project.'),
  isolation: z
    .enum(['required', 'none'])
    .optional()
    .describe('`none`: it sees all that the server sees, which `execution:unisolated` must permit.'),
  network: z
    .boolean()
    .optional()
    .describe('It reaches other servers through the outbound guard, which `execution:network` must permit.'),
  tracking: stepTracking.optional(),
});
export type PipelineStep = z.output<typeof pipelineStep>;

export const pipelineSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('What it is for, in a sentence or two.'),
  parameters: z
    .record(
      stepWord,
      z.strictObject({
        type: z.enum(parameterTypes).default('string').describe('What its values are.'),
        default: anyValue.optional().describe('Counts when a run gives none. Without it, every run must give one.'),
        choices: z.array(anyValue).min(1).max(1000).optional().describe('Its only values.'),
        description: z.string().max(1024).optional().describe('What it does.'),
      }),
    )
    .optional()
    .describe('What differs from run to run.'),
  environment: stepEnvironment.optional().describe('What steps run in that say nothing else. Default: the machine.'),
  steps: z
    .record(stepWord, pipelineStep)
    .optional()
    .describe('What is done, by name. Without it, the versions of the pipeline come from elsewhere.'),
  outputs: z
    .record(
      stepWord,
      z.strictObject({
        step: stepWord.describe('A step.'),
        output: stepWord.describe('One of its outputs.'),
      }),
    )
    .optional()
    .describe('What a pipeline that runs this one as a step gets of it.'),
});
/** As it counts: with every default. */
export type PipelineSpec = z.output<typeof pipelineSpec>;

export const pipelineKind = {
  kind: 'Pipeline',
  plural: 'pipelines',
  scope: 'project',
  description:
    'Steps that belong together: what is run, in which order, with which parameters. Each change of it is a new version; runs keep the version that they began with.',
  name: nameSchema,
  spec: pipelineSpec,
  status: z.strictObject({ ...baseStatus }),
  actions: [],
  columns: [{ title: 'Description', path: 'spec.description' }],
  example: `apiVersion: dais.dev/v1
kind: Pipeline
metadata:
  name: flight-delay
spec:
  description: Trains the model of delays, and keeps it when it is good enough
  parameters:
    rate:
      type: number
      default: 0.1
      description: Learning rate
  steps:
    prepare:
      run: |
        seq 1 100 > rows
      outputs:
        rows:
          path: rows
    train:
      run: |
        echo "rate $DAIS_INPUT_RATE" > model
        awk '{ sum += $1 } END { print 1 / sum }' "$DAIS_INPUT_ROWS" > loss
      inputs:
        rows:
          step: prepare
          output: rows
        rate:
          parameter: rate
      outputs:
        model:
          path: model
        loss:
          path: loss
          as: json
      retry:
        count: 2
    keep:
      run: cp "$DAIS_INPUT_MODEL" kept
      when: steps.train.outputs.loss < 0.5
      inputs:
        model:
          step: train
          output: model
      outputs:
        kept:
          path: kept
`,
} as const satisfies KindSpec;
