import { expect, test } from 'vitest';
import type { Principal } from '#kernel/principal.ts';
import { identifyStep } from '#policy/step-access.ts';

const STEP: Principal = { type: 'user', id: 'ada', via: { method: 'step', credential: 'one', mfa: false } };
const decision = async (authorization: string | undefined, step?: string) =>
  await identifyStep(
    { authorization, step },
    async (text) => await Promise.resolve(text === 'dais_run_good' ? STEP : undefined),
  ).then(
    (principal) => principal?.id ?? 'no step',
    ({ code }: { code: string }) => code,
  );

test.each([
  ['its token', 'Bearer dais_run_good', undefined, 'ada'],
  ['its token, from inside of it', 'Bearer dais_run_good', 'one', 'ada'],
  ['as a password', `Basic ${btoa('x:dais_run_good')}`, 'one', 'ada'],
  ['the token of another step', 'Bearer dais_run_good', 'two', 'unauthenticated'],
  ['a token that has ended', 'Bearer dais_run_bad', undefined, 'unauthenticated'],
  ['no token, from inside of a step', undefined, 'one', 'unauthenticated'],
  ['a token of somebody, from inside of a step', 'Bearer dais_pat_x', 'one', 'unauthenticated'],
  ['a token of somebody', 'Bearer dais_pat_x', undefined, 'no step'],
  ['nothing', undefined, undefined, 'no step'],
])('%s', async (_, authorization, step, expected) => {
  expect(await decision(authorization, step)).toBe(expected);
});
