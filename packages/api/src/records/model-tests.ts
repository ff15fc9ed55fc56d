import { z } from 'zod';

/** What came of the tests of a model with one version of it. */

export const modelTestResultSchema = z.strictObject({
  name: z.string().describe('Of the test.'),
  check: z.enum(['value', 'invariance', 'direction']).describe('What kind of test it is.'),
  passed: z.boolean().describe('The version does what the test says.'),
  case: z.string().describe('What the model was asked, as far as it decided.'),
  expected: z.string().describe('What was expected.'),
  got: z.string().describe('What the model answered, or how it refused.'),
});
export type ModelTestResult = z.infer<typeof modelTestResultSchema>;

export const modelTestRunSchema = z.strictObject({
  model: z.string().describe('`models:/flights/7`.'),
  state: z
    .enum(['preparing', 'running', 'done', 'failed'])
    .describe('`preparing`: its files and what it runs in are brought; `failed`: it could not be loaded.'),
  message: z.string().describe('What it is at, or why it could not be loaded.'),
  tests: z.int().describe('Total number.'),
  failed: z.int().describe('How many of those that were run did not pass.'),
  results: z.array(modelTestResultSchema).describe('Of those that were run, in the order of the manifest.'),
});
export type ModelTestRun = z.infer<typeof modelTestRunSchema>;
