import { expect, test } from 'vitest';
import { creationProblem } from './creation-problem.ts';

const forbidden = 'Error creating: pods "dais-t1-r1-0-abcde" is forbidden: ';

test.each([
  [
    'quota',
    'quota dais permits 64 requests.cpu, 60 are used, and the pod needs 8; 8 requests.nvidia.com/gpu, 8 are used, and the pod needs 1',
    `${forbidden}exceeded quota: dais, requested: requests.cpu=8,requests.nvidia.com/gpu=1, used: requests.cpu=60,requests.nvidia.com/gpu=8, limited: requests.cpu=64,requests.nvidia.com/gpu=8`,
  ],
  [
    'denied',
    'violates PodSecurity "restricted:latest": runAsNonRoot != true',
    `${forbidden}violates PodSecurity "restricted:latest": runAsNonRoot != true`,
  ],
  [
    'denied',
    'admission webhook "validate.kyverno.svc-fail" denied the request: images must come from registry.example',
    'Error creating: admission webhook "validate.kyverno.svc-fail" denied the request: images must come from registry.example',
  ],
  [
    'denied',
    "ValidatingAdmissionPolicy 'no-gpu' with binding 'no-gpu' denied request: no GPUs here",
    `${forbidden}ValidatingAdmissionPolicy 'no-gpu' with binding 'no-gpu' denied request: no GPUs here`,
  ],
  [
    'denied',
    'maximum memory usage per Container is 4Gi, but limit is 8Gi',
    `${forbidden}maximum memory usage per Container is 4Gi, but limit is 8Gi`,
  ],
  [
    'target',
    'error looking up service account dais-churn/dais-task: serviceaccount "dais-task" not found',
    `${forbidden}error looking up service account dais-churn/dais-task: serviceaccount "dais-task" not found`,
  ],
  [
    'target',
    'Internal error occurred: failed calling webhook "mutate.example": context deadline exceeded',
    'Error creating: Internal error occurred: failed calling webhook "mutate.example": context deadline exceeded',
  ],
])('%s: %s', (expected, text, message) => {
  expect(creationProblem(message)).toEqual({ class: expected, text });
});
