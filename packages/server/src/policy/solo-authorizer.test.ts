import { expect, test } from 'vitest';
import type { Principal, Question } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { soloAuthorizer } from '#policy/solo-authorizer.ts';
import { STEP_SCOPES } from '#policy/identity/tokens/step-tokens.ts';

const tx = {} as Transaction;
const OWNER: Principal = { type: 'user', id: 'owner', via: { method: 'solo', mfa: false } };
const asStep = (of: Principal): Principal => ({
  ...of,
  project: 'default',
  scopes: STEP_SCOPES,
  via: { method: 'step', credential: 'an-attempt', mfa: false },
});

async function decision(principal: Principal, action: string, project = 'default'): Promise<string> {
  const operation = { name: action, action, mode: 'write', scope: 'project' } as const;
  const question: Question = { principal, requestId: '1', operation, target: { kind: 'Run' }, projectId: '1', project };
  return await soloAuthorizer.authorize(question, tx).then(
    () => 'permitted',
    ({ code }: { code: string }) => code,
  );
}

test('the owner and the platform have all permissions, others none', async () => {
  expect(await decision(OWNER, 'secret:read')).toBe('permitted');
  expect(await decision({ type: 'system', id: 'dais' }, 'secret:read')).toBe('permitted');
  expect(await decision({ type: 'user', id: 'ada' }, 'run:read')).toBe('forbidden');
});

test.each([OWNER, { type: 'system', id: 'dais' } as const])(
  'a step of $type $id logs in its project, and that is all',
  async (of) => {
    expect(await decision(asStep(of), 'run:log')).toBe('permitted');
    expect(await decision(asStep(of), 'run:log', 'other')).toBe('forbidden');
    expect(await decision(asStep(of), 'secret:read')).toBe('forbidden');
    expect(await decision(asStep(of), 'execution:submit')).toBe('forbidden');
  },
);
