import { stringify } from 'yaml';
import { expect, test } from 'vitest';
import { specialUse } from '#lib/outbound/address-class.ts';
import { planNetworkPolicies } from './network-policies.ts';
import { planJob } from './pod-plan.ts';
import { PLAIN_TARGET, PLAIN_TASK } from './pod-plan-cases.testing.ts';
import { planProjectObjects } from './project-objects.ts';

const GIB = 2 ** 30;
const network = {
  dais: [
    { cidr: '203.0.113.7/32', ports: [443] },
    { namespaceLabels: { 'kubernetes.io/metadata.name': 'dais' }, podLabels: { app: 'dais' }, ports: [7450] },
  ],
  objectStore: [{ cidr: '10.20.0.0/16', ports: [9000] }],
};

test('the objects of a project are the golden file', async () => {
  const project = {
    project: 'churn',
    tasks: 20,
    quota: { cpu: 64, memory: 256 * GIB, disk: 500 * GIB, 'nvidia.com/gpu': 8 },
  };
  const target = {
    ...PLAIN_TARGET,
    pullSecrets: ['dais-pull'],
    serviceAccount: { name: 'dais-task', annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/churn' } },
  };
  const objects = planProjectObjects(project, target, network);
  const text = objects.map((object) =>
    stringify(object, { aliasDuplicateObjects: false, singleQuote: true, lineWidth: 0 }),
  );
  await expect(text.join('---\n')).toMatchFileSnapshot('golden/project-objects.yaml');
});

test('without quotas, only the number of tasks is limited', () => {
  const objects = planProjectObjects({ project: 'a', quota: {} }, PLAIN_TARGET, {
    dais: network.dais,
    objectStore: [],
  });
  expect(objects.map(({ kind, metadata: { name } }) => `${kind}/${name}`)).toEqual([
    'Namespace/dais-churn',
    'ServiceAccount/dais-task',
    'NetworkPolicy/dais-deny-all',
    'NetworkPolicy/dais-agent',
    'NetworkPolicy/dais-internet',
    'ResourceQuota/dais',
  ]);
  expect(objects.at(-1)).toMatchObject({ spec: { hard: { pods: '200', 'count/jobs.batch': '200' } } });
});

test('the policies select the pods that a plan creates', () => {
  const labels = { 'dais.dev/installation': 'i-4c1f', 'dais.dev/project': 'churn' };
  const policies = planNetworkPolicies('dais-churn', labels, network);
  const selected = (isNetwork: boolean) => {
    const pod = planJob({ ...PLAIN_TASK, network: isNetwork }, PLAIN_TARGET, 1).spec.template.metadata.labels;
    return policies
      .filter(({ spec: { podSelector } }) =>
        Object.entries('matchLabels' in podSelector ? podSelector.matchLabels : {}).every(
          ([name, value]) => (pod as Record<string, string>)[name] === value,
        ),
      )
      .map(({ metadata: { name } }) => name);
  };
  expect(selected(false)).toEqual(['dais-deny-all', 'dais-agent']);
  expect(selected(true)).toEqual(['dais-deny-all', 'dais-agent', 'dais-object-store', 'dais-internet']);
});

test('the policy for the internet permits no address that the outbound guard calls local or reserved', () => {
  const policy = planNetworkPolicies('n', {}, network).find(({ metadata: { name } }) => name === 'dais-internet');
  const blocks = JSON.stringify(policy);
  for (const address of [
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.168.0.1',
    '198.18.0.1',
  ]) {
    expect(specialUse(address)).toBeDefined();
    expect(isPermitted(blocks, address)).toBe(false);
  }
  for (const address of ['100.100.100.200', '168.63.129.16', '224.0.0.1', '255.255.255.255', '0.0.0.0']) {
    expect(isPermitted(blocks, address)).toBe(false);
  }
  for (const address of ['8.8.8.8', '1.1.1.1', '172.32.0.1']) {
    expect(specialUse(address)).toBeUndefined();
    expect(isPermitted(blocks, address)).toBe(true);
  }
});

/** Evaluates the IPv4 blocks of a policy. */
function isPermitted(policy: string, address: string): boolean {
  const { spec } = JSON.parse(policy) as {
    spec: { egress: { to: { ipBlock: { cidr: string; except: string[] } }[] }[] };
  };
  return spec.egress.some(({ to }) =>
    to.some(
      ({ ipBlock: { cidr, except } }) => contains(cidr, address) && !except.some((part) => contains(part, address)),
    ),
  );
}

function contains(cidr: string, address: string): boolean {
  const [network = '', bits = ''] = cidr.split('/');
  if (network.includes(':')) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(numberOf(network) / size) === Math.floor(numberOf(address) / size);
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
