import { expect, test } from 'vitest';
import { jobResourceName } from './job-names.ts';

const RUN = '01977a3c-8f2e-7c31-9d4b-0f3c9a1b2d4e';

test.each([
  ['pipeline-with-placeholders', 'pipeline-with-placeholders-0f3c9a1b2d4e'],
  ['Train & test', 'train-test-0f3c9a1b2d4e'],
  ['-.x.-', 'x-0f3c9a1b2d4e'],
  ['日本', 'pipeline-0f3c9a1b2d4e'],
  ['a'.repeat(100), `${'a'.repeat(50)}-0f3c9a1b2d4e`],
])('the job of the pipeline %s is %s', (pipeline, expected) => {
  expect(jobResourceName(pipeline, RUN)).toBe(expected);
  expect(expected.length).toBeLessThanOrEqual(63);
});
