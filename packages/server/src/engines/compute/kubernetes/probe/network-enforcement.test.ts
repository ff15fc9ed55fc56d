import { expect, test } from 'vitest';
import {
  CONTROL,
  evaluateNetwork,
  METADATA,
  readResults,
  type ConnectionResult,
  type TestedAddress,
} from './network-enforcement.ts';

const service: TestedAddress = {
  name: 'service',
  host: '10.96.0.1',
  port: 443,
  what: 'the API server',
  isSure: true,
  isExempt: false,
};
const registry: TestedAddress = {
  name: 'registry',
  host: 'registry.example',
  port: 443,
  what: 'the registry of the agent',
  isSure: false,
  isExempt: false,
};

const dais: TestedAddress = {
  name: CONTROL,
  host: 'dais.example',
  port: 443,
  what: 'Dais',
  isSure: false,
  isExempt: true,
};

function evaluate(results: Readonly<Record<string, ConnectionResult>>, isExempt = false) {
  const addresses = [dais, { ...service, isExempt, isSure: !isExempt }, registry, METADATA];
  return evaluateNetwork(addresses, new Map(Object.entries({ dais: 'open', ...results })), 'base:1');
}

test('the lines of the script become results', () => {
  expect([...readResults('service open\nregistry closed\nnoise\nmetadata unknown\n')]).toEqual([
    ['service', 'open'],
    ['registry', 'closed'],
    ['metadata', 'unknown'],
  ]);
});

test('a failure at an address that every pod reaches proves that policies are enforced', () => {
  expect(evaluate({ service: 'closed', registry: 'closed', metadata: 'closed' })).toEqual({
    features: ['network-policies'],
    warnings: [],
  });
});

test('failures prove nothing while the test does not connect to Dais either', () => {
  expect(evaluate({ dais: 'closed', service: 'closed', registry: 'closed', metadata: 'closed' })).toEqual({
    features: [],
    warnings: [expect.stringContaining('the test with the programs of the image base:1 did not even connect to Dais')],
  });
});

test('a connection is reported, with the remedy', () => {
  expect(evaluate({ service: 'open', registry: 'closed', metadata: 'closed' })).toEqual({
    features: [],
    warnings: [
      'Network policies are not enforced in this cluster: a step without network access connected to the API server at 10.96.0.1:443. ' +
        'Install a network plugin that enforces NetworkPolicy, such as Calico or Cilium. Until then, every step has network access.',
    ],
  });
  expect(evaluate({ service: 'closed', registry: 'open', metadata: 'closed' }).warnings[0]).toContain(
    'connected to the registry of the agent at registry.example:443',
  );
});

test('a metadata service that responds is a warning of its own', () => {
  expect(evaluate({ service: 'closed', registry: 'closed', metadata: 'open' })).toEqual({
    features: ['network-policies'],
    warnings: [expect.stringMatching(/^Steps without network access reach the metadata service .* 169\.254\.169\.254/)],
  });
});

test('what cannot be tested is said', () => {
  expect(evaluate({ service: 'unknown', registry: 'unknown', metadata: 'unknown' })).toEqual({
    features: [],
    warnings: [
      'It is unknown whether this cluster enforces network policies: the image base:1 has none of nc, python3, node and bash for a test. ' +
        'See the documentation of its network plugin.',
    ],
  });
  expect(evaluate({ service: 'open', registry: 'closed', metadata: 'closed' }, true).warnings).toEqual([
    expect.stringContaining('policies always permit connections to the node of a pod, where the API server runs here'),
  ]);
});
