/** Fields of a step, in a manifest or a submitted run. */
import { z } from 'zod';
import { labelNameSchema, reference } from '#manifest.ts';

/** Names of steps, inputs and outputs. */
export const stepWord = z.string().regex(/^[A-Za-z0-9_]([A-Za-z0-9._-]{0,126}[A-Za-z0-9_])?$/, {
  message: 'letters, digits and `._-`, at most 128',
});

export const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, { message: 'letters, digits and `_`' });

/** One argument of Linux has at most 128 KiB. */
export const argumentText = z.string().max(131_071);

export const stepPath = z
  .string()
  .min(1)
  .max(512)
  .describe('Path relative to the working folder, separated by `/`, without `..`.');

export const stepOutputs = z.record(
  stepWord,
  z.strictObject({
    path: stepPath,
    as: z.enum(['files', 'text', 'json']).default('files').describe('Type: a file or folder, or a parameter.'),
    optional: z.boolean().default(false).describe('Whether a missing output is allowed.'),
    always: z.boolean().default(false).describe('Files that are kept even if the step fails.'),
    dataset: reference('Dataset')
      .optional()
      .describe('Stores the files as a version of this Dataset, which is created if missing.'),
  }),
);

/** How a step gets the rows of a version. */
export const stepDataFormat = z
  .enum(['parquet', 'csv'])
  .describe('Format: the Parquet files of the version, or all rows as `rows.csv`. Default: `parquet`.');

export const stepEnvironment = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('system').describe('Programs of the machine.') }),
  z.strictObject({
    type: z.literal('python').describe('Python with packages, built once and shared.'),
    version: z
      .string()
      .regex(/^\d+\.\d+(\.\d+)?$/)
      .optional()
      .describe('`3.11`; default: the newest.'),
    requirements: z
      .array(z.string().max(2048))
      .max(5000)
      .default([])
      .describe('Requirements, one per line as in a requirements file.'),
  }),
  z.strictObject({
    type: z
      .literal('image')
      .describe('Root file system of a container image instead of that of the machine. The server needs podman.'),
    image: z
      .string()
      .min(1)
      .max(512)
      .describe('Image name, as for `podman pull`. `localhost/…` is an image of the server.'),
  }),
]);

export const stepRetry = z.strictObject({
  count: z.int().min(0).max(100).describe('Number of retries after the first attempt.'),
  delaySeconds: z.number().min(0).max(86_400).default(0).describe('Delay before the second attempt.'),
  factor: z.number().min(1).max(10).default(2).describe('Backoff factor.'),
  maxDelaySeconds: z.number().min(0).max(86_400).default(3600).describe('Maximum delay.'),
});

export const stepTracking = z
  .strictObject({
    experiment: z.string().min(1).max(500).describe('Name of the experiment; created if missing.'),
    run: z.string().min(1).max(250).optional().describe('Name of the run; default: name of the step.'),
  })
  .describe('Tracks the step as a run of this experiment. Default: the step starts its own runs.');

export const stepTarget = labelNameSchema.describe(
  'Target where the step runs. Default: `target` of the project, else `local`, the machines of the server.',
);
export const stepPool = labelNameSchema.describe('Pool of nodes of the target.');

export const stepTimeout = z.int().min(1).max(31_536_000);
