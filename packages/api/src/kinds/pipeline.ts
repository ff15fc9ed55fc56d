import { z } from 'zod';
import { baseStatus, nameSchema, reference, type KindSpec } from '#manifest.ts';
import { parameterTypes } from '#pipelines/parameters.ts';
import {
  argumentText,
  stepDataFormat,
  stepEnvironment,
  stepOutputs,
  stepRetry,
  stepPool,
  stepTarget,
  stepTimeout,
  stepTracking,
  stepWord,
  variableName,
} from '#records/step-fields.ts';

const anyValue = z.unknown();

/** A source of a value: exactly one of its variants. */
const source = {
  value: anyValue.optional().describe('A literal value.'),
  parameter: stepWord.optional().describe('A parameter of the pipeline.'),
  step: stepWord.optional().describe('Another step, which becomes a dependency.'),
  output: stepWord.optional().describe('An output of `step`; for a step with `forEach`, the list of outputs.'),
};

/** Sources that are valid only for an input of a step. */
const input = z.strictObject({
  ...source,
  parameter: source.parameter.describe('A parameter of the pipeline; with `dataset`, the parameter with its version.'),
  dataset: reference('Dataset')
    .optional()
    .describe('A version of this Dataset, resolved at the start of the pipeline run.'),
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
    .describe('Instead of `command`: a script for `sh`, which stops at the first error.'),
  python: argumentText.min(1).optional().describe('Instead of `command`: a Python program.'),
  pipeline: reference('Pipeline')
    .optional()
    .describe('Instead of `command`: another pipeline, with its parameters from `inputs`.'),
  needs: z.array(stepWord).max(1000).optional().describe('Dependencies, in addition to those of its inputs.'),
  always: z
    .boolean()
    .optional()
    .describe('Runs the step regardless of the result of its dependencies, except in a canceled pipeline run.'),
  when: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe(
      'Condition: `inputs.loss < 0.3 && parameters.deploy`. If false, the step and its dependents are skipped.',
    ),
  forEach: z
    .strictObject({
      items: z.array(anyValue).max(10_000).optional().describe('Literal items.'),
      parameter: source.parameter,
      step: source.step,
      output: source.output,
      as: stepWord.default('item').describe('Input that receives the item.'),
      parallel: z.int().min(1).max(10_000).optional().describe('Maximum concurrent iterations. Default: unlimited.'),
    })
    .optional()
    .describe('Runs the step once per item of a list. Its outputs become lists.'),
  inputs: z
    .record(stepWord, input)
    .optional()
    .describe(
      'Inputs: parameters in the variable `DAIS_INPUT_NAME`, files in `inputs/NAME` of the working folder, the path of a dataset in `DAIS_DATA_NAME`.',
    ),
  outputs: stepOutputs.optional().describe('Outputs to keep.'),
  variables: z.record(variableName, argumentText).optional().describe('Environment variables.'),
  secrets: z
    .record(
      variableName,
      z.strictObject({
        secret: reference('Secret').describe('Name of the Secret.'),
        key: z.string().min(1).max(128).describe('Key in the Secret.'),
      }),
    )
    .optional()
    .describe('Environment variables from Secrets of the project.'),
  environment: stepEnvironment.optional().describe('Execution environment. Default: that of the pipeline.'),
  resources: z
    .record(z.string().max(128), z.number().positive())
    .optional()
    .describe('Resource requests: `cpu` in cores, `memory` and `disk` in bytes, devices by name.'),
  target: stepTarget.optional(),
  pool: stepPool.optional(),
  timeoutSeconds: stepTimeout.optional().describe('Timeout.'),
  retry: stepRetry.optional().describe('Number of retries. Default: none, unless the platform lost an attempt.'),
  cache: z
    .boolean()
    .optional()
    .describe('Cache: reuse the outputs of an identical command with identical inputs in this project.'),
  isolation: z
    .enum(['required', 'none'])
    .optional()
    .describe('Isolation. `none`: the step has the access of the server; requires `execution:unisolated`.'),
  network: z.boolean().optional().describe('Network access through the outbound guard; requires `execution:network`.'),
  tracking: stepTracking.optional(),
});
export type PipelineStep = z.output<typeof pipelineStep>;

export const pipelineSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('Description.'),
  parameters: z
    .record(
      stepWord,
      z.strictObject({
        type: z.enum(parameterTypes).default('string').describe('Data type.'),
        default: anyValue.optional().describe('Default value. Without it, each pipeline run must set a value.'),
        choices: z.array(anyValue).min(1).max(1000).optional().describe('Allowed values.'),
        description: z.string().max(1024).optional().describe('Description of the parameter.'),
      }),
    )
    .optional()
    .describe('Parameters of the pipeline.'),
  environment: stepEnvironment.optional().describe('Default execution environment of steps. Default: the machine.'),
  steps: z
    .record(stepWord, pipelineStep)
    .optional()
    .describe('Steps by name. Without steps, versions of the pipeline are uploaded.'),
  outputs: z
    .record(
      stepWord,
      z.strictObject({
        step: stepWord.describe('A step.'),
        output: stepWord.describe('Output of the step.'),
      }),
    )
    .optional()
    .describe('Outputs for a parent pipeline.'),
});
/** The effective value, with every default. */
export type PipelineSpec = z.output<typeof pipelineSpec>;

export const pipelineKind = {
  kind: 'Pipeline',
  plural: 'pipelines',
  scope: 'project',
  description:
    'A directed graph of steps with parameters. Each change creates a new version; pipeline runs keep their version.',
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
  description: Trains the delay model and keeps it if it meets the target
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
