import { DaisError } from '@dais/api';
import { expect, test } from 'vitest';
import { ProcessEnded } from '#engines/inference/contract.ts';
import { JobFailed } from '#kernel/job-runner.ts';
import { jobEnd } from './job-handler.ts';

const { signal } = new AbortController();

test.each([
  ['a model that does not load', new DaisError('invalid_request', 'no'), 1, true],
  ['a process that ended by itself', new ProcessEnded('exit code 3'), 1, true],
  ['a process that was killed from outside', new ProcessEnded('signal SIGKILL', false), 1, false],
  ['a process that was killed from outside a third time', new ProcessEnded('signal SIGKILL', false), 3, true],
  ['a process that ended while it predicted', new DaisError('model_unavailable', 'ended'), 2, false],
  ['a process that ended while it predicted, a third time', new DaisError('model_unavailable', 'ended'), 3, true],
  ['an index that does not respond', new DaisError('upstream_failed', 'away'), 3, false],
  ['a fault of Dais', new Error('fault'), 3, false],
])('%s', (_, error, attempt, isPermanent) => {
  const end = jobEnd(error, attempt, signal);
  expect(end instanceof JobFailed ? 'permanent' : end).toBe(isPermanent ? 'permanent' : error);
});
