import type { KindSpec } from '@dais/api';
import { factsOfKind, policyFacts, policyKind, secretKind } from '@dais/api/access';
import { expect, test } from 'vitest';
import { completeFacts } from './fact-completion.ts';

const POLICY = 'kind: Policy\nspec:\n  cedar: |\n    forbid(principal, action, resource) when { ';

function complete(condition: string, kind: KindSpec = policyKind) {
  const text = `${POLICY}${condition}`;
  return completeFacts(text, text.length, kind);
}

test('the facts of the table are offered after resource.facts', () => {
  const found = complete('resource.facts.upstreamO');
  expect(found?.choices.map(({ label }) => label)).toEqual(policyFacts.map(({ name }) => name));
  expect(found?.from).toBe(`${POLICY}resource.facts.`.length);
  expect(complete('resource.facts has ')?.choices).toHaveLength(policyFacts.length);
  expect(factsOfKind('Endpoint').length).toBeGreaterThan(0);
});

test('nothing is offered elsewhere', () => {
  expect(complete('resource.name')).toBeUndefined();
  expect(complete('resource.facts.openPiiFindings > 0')).toBeUndefined();
  expect(complete('resource.facts.', secretKind)).toBeUndefined();
});
