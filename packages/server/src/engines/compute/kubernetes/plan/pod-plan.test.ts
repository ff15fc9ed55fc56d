import { stringify } from 'yaml';
import { describe, expect, test } from 'vitest';
import type { TaskSpec } from '../../contract.ts';
import { CASES, PLAIN_TARGET, PLAIN_TASK, type PlanCase } from './pod-plan-cases.testing.ts';
import { graceMsOf, planJob, podGraceSeconds, type JobManifest } from './pod-plan.ts';
import type { TaskFacts } from './pod-resources.ts';
import { restrictedViolations } from './restricted-check.testing.ts';

const MAX_TEMPLATE_BYTES = 4096;
const MAX_NAME = 63;
const CANARY = /canary/i;

/** A complete spec, whose task fields contain a text that must not be in any manifest. */
const spec: TaskSpec = {
  attempt: 't7f3k2a9',
  command: ['canary-program', '--token=CANARY-ARGUMENT'],
  variables: { CANARY_VARIABLE: 'canary-value' },
  secretVariables: { CANARY_SECRET: 'canary-secret' },
  environment: { folders: ['/canary-folder'], path: ['/canary-path'], variables: { CANARY_HOME: 'canary-home' } },
  inputs: [{ path: 'canary-input.csv', open: () => Promise.reject(new Error('not opened')) }],
  outputs: [{ name: 'canary-output', path: 'canary-model' }],
  resources: {},
  limits: {},
  isolation: 'required',
  network: false,
};

function plan({ task, target, round = 1 }: PlanCase): JobManifest {
  const { environment: _environment, ...others } = spec;
  const facts: TaskFacts = { ...others, ...PLAIN_TASK, ...task };
  return planJob(facts, { ...PLAIN_TARGET, ...target }, round);
}

describe.each(CASES)('$name', (planCase) => {
  const job = plan(planCase);

  test('the manifest is the golden file', async () => {
    const text = stringify(job, { aliasDuplicateObjects: false, singleQuote: true, lineWidth: 0 });
    await expect(text).toMatchFileSnapshot(`golden/${planCase.name}.yaml`);
  });

  test('the pod is permitted by `restricted`, is small, and contains nothing of the task', () => {
    expect(restrictedViolations(job.spec.template)).toEqual([]);
    const bytes = Buffer.byteLength(JSON.stringify(job.spec.template));
    const tolerations = Buffer.byteLength(JSON.stringify(planCase.target?.tolerations ?? []));
    // A target may have any number of tolerations.
    expect(bytes - tolerations).toBeLessThanOrEqual(MAX_TEMPLATE_BYTES);
    expect(JSON.stringify(job)).not.toMatch(CANARY);
  });

  test('names and labels are valid', () => {
    const { name, labels } = job.metadata;
    expect(name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
    // The pod of index 0: the Job controller adds the index and five random characters.
    expect(`${name}-0-abcde`.length).toBeLessThanOrEqual(MAX_NAME);
    for (const value of Object.values({ ...labels, ...job.spec.template.metadata.labels })) {
      expect(value).toMatch(/^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/);
    }
  });
});

test('every case has a name of its own', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(40);
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
});

test('a Job creates one pod, once, and its deadline contains start, run and collection', () => {
  const { spec: job } = plan({ name: '', task: { limits: { wallMs: 72_000_000 } }, target: { kueueQueue: 'q' } });
  expect(job).toMatchObject({ suspend: true, completions: 1, parallelism: 1, backoffLimit: 0 });
  expect(job.activeDeadlineSeconds).toBe(72_000 + 3600 + 21_600);
  expect(plan({ name: '' }).spec.activeDeadlineSeconds).toBeGreaterThan(30 * 86_400);
});

test('the agent has its own token, and no container has another one', () => {
  const { spec: pod } = plan({ name: '' }).spec.template;
  const agent = pod.initContainers[0];
  const task = pod.containers[0];
  expect(pod.volumes.find(({ name }) => name === 'token')).toMatchObject({
    projected: { sources: [{ serviceAccountToken: { audience: 'dais/i-4c1f/t7f3k2a9' } }] },
  });
  expect(agent?.volumeMounts.map(({ name }) => name)).toContain('token');
  expect(task?.volumeMounts.map(({ name }) => name)).not.toContain('token');
  expect(pod.automountServiceAccountToken).toBe(false);
});

test('a task without network access does not reach the object store', () => {
  expect(plan({ name: '' }).spec.template.metadata.labels).toMatchObject({
    'dais.dev/network': 'false',
    'dais.dev/transfer': 'proxied',
  });
  expect(plan({ name: '', task: { network: true } }).spec.template.metadata.labels).toMatchObject({
    'dais.dev/network': 'true',
    'dais.dev/transfer': 'direct',
  });
});

test('the grace period of the pod contains the collection', () => {
  expect([graceMsOf({}), podGraceSeconds({}), podGraceSeconds({ graceMs: 30_000 })]).toEqual([10_000, 130, 150]);
});

test('an unknown resource is rejected', () => {
  expect(() => plan({ name: '', task: { resources: { gpu: 1 } } })).toThrow(
    /Resource `gpu` does not exist on Kubernetes/,
  );
});

const security = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
};
const podSecurity = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };

function violations(pod: object, container: object = {}, annotations: Record<string, string> = {}): readonly string[] {
  const containers = [{ name: 'task', securityContext: security, ...container }];
  return restrictedViolations({
    metadata: { annotations },
    spec: { securityContext: podSecurity, containers, ...pod },
  });
}

test('a minimal pod is permitted', () => {
  expect(violations({})).toEqual([]);
  expect(violations({ securityContext: {} }, { securityContext: { ...security, ...podSecurity } })).toEqual([]);
  expect(
    violations({}, { securityContext: { ...security, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } } }),
  ).toEqual([]);
  expect(
    violations({
      volumes: [
        { name: 'e', image: {} },
        { name: 'p', projected: {} },
      ],
    }),
  ).toEqual([]);
});

test.each([
  ['hostNetwork', { hostNetwork: true }],
  ['hostPID', { hostPID: true }],
  ['hostIPC', { hostIPC: true }],
  ['pod: hostProcess', { securityContext: { ...podSecurity, windowsOptions: { hostProcess: true } } }],
  ['pod: runAsUser 0', { securityContext: { ...podSecurity, runAsUser: 0 } }],
  [
    'pod: sysctl kernel.msgmax',
    { securityContext: { ...podSecurity, sysctls: [{ name: 'kernel.msgmax', value: '1' }] } },
  ],
  ['pod: seLinuxOptions.type', { securityContext: { ...podSecurity, seLinuxOptions: { type: 'spc_t' } } }],
  ['pod: seLinuxOptions.user and role', { securityContext: { ...podSecurity, seLinuxOptions: { user: 'u' } } }],
  ['pod: appArmorProfile', { securityContext: { ...podSecurity, appArmorProfile: { type: 'Unconfined' } } }],
  ['volume h: type hostPath', { volumes: [{ name: 'h', hostPath: { path: '/' } }] }],
  ['volume n: type nfs', { volumes: [{ name: 'n', nfs: {} }] }],
])('%s of a pod is a violation', (violation, pod) => {
  expect(violations(pod)).toEqual([violation]);
});

test.each([
  ['containers[0]: hostPort', { ports: [{ containerPort: 1, hostPort: 80 }] }],
  ['containers[0]: host of httpGet', { livenessProbe: { httpGet: { host: '10.0.0.1' } } }],
  ['containers[0]: host of tcpSocket', { lifecycle: { preStop: { tcpSocket: { host: '10.0.0.1' } } } }],
  ['containers[0]: privileged', { securityContext: { ...security, privileged: true } }],
  ['containers[0]: procMount', { securityContext: { ...security, procMount: 'Unmasked' } }],
  ['containers[0]: allowPrivilegeEscalation is not false', { securityContext: { capabilities: { drop: ['ALL'] } } }],
  ['containers[0]: runAsNonRoot is not true', { securityContext: { ...security, runAsNonRoot: false } }],
  ['containers[0]: runAsUser 0', { securityContext: { ...security, runAsUser: 0 } }],
  ['containers[0]: does not drop all capabilities', { securityContext: { allowPrivilegeEscalation: false } }],
  [
    'containers[0]: adds capability SYS_ADMIN',
    { securityContext: { ...security, capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } } },
  ],
])('%s is a violation', (violation, container) => {
  expect(violations({}, container)).toEqual([violation]);
});

test('seccomp must be set, for the pod or for each container', () => {
  expect(violations({ securityContext: { runAsNonRoot: true } })).toEqual(['containers[0]: no seccompProfile']);
  expect(violations({}, { securityContext: { ...security, seccompProfile: { type: 'Unconfined' } } })).toEqual([
    'containers[0]: seccompProfile Unconfined',
    'containers[0]: no seccompProfile',
  ]);
});

test('init containers and ephemeral containers are checked, and annotations of AppArmor', () => {
  expect(violations({ initContainers: [{ name: 'i' }] })).toEqual([
    'initContainers[0]: allowPrivilegeEscalation is not false',
    'initContainers[0]: does not drop all capabilities',
  ]);
  expect(violations({ ephemeralContainers: [{ securityContext: { ...security, privileged: true } }] })).toEqual([
    'ephemeralContainers[0]: privileged',
  ]);
  expect(violations({}, {}, { 'container.apparmor.security.beta.kubernetes.io/task': 'unconfined' })).toEqual([
    'annotation container.apparmor.security.beta.kubernetes.io/task turns AppArmor off',
  ]);
});
