import { z } from 'zod';
import { probeResult } from '#kinds/target.ts';
import { labelNameSchema } from '#manifest.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';

/** Tests of compute targets. */

export const probeTargetOperation = defineOperation({
  name: 'target.probe',
  action: 'target:update',
  mode: 'write',
  scope: 'org',
  summary: 'Tests a compute target, also with a pod, records the result in its status, and returns it.',
  input: z.strictObject({
    name: labelNameSchema.describe('Name of the target.'),
    pods: z.boolean().default(true).describe('Whether to start a test pod. Default: true.'),
  }),
  output: probeResult.extend({ ready: z.boolean().describe('Whether steps can run there.') }),
  target: ({ name }) => ({ kind: 'Target', name }),
  http: { method: 'POST', path: '/api/v1/targets/:name/probe', status: 200 },
});

export const targetOperations: readonly Operation[] = [probeTargetOperation];
