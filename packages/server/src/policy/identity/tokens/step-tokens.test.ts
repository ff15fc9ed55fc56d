import { platformOperations } from '@dais/api';
import { lineageOperations } from '@dais/api/lineage';
import { registryOperations } from '@dais/api/registry';
import {
  artifactOperations,
  assessmentOperations,
  evaluationDatasetOperations,
  loggedModelOperations,
  scorerOperations,
  traceOperations,
  trackingOperations,
} from '@dais/api/tracking';
import { expect, test } from 'vitest';
import { matchesScope } from '#policy/identity/tokens/scopes.ts';
import { STEP_SCOPES } from '#policy/identity/tokens/step-tokens.ts';

const actions = [
  ...artifactOperations,
  ...assessmentOperations,
  ...evaluationDatasetOperations,
  ...lineageOperations,
  ...loggedModelOperations,
  ...platformOperations,
  ...registryOperations,
  ...scorerOperations,
  ...traceOperations,
  ...trackingOperations,
].map(({ action }) => action);

test('a step has its permissions only', () => {
  expect(STEP_SCOPES.filter((scope) => !actions.includes(scope))).toEqual([]);
});

test.each(['execution:submit', 'execution:cancel', 'secret:read', 'secret:use', 'token:create', 'run:delete'])(
  'a step may not %s',
  (action) => {
    expect(STEP_SCOPES.some((scope) => matchesScope(scope, action))).toBe(false);
  },
);
