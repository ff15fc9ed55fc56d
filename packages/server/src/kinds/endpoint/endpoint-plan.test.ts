import type { Resource } from '@dais/api';
import { expect, test } from 'vitest';
import { planEndpoint } from './endpoint-plan.ts';

const resource = { apiVersion: 'dais.dev/v1', kind: 'Endpoint', spec: {}, status: {} } as unknown as Resource;

test('what is missing is made, and the resource is not ready', () => {
  const { effects, conditions } = planEndpoint({ resource, observed: { exists: false } });
  expect(effects).toEqual([{ type: 'create' }]);
  expect(conditions).toMatchObject([{ type: 'Ready', status: 'False' }]);
});

test('what exists needs nothing, and the resource is ready', () => {
  const { effects, conditions } = planEndpoint({ resource, observed: { exists: true } });
  expect(effects).toEqual([]);
  expect(conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
});
