import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uidOf } from './cedar-json.ts';
import { loadCedarWasm } from './cedar-wasm.ts';
import type { RequestScope } from './compile-expression.ts';
import { compilePolicy } from './compile-policy.ts';
import { entitiesOf } from './entities.ts';
import { recordOf } from './cedar-json.ts';
import { linkId, wasmPolicies, type RequestJson } from './oracle.ts';
import { actionEntities, linkArbitrary, policyArbitrary, requestArbitrary } from './policy-arbitrary.testing.ts';
import { decide, PolicySet, type PolicyDecision } from './policy-set.ts';

function scopeOf(request: RequestJson): RequestScope {
  return {
    principal: uidOf(request.principal),
    action: uidOf(request.action),
    resource: uidOf(request.resource),
    context: recordOf(request.context),
    entities: entitiesOf(request.entities),
  };
}

/** 8 policies and 13 requests: 104 pairs an example, so that 100 examples are more than 10,000. */
const POLICIES = 8;
const REQUESTS = 13;

test('the compiled evaluator and cedar-wasm decide alike, with the same reasons and errors', async () => {
  const cedar = await loadCedarWasm();
  const actions = entitiesOf(actionEntities);
  const seen = { pairs: 0, allowed: 0, errors: 0 };
  fc.assert(
    fc.property(
      fc.array(policyArbitrary, { minLength: POLICIES, maxLength: POLICIES }),
      fc.array(linkArbitrary, { maxLength: 3 }),
      fc.array(requestArbitrary, { minLength: REQUESTS, maxLength: REQUESTS }),
      (policies, given, requests) => {
        const named = policies.map((json, index) => ({ id: `policy${index}`, json }));
        const links = given.map(({ principal, role, resource }, index) => ({
          id: `link${index}`,
          principal: uidOf(principal),
          role: uidOf(role),
          resource: uidOf(resource),
        }));
        const set = new PolicySet(
          named.map(({ id, json }) => compilePolicy(id, json)),
          links,
          actions,
        );
        const parsed = cedar.preparsePolicySet(
          'differential',
          wasmPolicies({ policies: named.map(({ id, json }) => ({ id, source: json })), links }),
        );
        if (parsed.type === 'failure') throw new Error(parsed.errors.map((error) => error.message).join('; '));
        for (const request of requests) {
          const answer = cedar.statefulIsAuthorized({
            ...(request as never as { principal: never; action: never; resource: never; context: never }),
            entities: request.entities as never,
            preparsedPolicySetId: 'differential',
          });
          if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
          const { decision, diagnostics } = answer.response;
          const expected: PolicyDecision = {
            allowed: decision === 'allow',
            reasons: diagnostics.reason.map((id) => linkId(id, links)).toSorted(),
            errors: diagnostics.errors.map((error) => error.policyId).toSorted(),
          };
          expect(decide([set], scopeOf(request))).toEqual(expected);
          seen.pairs += named.length;
          if (expected.allowed) seen.allowed++;
          if (expected.errors.length > 0) seen.errors++;
        }
      },
    ),
  );
  expect(seen.pairs).toBeGreaterThanOrEqual(10_000);
  // A test that never meets a permission or an error would show nothing.
  expect(seen.allowed).toBeGreaterThan(50);
  expect(seen.errors).toBeGreaterThan(50);
});
