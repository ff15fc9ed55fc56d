import { z } from 'zod';

/** Results of a model's tests with one of its versions. */

export const modelTestResultSchema = z.strictObject({
  name: z.string().describe('Name of the test.'),
  check: z.enum(['value', 'invariance', 'direction']).describe('Type of the test.'),
  passed: z.boolean().describe('Whether the version passes the test.'),
  case: z.string().describe('Inputs of the model that determined the result.'),
  expected: z.string().describe('Expected output.'),
  got: z.string().describe('Actual output or error of the model.'),
});
export type ModelTestResult = z.infer<typeof modelTestResultSchema>;

export const modelTestRunSchema = z.strictObject({
  model: z.string().describe('`models:/flights/7`.'),
  state: z
    .enum(['preparing', 'running', 'succeeded', 'failed'])
    .describe('`preparing`: files and environment are being fetched; `failed`: the model could not be loaded.'),
  message: z.string().describe('Current activity, or the reason why the model could not be loaded.'),
  tests: z.int().describe('Total number.'),
  failed: z.int().describe('Number of failed tests.'),
  results: z.array(modelTestResultSchema).describe('Results of completed tests, in the order of the manifest.'),
});
export type ModelTestRun = z.infer<typeof modelTestRunSchema>;
